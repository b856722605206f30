"""How good a checkpoint is on a data set, from one glance or from clips: figures of RB, CB and RB+CB."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from tmnet_core.config import ClipSection
from tmnet_core.data.clip_lengths import describe_short
from tmnet_core.data.clip_sources import data_name
from tmnet_core.data.clips import ClipSource, source_of
from tmnet_core.data.sampling import clip_sampling
from tmnet_core.errors import CheckpointError, DataError
from tmnet_core.models.branch import Branch
from tmnet_core.training.evaluation import Examiner, Glances, answered
from tmnet_core.training.look import Look
from tmnet_core.training.metrics import Interval, Shares, bootstrap_interval, describe_resampling
from tmnet_core.training.scored_clips import Part, how_chosen, in_order, open_part
from tmnet_core.training.scored_network import ScoredNetwork, open_scored_network


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


class Comparison(BaseModel):
    """How another network answers for the same clips, looked at in the same way.

    Attributes:
        name, engine: which network, and what computed it.
        clips: how many both could be shown, of which all the rest is.
        top1: its own, by branch, in [0, 1].
        differences: of top-1 by branch, the evaluated network's less this one's, paired by video.
        same_answers: the share of glances that both give the same top class, by branch.
    """

    name: str
    engine: str
    clips: int
    top1: dict[str, float]
    differences: dict[str, Difference]
    same_answers: dict[str, float]


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
        engine: what computed the answers.
        against: another network at the same clips, where one was to be compared.
    """

    checkpoint: str
    engine: str
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
    against: Comparison | None = None

    @property
    def look(self) -> str:
        """What was looked at at once."""
        if not self.clip_frames:
            return "one glance"
        return f"{self.clip_frames} frame{'s' if self.clip_frames > 1 else ''}"

    @property
    def title(self) -> str:
        """What was evaluated."""
        return f"{self.look[0].upper()}{self.look[1:]} of {self.checkpoint} ({self.engine}) at {self.data}"

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
    against: Path | None = None,
    changes: Sequence[str] = (),
    part: Part = "auto",
    batch: int = 16,
    workers: int = 0,
    device: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Evaluation]:
    """Look at the clips of a data set in several ways, one after the other, without augmentation.

    `checkpoint` and `against`, which is compared with it on the same clips, may be exported files. `auto` takes the
    clips kept for validation if a network was trained on a data set of this name, else all. `changes` say more of the
    data, such as `data.split=2`.

    Raises:
        CheckpointError, DataError, EngineError, RecipeError: before anything is looked at where a network cannot serve
            a look; also where classes differ, or splits do.
    """
    with ExitStack() as stack:
        paths = [checkpoint] if against is None else [checkpoint, against]
        networks = [stack.enter_context(open_scored_network(path, looks, device)) for path in paths]
        first, *others = networks
        opened = open_part(data, part, first.header, changes, others=[other.header for other in others])
        for other in others:
            _refuse_other_clips(first, other, looks)
        chosen = [note for network in networks for note in how_chosen(network.path, network.header, opened)]
        named = {
            "checkpoint": first.name,
            "engine": first.engine,
            "data": data_name(data),
            "part": opened.part,
            "notes": list(dict.fromkeys([*opened.notes, *chosen])),
        }
        total = len(looks) * len(networks) * len(opened.clips)
        evaluations: list[Evaluation] = []
        for number, look in enumerate(looks):

            def examine(network: ScoredNetwork, before: int, look: Look = look) -> Glances:
                clips = in_order(opened.clips, network.header.classes)
                told = before * len(clips)
                examiner = _examiner(clips, network, look, batch, workers)
                return examiner.examine(network.answerer, lambda done, _: progress(told + done, total))

            glances = examine(first, number * len(networks))
            evaluation = _evaluation(named, look, first.trained_clip, glances, opened.clips)
            for other in others:
                theirs = examine(other, number * len(networks) + 1)
                evaluation.against = _compare_networks(glances, first, theirs, other, opened.clips)
            evaluations.append(evaluation)
    return evaluations


def _examiner(clips: ClipSource, network: ScoredNetwork, look: Look, batch: int, workers: int) -> Examiner:
    return Examiner(
        clips,
        network.header.preprocessing,
        key_frames=look.key_frames,
        batch=batch,
        workers=workers,
        clip=look.clip(network.trained_clip),
        within=look.key_frame,
        crops=look.crops,
    )


def _refuse_other_clips(network: ScoredNetwork, other: ScoredNetwork, looks: Sequence[Look]) -> None:
    """Raise where one network would look at other frames of a video than the other one."""
    for look in looks:
        ours, theirs = (_frames_of(look.clip(one.trained_clip)) for one in (network, other))
        if ours != theirs:
            raise CheckpointError(
                f"{other.path}: as trained, it looks at other frames of a video ({theirs}) than {network.path} "
                f"({ours}); single frames, or --sampling and --key-frame, let them be compared"
            )


def _frames_of(clip: ClipSection | None) -> str:
    """Return which frames a clip is of, in words; nothing for single frames, which are those asked for."""
    if clip is None:
        return ""
    sampling = f"{clip.interval} apart" if clip.sampling == "interval" else clip.sampling
    return f"{sampling}, RB's from the {clip.key_frame}"


def _compare_networks(
    ours: Glances, network: ScoredNetwork, theirs: Glances, other: ScoredNetwork, clips: ClipSource
) -> Comparison:
    """Compare two networks on the clips that both could be shown.

    Raises:
        CheckpointError: they have no branch in common.
    """
    branches = [branch for branch in ours.probabilities if branch in theirs.probabilities]
    if not branches:
        raise CheckpointError(f"{other.path}: it has no branch in common with {network.path}")
    here, there = ({index: place for place, index in enumerate(answered(clips, glances))} for glances in (ours, theirs))
    both = [index for index in here if index in there]
    if not both:
        raise DataError(f"{other.path}: of the clips that {network.path} was shown it could be shown none")
    mine, others = [here[index] for index in both], [there[index] for index in both]
    sources = [source_of(clips, index) for index in both]
    order = [other.header.classes.index(name) for name in network.header.classes]
    differences, same, top1 = {}, {}, {}
    for branch in branches:
        hits = theirs.hits(branch)[others]
        found = ours.hits(branch)[mine] - hits
        differences[str(branch)] = Difference(mean=float(found.mean()), interval=bootstrap_interval(found, sources))
        answers = theirs.probabilities[branch][others][..., order].argmax(-1)
        same[str(branch)] = float((ours.probabilities[branch][mine].argmax(-1) == answers).double().mean())
        top1[str(branch)] = float(hits.mean())
    return Comparison(
        name=other.name,
        engine=other.engine,
        clips=len(both),
        top1=top1,
        differences=differences,
        same_answers=same,
    )


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
