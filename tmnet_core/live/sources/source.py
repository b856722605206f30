"""What all sources of frames have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import SourceError
from tmnet_core.live.frames import Frame

Allocate = Callable[[int, int], Image]


def new_image(height: int, width: int) -> Image:
    """Return an H×W×3 uint8 array with nothing in it yet."""
    return np.empty((height, width, 3), np.uint8)


class FrameSource(ABC):
    """Hands out frames one by one; for use by one thread at a time.

    Attributes:
        title: what to call it on the screen, without any password.
        live: frames come when they come, and cannot be gone back to.
        width: pixels.
        height: pixels.
        fps: frames per second on average, None if it is not known.
        times: presentation time of each frame in seconds, ascending from 0; empty when live.
        gives: what a device or stream turned out to give, for a person to read; empty where size and rate say it.
        stands_still: whether pictures may repeat for long, as those of a screen do; a camera's never do.
        allocate: makes the array that a picture is written into.
    """

    title: str
    live: bool
    width: int
    height: int
    fps: float | None
    times: Sequence[float] = ()
    gives: str = ""
    stands_still: bool = True
    allocate: Allocate = staticmethod(new_image)

    @property
    def frames(self) -> int | None:
        """How many frames there are; None for a live source, which does not end."""
        return None if self.live else len(self.times)

    def open(self) -> None:  # noqa: B027
        """Wait until the source is there, for one whose constructor does not; SourceError if it does not come."""

    @abstractmethod
    def read(self) -> Frame | None:
        """Return the next frame, waiting for it if live; None after the last.

        Raises:
            SourceLostError: it gives no more frames now, but may when opened again.
            SourceError: there is no frame to get.
        """

    def seek(self, index: int) -> None:
        """Make this frame the next to be read; SourceError if the source is live."""
        raise SourceError(f"{self.title} is live, so there is no going to frame {index}.")

    def interrupt(self) -> None:  # noqa: B027
        """Let an `open` or `read` that is under way end soon with an error, where it can be done; from any thread."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file or device; may be called again."""
