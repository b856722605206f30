"""How good a checkpoint is on a data set, from one glance or from clips: figures of RB, CB and RB+CB."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from tmnet_core.checkpoint import CheckpointHeader, LoadedCheckpoint, load_checkpoint, read_header
from tmnet_core.config import ClipSection, KeyFrameSegment
from tmnet_core.data.clip_lengths import describe_short
from tmnet_core.data.clip_sources import (
    data_name,
)
from tmnet_core.data.clips import ClipSource, source_of
from tmnet_core.data.preprocessing import Crops
from tmnet_core.data.sampling import SamplingMode, clip_sampling
from tmnet_core.device import choose_device
from tmnet_core.errors import CheckpointError, DataError
from tmnet_core.models.branch import Branch
from tmnet_core.models.catalogue import C3D_FRAMES, shortest_clip
from tmnet_core.training.evaluation import Examiner, Glances, answered
from tmnet_core.training.metrics import Interval, Shares, bootstrap_interval, describe_resampling
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.scored_clips import Part, how_chosen, open_part


@dataclass(frozen=True, slots=True)
class Look:
    """How an evaluation looks at a video.

    Attributes:
        frames: T frames of one clip, taken together; 0: single frames, each alone (one glance).
        key_frame: the third that the glances, or RB's frame of a clip, are taken from; None: glances over all of
            the video, and of a clip the key frame it was trained with.
        key_frames: glances a video.
        sampling: how a clip's frames are taken; None: as in training.
        crops: 1, or 10 whose logits are averaged.
        fusion: what RB+CB averages; None: as the network does.
    """

    frames: int = 0
    key_frame: KeyFrameSegment | None = None
    key_frames: int = 5
    sampling: SamplingMode | None = None
    crops: Crops = 1
    fusion: Literal["features", "probabilities"] | None = None

    def clip(self, trained: ClipSection) -> ClipSection | None:
        """Return the clip to look at, after the one that was trained on; None for single frames."""
        if not self.frames:
            return None
        changes: dict[str, object] = {"frames": self.frames}
        changes |= {"key_frame": self.key_frame} if self.key_frame else {}
        changes |= {"sampling": self.sampling} if self.sampling else {}
        try:
            return ClipSection.model_validate({**trained.model_dump(), **changes})
        except ValidationError as error:
            raise DataError(f"a clip of {self.frames} frames: {error.errors()[0]['msg'].lower()}") from None


class Difference(BaseModel):
    """The mean of paired differences and its 95 % interval, None where all clips are of one source video."""

    mean: float
    interval: Interval | None


class ClassFigures(BaseModel):
    """One class as one branch sees it; None where the class has no clip.

    Attributes:
        glances: how many there were of it.
        accuracy: the share of them whose top class is this one.
        average_precision: of this class's score over all glances.
        mistaken_for: the class that most of the others were taken for; empty where none was.
    """

    name: str
    glances: int
    accuracy: float | None
    average_precision: float | None
    mistaken_for: str


class Evaluation(BaseModel):
    """The figures of one checkpoint on one data set, looked at in one way.

    Attributes:
        metrics: by branch, as `Glances.metrics`.
        sources: how many source videos the clips come from.
        top1_intervals: 95 % intervals of top-1 by branch, source videos resampled; None where there is but one.
        differences: of top-1 between branches, paired by video.
        classes: by branch, in the order of labels.
        confusion: by branch, counts of glances by true class (row) and answered class (column).
        clip_frames: T where clips were looked at, 0 for single frames.
        unreadable: a sentence for each video that was left out.
        short: how many videos are too short for the clip; empty where none is, and for single frames.
        notes: what a reader of the figures must know of the clips, such as that the network has seen some of them.
    """

    checkpoint: str
    data: str
    part: Literal["validation", "all"]
    videos: int
    key_frames: int
    key_frame: str
    clip_frames: int = 0
    crops: int = 1
    metrics: dict[str, dict[str, float]]
    sources: int
    top1_intervals: dict[str, Interval | None]
    differences: dict[str, Difference]
    classes: dict[str, list[ClassFigures]]
    confusion: dict[str, list[list[int]]]
    unreadable: list[str]
    notes: list[str] = []
    short: str = ""

    @property
    def look(self) -> str:
        """What was looked at at once."""
        if not self.clip_frames:
            return "one glance"
        return f"{self.clip_frames} frame{'s' if self.clip_frames > 1 else ''}"

    @property
    def title(self) -> str:
        """What was evaluated."""
        return f"{self.look[0].upper()}{self.look[1:]} of {self.checkpoint} at {self.data}"

    @property
    def resampling(self) -> str:
        """What the intervals stand on."""
        return describe_resampling(self.videos, self.sources)

    @property
    def caption(self) -> str:
        """On how much, in percent."""
        clips = "validation clips" if self.part == "validation" else "clips"
        crops = ", mean of ten crops" if self.crops == 10 else ""
        if self.clip_frames:
            short = f"; {self.short}" if self.short else ""
            frames = "frames of each at once" if self.clip_frames > 1 else "frame of each"
            rb = f"RB's from the {self.key_frame}"
            return f"{self.videos} {clips}, {self.clip_frames} {frames}, {rb}{crops}, in %{short}"
        where = "each" if self.key_frame == "spread" else f"in the {self.key_frame} third of each"
        return f"{self.videos} {clips}, mean over {self.key_frames} key frames {where}{crops}, in %"


def evaluate_checkpoint(
    checkpoint: Path,
    data: str,
    *,
    part: Part = "auto",
    look: Look | None = None,
    batch: int = 16,
    workers: int = 0,
    device: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Look at the clips of a data set, or at unseen `synthetic-people`, as `evaluate_looks` does in several ways."""
    looks = [look or Look()]
    return evaluate_looks(
        checkpoint, data, looks, part=part, batch=batch, workers=workers, device=device, progress=progress
    )[0]


def evaluate_looks(
    checkpoint: Path,
    data: str,
    looks: Sequence[Look],
    *,
    changes: Sequence[str] = (),
    part: Part = "auto",
    batch: int = 16,
    workers: int = 0,
    device: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Evaluation]:
    """Look at the clips of a data set in several ways, one after the other, without augmentation.

    `auto` takes those kept for validation if the checkpoint was trained on a data set of this name, else all. `changes`
    say more of the data, such as `data.split=2`.

    Raises:
        CheckpointError, DataError, RecipeError: before anything is looked at where the network cannot serve a look;
            also where the classes of the two differ, or where their splits do.
    """
    chosen = choose_device(device)
    loaded = load_checkpoint(checkpoint, chosen)
    for look in looks:
        _refuse_unserved(loaded, look)
    opened = open_part(data, part, loaded.header, changes)
    clips = opened.clips
    notes = [*opened.notes, *how_chosen(checkpoint, loaded.header, opened)]
    trained = trained_clip(loaded.header)
    evaluations = []
    for number, look in enumerate(looks):
        examiner = Examiner(
            clips,
            loaded.header.preprocessing,
            key_frames=look.key_frames,
            batch=batch,
            workers=workers,
            clip=look.clip(trained),
            within=look.key_frame,
            crops=look.crops,
        )

        def tell(done: int, total: int, number: int = number) -> None:
            progress(number * total + done, len(looks) * total)

        glances = examiner.examine(loaded.model, chosen, tell)
        named = {"checkpoint": _named(checkpoint), "data": data_name(data), "part": opened.part, "notes": notes}
        evaluations.append(_evaluation(named, look, trained, glances, clips))
    return evaluations


def trained_clip(header: CheckpointHeader) -> ClipSection:
    """Return the clip that a network was trained on; the recipe's default where its header does not say."""
    return header.training.clip if header.training else ClipSection()


def frames_trained_on(checkpoint: Path) -> int:
    """Return T of a checkpoint's training clips; raises CheckpointError."""
    return trained_clip(read_header(checkpoint)).frames


def compare(hits: dict[str, Shares], sources: Sequence[str]) -> dict[str, Difference]:
    """Compare the fusion with either branch, and the branches with each other, video by video."""
    if str(Branch.FUSED) not in hits:
        return {}
    pairs = [(Branch.FUSED, Branch.CB), (Branch.FUSED, Branch.RB), (Branch.RB, Branch.CB)]
    found = {f"{first} - {second}": hits[first] - hits[second] for first, second in pairs}
    return {
        name: Difference(mean=float(d.mean()), interval=bootstrap_interval(d, sources)) for name, d in found.items()
    }


def _evaluation(
    named: Mapping[str, object], look: Look, trained: ClipSection, glances: Glances, clips: ClipSource
) -> Evaluation:
    sources = [source_of(clips, index) for index in answered(clips, glances)]
    clip = look.clip(trained)
    short = describe_short(glances.lengths, clip_sampling(clip)) if clip else ""
    hits = {str(branch): glances.hits(branch) for branch in glances.probabilities}
    return Evaluation.model_validate(
        {
            **named,
            "videos": len(glances.labels),
            "key_frames": 1 if look.frames else look.key_frames,
            "key_frame": look.key_frame or (trained.key_frame if look.frames else "spread"),
            "clip_frames": look.frames,
            "crops": look.crops,
            "metrics": glances.metrics(),
            "sources": len(set(sources)),
            "top1_intervals": {branch: bootstrap_interval(values, sources) for branch, values in hits.items()},
            "differences": compare(hits, sources),
            "classes": {str(branch): _by_class(glances, branch, clips.classes) for branch in glances.probabilities},
            "confusion": {str(branch): glances.confusion(branch).tolist() for branch in glances.probabilities},
            "short": short,
            "unreadable": [video.reason for video in glances.unreadable],
        }
    )


def _by_class(glances: Glances, branch: Branch, classes: Sequence[str]) -> list[ClassFigures]:
    accuracy, precision = glances.by_class(branch)
    counts = glances.confusion(branch)
    figures = []
    for label, name in enumerate(classes):
        others = counts[label].copy()
        others[label] = 0
        figures.append(
            ClassFigures(
                name=name,
                glances=int(counts[label].sum()),
                accuracy=None if math.isnan(accuracy[label]) else float(accuracy[label]),
                average_precision=None if math.isnan(precision[label]) else float(precision[label]),
                mistaken_for=classes[int(others.argmax())] if others.any() else "",
            )
        )
    return figures


def _refuse_unserved(loaded: LoadedCheckpoint, look: Look) -> None:
    """Raise where the network does not answer for such a look."""
    header, name = loaded.header, f"checkpoint {loaded.path}: {loaded.header.title}"
    if not look.frames:
        if not loaded.model.glances:
            raise CheckpointError(f"{name} needs a clip, not one frame; evaluate it on whole clips")
        return
    shortest = shortest_clip(header.model.variant, header.model.network3d)
    if look.frames < shortest:
        raise CheckpointError(f"{name} needs clips of at least {shortest} frames, not {look.frames}")
    if header.model.variant == "c3d" and look.frames != C3D_FRAMES:
        raise CheckpointError(f"{name} looks at {C3D_FRAMES} frames, not {look.frames}")


def _named(checkpoint: Path) -> str:
    """Return what a report calls a checkpoint: its file, and its run where it lies in the folder of one."""
    folder = checkpoint.resolve().parent
    return f"{folder.name}/{checkpoint.name}" if RunFolder(folder).recipe_file.is_file() else checkpoint.name
