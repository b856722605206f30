"""One glance: a frame in, probabilities and attention out (paper III-C and V)."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch

from tmnet_core.checkpoint import CheckpointHeader
from tmnet_core.data.preprocessing import Crop, Image, Placement, Preprocessing
from tmnet_core.data.sampling import key_frame_index
from tmnet_core.device import describe_device
from tmnet_core.errors import EngineError
from tmnet_core.live.engines.choice import open_engine
from tmnet_core.live.engines.clip import trained_key_frame
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.outputs import EngineOutputs
from tmnet_core.live.frames import FloatArray, Frame, Glance
from tmnet_core.models.branch import Branch


class GlancePredictor:
    """Looks at one frame at a time, or at clips: preprocessing, then an engine.

    Several threads may use it; they take turns.

    Attributes:
        header: what the file says of itself.
        device: where it runs.
        frames: T where it looks at clips, 0 where at single frames.
    """

    def __init__(self, header: CheckpointHeader, engine: Engine, device: torch.device, frames: int = 0) -> None:
        self.header = header
        self.device = device
        self.frames = frames
        self._engine = engine
        self._turn = threading.Lock()

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        device: str | torch.device = "auto",
        engine: str = "auto",
        *,
        threads: int | None = None,
        frames: int = 0,
    ) -> Self:
        """Load a checkpoint or an exported ONNX file into an engine, as `open_engine` does and with its errors.

        Args:
            path: a `.safetensors` checkpoint or an `.onnx` file of `tmnet export`.
            device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
            engine: `auto`, or a name of `available_engines`.
            threads: CPU threads of onnxruntime or ncnn; where None as many as torch has, less one core for all else.
            frames: T, to look at clips of that many frames with `look_at_clip`; 0 for glances.
        """
        opened = open_engine(Path(path), device, engine, threads=threads, frames=frames)
        return cls(opened.header, opened.engine, opened.device, frames)

    @property
    def classes(self) -> list[str]:
        """The K class names, in the order of the probabilities."""
        return self.header.classes

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that this checkpoint serves; TSN serves CB alone, TMNet-3D-A and -3D-B RB alone."""
        return self._engine.branches

    @property
    def preprocessing(self) -> Preprocessing:
        """What turns a frame into the network's input."""
        return self.header.preprocessing

    @property
    def engine(self) -> str:
        """What computes, for a person; it changes when a faster engine takes over."""
        return f"{describe_device(self.device)} · {self._engine.title}"

    def glance(
        self,
        frame: Frame | Image,
        *,
        mirror: bool = False,
        quarter_turns: int = 0,
        crop: Crop | None = None,
        branches: Sequence[Branch] | None = None,
    ) -> Glance:
        """Look at one frame.

        Args:
            frame: a Frame, or an H×W×3 uint8 RGB image of any size.
            mirror: whether the network sees the frame mirrored left to right.
            quarter_turns: clockwise turns of 90° before the network sees the frame.
            crop: what part the network sees, where it shall differ from the checkpoint's own.
            branches: the answers wanted, all where None; with RB or CB alone the other one is not computed.
        """
        (seen,) = self.glance_at_each([frame], mirror=mirror, quarter_turns=quarter_turns, crop=crop, branches=branches)
        return seen

    def glance_at_each(
        self,
        frames: Sequence[Frame | Image],
        *,
        mirror: bool = False,
        quarter_turns: int = 0,
        crop: Crop | None = None,
        branches: Sequence[Branch] | None = None,
    ) -> list[Glance]:
        """Look at several frames at once, each alone; their sizes may differ.

        The arguments are those of `glance`. The stages of each are those of all.
        """
        return self._look([[frame] for frame in frames], mirror, quarter_turns, crop, branches)

    def look_at_clips(
        self,
        clips: Sequence[Sequence[Frame | Image]],
        *,
        mirror: bool = False,
        quarter_turns: int = 0,
        crop: Crop | None = None,
        branches: Sequence[Branch] | None = None,
    ) -> list[Glance]:
        """Look at clips of T frames: CB at all of them, RB at the key frame, which the answer carries.

        The arguments are those of `glance`.

        Raises:
            EngineError: a clip has not as many frames as the predictor was opened for.
        """
        return self._look(clips, mirror, quarter_turns, crop, branches)

    def _look(
        self,
        clips: Sequence[Sequence[Frame | Image]],
        mirror: bool,
        quarter_turns: int,
        crop: Crop | None,
        branches: Sequence[Branch] | None,
    ) -> list[Glance]:
        foreign = [len(clip) for clip in clips if len(clip) != (self.frames or 1)]
        if foreign:
            raise EngineError(f"a clip of {foreign[0]} frames: this network was opened for {self.frames or 1}")
        start = time.perf_counter()
        preprocessing = self.preprocessing if crop is None else self.preprocessing.model_copy(update={"crop": crop})
        key = key_frame_index(trained_key_frame(self.header), self.frames) if self.frames else 0
        frames: list[Frame] = []
        placements: list[Placement] = []
        cuts: list[Image] = []
        for clip in clips:
            for number, picture in enumerate(map(_as_frame, clip)):
                height, width = picture.image.shape[:2]
                placement = preprocessing.place(width, height, mirror=mirror, quarter_turns=quarter_turns)
                cuts.append(preprocessing.cut(picture.image, placement))
                if number == key:
                    frames.append(picture)
                    placements.append(placement)
        # A single one needs no copy.
        images = np.stack(cuts) if len(cuts) > 1 else cuts[0][None]
        if self.frames:
            images = images.reshape(len(clips), self.frames, *images.shape[1:])
        preprocessed = time.perf_counter()
        with self._turn:
            seen = self._engine.look(images, branches)
        stages = {"preprocess": (preprocessed - start) * 1e3, **seen.stages}
        finished = time.perf_counter()
        answers = []
        for place, (frame, placement) in enumerate(zip(frames, placements, strict=True)):
            probabilities, maps, features = (_of_one(kind, place) for kind in seen.kinds)
            answers.append(Glance(frame, placement, probabilities, maps, features, finished, stages))
        return answers

    def look(self, images: Image, branches: Sequence[Branch] | None = None, *, maps: bool = True) -> EngineOutputs:
        """Look at B×size×size×3 uint8 RGB images that `preprocessing` has cut, all at once."""
        with self._turn:
            return self._engine.look(images, branches, maps=maps)

    def close(self) -> None:
        """Free the network and whatever prepares a faster engine; may be called again."""
        with self._turn:
            self._engine.close()


def _as_frame(frame: Frame | Image) -> Frame:
    return frame if isinstance(frame, Frame) else Frame(frame, 0, 0.0, time.perf_counter())


def _of_one(values: Mapping[Branch, FloatArray], place: int) -> dict[Branch, FloatArray]:
    return {branch: batch[place] for branch, batch in values.items()}
