"""Memory that is written again and again: fresh pages for each picture can take longer than what is done to it."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt


class Scratch:
    """Memory for one picture at a time, as much as the largest took."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)

    def of(self, *shape: int) -> npt.NDArray[np.uint8]:
        """Return contiguous pixels of any values, in the memory of those before."""
        size = prod(shape)
        if self._bytes.size < size:
            self._bytes = np.empty(size, np.uint8)
        return self._bytes[:size].reshape(shape)
