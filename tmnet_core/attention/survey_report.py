"""Figures of a survey: does RB look where things move, more than CB does (paper V, Fig. 6)?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from tmnet_core.attention.agreement import LEAST_OTHERS, OtherRegions, centre_prior
from tmnet_core.attention.motion import MotionState
from tmnet_core.attention.survey import Observation, Survey
from tmnet_core.benchmarks.machine import Machine
from tmnet_core.errors import DataError
from tmnet_core.files import replacing
from tmnet_core.models.branch import Branch
from tmnet_core.training.metrics import bootstrap_interval

MotionOrigin = Literal["optical flow", "the renderer"]
Values = npt.NDArray[np.float64]

CENTRE = "centre"
# There are many means, and the third decimal of an interval's end is of no interest.
_RESAMPLES = 2_000


class Mean(BaseModel):
    """A mean over clips and its 95 % interval, source videos resampled; clips of one source alone have none."""

    mean: float
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        return self._written("+.3f")

    @property
    def unsigned(self) -> str:
        """The same without a plus, for what is no difference."""
        return self._written(".3f")

    def _written(self, form: str) -> str:
        mean, *ends = (format(value, form).replace("-", "−") for value in (self.mean, *(self.interval or ())))
        return f"{mean} ({' to '.join(ends) or '-'})"


class AgreementRow(BaseModel):
    """Motion agreement over clips of one class, or of all.

    Attributes:
        clips: with motion in at least one key frame.
        moving: mean share of the network's box that moves, by the motion that the maps are compared with.
        agreement: of `RB` and `CB`, and of a fixed Gaussian as `centre`.
        plain: the same where the other clips' regions keep the size that they have.
        inside: before anything is taken off, in [0, 1].
        difference: of agreement, RB less CB, paired by clip; None with one branch.
        plain_difference: the same of `plain`.
        active: the mean share of the box where a map is warmer than half.
    """

    name: str
    clips: int
    moving: float
    agreement: dict[str, Mean]
    plain: dict[str, Mean]
    inside: dict[str, float]
    difference: Mean | None
    plain_difference: Mean | None
    active: dict[str, float]


class MotionMeasure(BaseModel):
    """Agreement with motion that was found in one way.

    Attributes:
        motion: how.
        overall: all clips.
        classes: those that have clips with motion, by name.
        shuffled: the control: each map against the motion of another clip, by branch; about zero.
    """

    motion: MotionOrigin
    overall: AgreementRow
    classes: list[AgreementRow]
    shuffled: dict[str, Mean]


class ClipFigures(BaseModel):
    """One glance at a clip's middle against CB over 8 frames around it, means over clips.

    Attributes:
        map_correlation: of each branch's map of one frame with the mean of CB's maps over the clip.
        map_difference: RB less CB, paired.
        cosine: of each branch's feature of one frame with F_cls of the clip.
        cosine_difference: RB less CB, paired.
        same_answer: share of clips where one glance and the clip put the same class first.
    """

    clips: int
    map_correlation: dict[str, Mean]
    map_difference: Mean | None
    cosine: dict[str, Mean]
    cosine_difference: Mean | None
    same_answer: float


class CurveFigures(BaseModel):
    """Areas under deletion (less is better) and insertion (more is better), means over clips, each branch's own map."""

    clips: int
    deletion: dict[str, Mean]
    insertion: dict[str, Mean]


class SurveyReport(BaseModel):
    """What `tmnet attention` found, and how to find it again.

    Attributes:
        shown: whose class's maps were looked at.
        states: how many key frames had motion, none, or a cut before them.
        measures: by optical flow, and for rendered people by the renderer as well.
        flow_overlap: for rendered people, intersection over union of the region by flow with the renderer's, the
            mean over key frames.
        unreadable: a sentence for each clip that was left out.
        notes: what a reader must know of the clips, such as that some were left out because they were trained on.
    """

    command: str
    machine: Machine
    checkpoint: str
    data: str
    part: str
    clips: int
    key_frames: int
    shown: str
    states: dict[str, int]
    measures: list[MotionMeasure]
    flow_overlap: float | None
    glance_and_clip: ClipFigures | None
    curves: CurveFigures | None
    unreadable: list[str]
    notes: list[str] = []

    def write(self, folder: Path) -> None:
        """Write `attention.json` and `attention.md`."""
        for name, text in (("json", self.model_dump_json(indent=2) + "\n"), ("md", self.markdown())):
            with replacing(folder / f"attention.{name}") as temporary:
                temporary.write_text(text, encoding="utf-8")

    def markdown(self) -> str:
        """Return the figures as tables."""
        from tmnet_core.attention.survey_markdown import survey_markdown

        return survey_markdown(self)


@dataclass(frozen=True, slots=True, eq=False)
class AgreementTable:
    """Motion agreement of every key frame with motion, before means are taken.

    Attributes:
        observations: M of them.
        sources: by clip, the source video that it was cut from.
        moving: M shares of the network's box inside the region that the maps are compared with.
        inside: M shares by branch name and for the centre.
        expected: M mean shares inside the regions of other clips brought to the same size, the same way.
        plain: M mean shares inside the regions of other clips as they are.
        shuffled: M agreements with the region of another clip, by branch name.
        others: the mean region of all clips, to be kept with the checkpoint.
    """

    observations: Sequence[Observation]
    sources: Sequence[str]
    moving: Values
    inside: Mapping[str, Values]
    expected: Mapping[str, Values]
    plain: Mapping[str, Values]
    shuffled: Mapping[str, Values]
    others: OtherRegions

    def agreement(self, name: str) -> Values:
        """Return M agreements of a branch, or of the centre."""
        return self.inside[name] - self.expected[name]


def agreement_table(survey: Survey, origin: MotionOrigin, data: str) -> AgreementTable:
    """Compare every map with the motion of its frame and of the other clips.

    Each of the other clips counts once, by the mean of its key frames' regions.

    Raises:
        DataError: too few clips have motion.
    """
    region_of: Callable[[Observation], npt.NDArray[np.uint8] | None] = (
        _flow_region if origin == "optical flow" else lambda one: one.exact
    )
    kept = [(one, region) for one in survey.observations if (region := region_of(one)) is not None and region.any()]
    observations = [one for one, _ in kept]
    clips, place = np.unique([one.clip for one in observations], return_inverse=True)
    if len(clips) <= LEAST_OTHERS:
        raise DataError(f"data {data}: {len(clips)} clips have motion, and it takes at least {LEAST_OTHERS + 1}")
    regions = np.array([region.ravel() for _, region in kept], np.float32) / 255.0
    of_clip = np.stack([regions[place == number].mean(axis=0) for number in range(len(clips))])
    total = of_clip.sum(axis=0)
    others = (total - of_clip) / (len(clips) - 1)
    # The next clip but some: never the same one.
    shift = int(np.random.default_rng(0).integers(1, len(clips)))
    first = np.unique(place, return_index=True)[1]
    foreign = regions[first[(place + shift) % len(clips)]]
    elsewhere, elsewhere_foreign = (
        np.stack([_of_size(others[clip], float(region.mean())) for clip, region in zip(place, chosen, strict=True)])
        for chosen in (regions, foreign)
    )
    inside, expected, plain, shuffled = {}, {}, {}, {}
    for name, heats in _heats(observations).items():
        shares = heats / heats.sum(axis=1, keepdims=True)
        inside[name] = _sums(shares, regions)
        expected[name] = _sums(shares, elsewhere)
        plain[name] = _sums(shares, others[place])
        shuffled[name] = _sums(shares, foreign) - _sums(shares, elsewhere_foreign)
    mean = (total / len(clips)).reshape(64, 64)
    kept_others = OtherRegions(mean, len(clips), f"{data} ({origin})")
    moving = np.asarray(regions.mean(axis=1), np.float64)
    return AgreementTable(observations, survey.sources, moving, inside, expected, plain, shuffled, kept_others)


def measure(survey: Survey, table: AgreementTable, origin: MotionOrigin) -> MotionMeasure:
    """Return means over clips, with intervals, of all and of each class."""
    labels = np.array([one.label for one in table.observations])
    everything = np.ones(len(labels), np.bool_)
    classes = [
        _row(table, name, labels == label) for label, name in enumerate(survey.classes) if (labels == label).any()
    ]
    clip = np.array([one.clip for one in table.observations])
    sources = _sources(survey.sources, clip)
    shuffled = {
        name: _mean(_by_clip(values, clip), sources) for name, values in table.shuffled.items() if name != CENTRE
    }
    return MotionMeasure(motion=origin, overall=_row(table, "all", everything), classes=classes, shuffled=shuffled)


def clip_figures(survey: Survey) -> ClipFigures | None:
    """Return means of the comparisons of one glance with a clip; None where there are none."""
    found = survey.comparisons
    if not found:
        return None
    branches = [branch for branch in (Branch.RB, Branch.CB) if all(branch in one.cosine for one in found)]
    varied = [one for one in found if all(branch in one.map_correlation for branch in branches)]
    # A map of one place, or of one value, does not correlate with anything.
    maps = {branch: np.array([one.map_correlation[branch] for one in varied]) for branch in branches if varied}
    cosines = {branch: np.array([one.cosine[branch] for one in found]) for branch in branches}
    of_maps, of_all = (_sources(survey.sources, [one.clip for one in some]) for some in (varied, found))
    return ClipFigures(
        clips=len(found),
        map_correlation={str(branch): _mean(values, of_maps) for branch, values in maps.items()},
        map_difference=_paired(maps, of_maps),
        cosine={str(branch): _mean(values, of_all) for branch, values in cosines.items()},
        cosine_difference=_paired(cosines, of_all),
        same_answer=float(np.mean([one.same_answer for one in found])),
    )


def curve_figures(survey: Survey) -> CurveFigures | None:
    """Return means of the areas under deletion and insertion curves; None where there are none."""
    if not survey.areas:
        return None
    branches = list(survey.areas[0].deletion)
    sources = _sources(survey.sources, [one.clip for one in survey.areas])
    return CurveFigures(
        clips=len(survey.areas),
        deletion={str(b): _mean(np.array([one.deletion[b] for one in survey.areas]), sources) for b in branches},
        insertion={str(b): _mean(np.array([one.insertion[b] for one in survey.areas]), sources) for b in branches},
    )


def count_states(survey: Survey) -> dict[str, int]:
    """Return how many key frames are in each state of motion."""
    counted = Counter(str(one.state) for one in survey.observations)
    return {str(state): counted[str(state)] for state in MotionState if counted[str(state)]}


def flow_overlap(survey: Survey) -> float | None:
    """Return how well the region by flow meets the renderer's: mean intersection over union; None for real video."""
    found = []
    for one in survey.observations:
        if one.exact is None or not one.exact.any() or one.state is not MotionState.MOVING:
            continue
        flow, exact = one.region > 127, one.exact > 127
        if (flow | exact).any():
            found.append(float((flow & exact).sum() / (flow | exact).sum()))
    return float(np.mean(found)) if found else None


def _flow_region(one: Observation) -> npt.NDArray[np.uint8] | None:
    return one.region if one.state is MotionState.MOVING else None


def _heats(observations: Sequence[Observation]) -> dict[str, npt.NDArray[np.float32]]:
    """M×4096 mass by branch name and for the centre."""
    branches = [branch for branch in (Branch.RB, Branch.CB) if branch in observations[0].heats]
    heats = {
        str(branch): np.array([one.heats[branch].ravel() for one in observations], np.float32) for branch in branches
    }
    return {**heats, CENTRE: np.repeat(centre_prior().reshape(1, -1), len(observations), axis=0)}


def _of_size(mean: npt.NDArray[np.float32], area: float) -> npt.NDArray[np.float32]:
    return OtherRegions(mean.reshape(64, 64), 1, "").of_size(area).ravel()


def _sums(shares: npt.NDArray[np.float32], regions: npt.NDArray[np.float32]) -> Values:
    return np.asarray((shares * regions).sum(axis=1), np.float64)


def _row(table: AgreementTable, name: str, chosen: npt.NDArray[np.bool_]) -> AgreementRow:
    clip = np.array([one.clip for one in table.observations])[chosen]
    agreement = {key: _by_clip(table.agreement(key)[chosen], clip) for key in table.inside}
    plain = {key: _by_clip((table.inside[key] - table.plain[key])[chosen], clip) for key in table.inside}
    branches = [Branch(key) for key in agreement if key != CENTRE]
    picked = [one for one, wanted in zip(table.observations, chosen, strict=True) if wanted]
    sources = _sources(table.sources, clip)
    return AgreementRow(
        name=name,
        clips=len(next(iter(agreement.values()))),
        moving=float(table.moving[chosen].mean()),
        agreement={key: _mean(values, sources) for key, values in agreement.items()},
        plain={key: _mean(values, sources) for key, values in plain.items()},
        inside={key: float(_by_clip(table.inside[key][chosen], clip).mean()) for key in table.inside},
        difference=_paired({branch: agreement[branch] for branch in branches}, sources),
        plain_difference=_paired({branch: plain[branch] for branch in branches}, sources),
        active={str(b): float(np.mean([(one.heats[b] > 127).mean() for one in picked])) for b in branches},
    )


def _by_clip(values: Values, clip: npt.NDArray[np.int64]) -> Values:
    """The mean of each clip's key frames, so that every clip counts once."""
    return np.array([values[clip == number].mean() for number in np.unique(clip)])


def _sources(of_all: Sequence[str], clips: Sequence[int] | npt.NDArray[np.int64]) -> list[str]:
    """The source video of each clip that occurs, in the order of `_by_clip`."""
    return [of_all[clip] for clip in np.unique(clips)]


def _paired(values: Mapping[Branch, Values], sources: Sequence[str]) -> Mean | None:
    if not {Branch.RB, Branch.CB} <= values.keys():
        return None
    return _mean(values[Branch.RB] - values[Branch.CB], sources)


def _mean(values: Values, sources: Sequence[str]) -> Mean:
    return Mean(mean=float(values.mean()), interval=bootstrap_interval(values, sources, resamples=_RESAMPLES))
