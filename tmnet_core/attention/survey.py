"""Looking at a data set for motion agreement: key frames, both branches' maps of them, and what moves there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from tmnet_core.attention.agreement import mass
from tmnet_core.attention.classes import shown_classes
from tmnet_core.attention.clip_memory import correlation, cosine, has_memory
from tmnet_core.attention.motion import Motion, MotionState, find_motion
from tmnet_core.attention.probe import check_map
from tmnet_core.data.clip_sources import RenderedClips
from tmnet_core.data.clips import ClipSource, source_of
from tmnet_core.data.preprocessing import Image
from tmnet_core.data.sampling import glance_indices, spread_fractions
from tmnet_core.errors import DataError, SourceError
from tmnet_core.live.frames import FloatArray, Frame, Glance
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch

Regions = npt.NDArray[np.uint8]
# Whose map is looked at: the fused answer's, each branch's own top class's, or the true class's.
Shown = Literal["answer", "own", "truth"]

_CLIP_FRAMES = 8
_CLIP_INTERVAL = 2
# Pixels to the next frame at 160×120, where the renderer is asked what moves.
_EXACT_PIXELS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One key frame of one clip.

    Attributes:
        clip: the clip's number.
        frame: the frame's number in it.
        label: the true class.
        state: what is known about motion in it.
        region: 64×64 moving share of each cell of the network's box, in 1/255, by optical flow.
        exact: the same from the renderer; None for real video.
        heats: 64×64 mass of each branch's map, in 1/255.
    """

    clip: int
    frame: int
    label: int
    state: MotionState
    region: Regions
    exact: Regions | None
    heats: dict[Branch, Regions]


@dataclass(frozen=True, slots=True)
class ClipComparison:
    """One glance at a clip's middle against CB over the clip around it.

    Attributes:
        map_correlation: by branch, of its map of the one frame with the mean of CB's maps over the clip.
        cosine: by branch, of its feature of the one frame with F_cls of the clip.
        same_answer: whether RB+CB of the one frame and CB over the clip put the same class first.
    """

    clip: int
    map_correlation: dict[Branch, float]
    cosine: dict[Branch, float]
    same_answer: bool


@dataclass(frozen=True, slots=True)
class MapAreas:
    """Areas under the deletion and insertion curves of each branch's own map, for its own probability."""

    clip: int
    deletion: dict[Branch, float]
    insertion: dict[Branch, float]


@dataclass
class Survey:
    """Everything that was seen; `survey_report` makes figures of it.

    Attributes:
        classes: names by label.
        sources: by clip, the source video that it was cut from; clips of one are alike.
        observations: in the order of clips and frames.
        comparisons: one a clip where CB's features can be put together.
        areas: one a clip where curves were asked for.
        unreadable: a sentence for each clip that was left out.
    """

    classes: tuple[str, ...]
    sources: tuple[str, ...]
    observations: list[Observation] = field(default_factory=list)
    comparisons: list[ClipComparison] = field(default_factory=list)
    areas: list[MapAreas] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def survey_clips(
    predictor: GlancePredictor,
    clips: ClipSource,
    *,
    key_frames: int = 3,
    shown: Shown = "answer",
    curve_steps: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> Survey:
    """Look at key frames of every clip.

    Args:
        predictor: what looks; it serves at least one branch with maps.
        clips: of the network's classes.
        key_frames: glances a clip, spread over it.
        shown: whose class's maps are compared with motion.
        curve_steps: of deletion and insertion curves at each clip's middle; 0 for none.
        progress: told (clips done, clips in all).
        stop: set from another thread, it ends the survey; what was seen by then is returned.

    Raises:
        DataError: no clip can be read.
        EngineError: the device cannot go on.
    """
    survey = Survey(tuple(clips.classes), tuple(source_of(clips, clip) for clip in range(len(clips))))
    looker = _Looker(predictor, clips, key_frames, shown, curve_steps)
    for clip in range(len(clips)):
        if stop is not None and stop.is_set():
            break
        try:
            looker.look(clip, survey)
        except SourceError as error:
            survey.unreadable.append(str(error))
        progress(clip + 1, len(clips))
    if not survey.observations and survey.unreadable:
        raise DataError(f"none of the {len(clips)} clips can be read: {survey.unreadable[0]}")
    return survey


class _Looker:
    """Looks at one clip after the other."""

    def __init__(
        self, predictor: GlancePredictor, clips: ClipSource, key_frames: int, shown: Shown, curve_steps: int
    ) -> None:
        self._predictor, self._clips, self._shown, self._curve_steps = predictor, clips, shown, curve_steps
        self._fractions = spread_fractions(key_frames)
        self._memory = has_memory(predictor.header)

    def look(self, clip: int, survey: Survey) -> None:
        """Read all that is needed of a clip at once, and add what is seen."""
        length = self._clips.frames(clip)
        # Motion takes the frame before, too.
        keys = sorted({max(int(index), min(1, length - 1)) for index in glance_indices(length, self._fractions)})
        middle = keys[len(keys) // 2]
        around = _clip_around(middle, length) if self._memory else []
        wanted = sorted({*keys, *(max(0, key - 1) for key in keys), *around})
        frames = dict(zip(wanted, self._clips.read(clip, wanted), strict=True))
        looked_at = sorted({*keys, *around})
        seen = self._predictor.glance_at_each([Frame(frames[index], index, 0.0, 0.0) for index in looked_at])
        glances = dict(zip(looked_at, seen, strict=True))
        exact = self._exact_motion(clip, keys)
        for key in keys:
            before = frames[key - 1] if key else None
            survey.observations.append(self._observe(clip, glances[key], before, exact.get(key)))
        if around:
            survey.comparisons.append(self._compare(clip, glances[middle], [glances[index] for index in around]))
        if self._curve_steps:
            survey.areas.append(self._areas(clip, glances[middle]))

    def _classes(self, clip: int, glance: Glance) -> dict[Branch, int]:
        truth = self._clips.label(clip) if self._shown == "truth" else None
        return shown_classes(glance.probabilities, "own" if self._shown == "own" else "fused", truth)

    def _observe(self, clip: int, glance: Glance, before: Image | None, exact: Motion | None) -> Observation:
        nothing = np.zeros((64, 64), np.uint8)
        state, region = MotionState.UNKNOWN, nothing
        if before is not None:
            motion = find_motion(glance.frame.image, before)
            state, region = motion.state, _bytes(motion.within(glance.placement))
            if state is MotionState.MOVING and not region.any():
                state = MotionState.STILL
        classes = self._classes(clip, glance)
        return Observation(
            clip=clip,
            frame=glance.frame.index,
            label=self._clips.label(clip),
            state=state,
            region=region,
            exact=None if exact is None else _bytes(exact.within(glance.placement)),
            heats={branch: _bytes(mass(glance.maps[branch][index])) for branch, index in classes.items()},
        )

    def _exact_motion(self, clip: int, keys: Sequence[int]) -> dict[int, Motion]:
        """What the renderer knows of the motion from each key frame on; nothing for real video."""
        if not isinstance(self._clips, RenderedClips):
            return {}
        rendered = self._clips.people.rendered(clip, keys, ground_truth=True)
        assert rendered.motion is not None
        moving = (rendered.motion > _EXACT_PIXELS).astype(np.uint8)
        states = [MotionState.MOVING if one.any() else MotionState.STILL for one in moving]
        motions = [Motion(state, one, np.eye(2, 3)) for state, one in zip(states, moving, strict=True)]
        return dict(zip(keys, motions, strict=True))

    def _compare(self, clip: int, glance: Glance, around: Sequence[Glance]) -> ClipComparison:
        feature = np.mean([one.features[Branch.CB] for one in around], axis=0)
        maps = np.mean([one.maps[Branch.CB] for one in around], axis=0)
        logits = np.mean([np.log(np.maximum(one.probabilities[Branch.CB], 1e-30)) for one in around], axis=0)
        classes = self._classes(clip, glance)
        alike = {branch: correlation(glance.maps[branch][k], maps[k]) for branch, k in classes.items()}
        return ClipComparison(
            clip,
            {branch: value for branch, value in alike.items() if value is not None},
            {branch: cosine(glance.features[branch], feature) for branch in classes},
            int(logits.argmax()) == int(glance.probabilities[glance.answer].argmax()),
        )

    def _areas(self, clip: int, glance: Glance) -> MapAreas:
        deletion, insertion = {}, {}
        for branch, index in self._classes(clip, glance).items():
            found = check_map(self._predictor, glance, glance.maps[branch][index], index, steps=self._curve_steps)
            assert found is not None, "nobody stops it"
            deletion[branch], insertion[branch] = found.deletion.area(branch), found.insertion.area(branch)
        return MapAreas(clip, deletion, insertion)


def _clip_around(middle: int, length: int) -> list[int]:
    """The frames of a clip in whose middle third a frame lies; closer together in a short video."""
    interval = max(1, min(_CLIP_INTERVAL, (length - 1) // (_CLIP_FRAMES - 1)))
    start = max(0, min(middle - interval * _CLIP_FRAMES // 2, length - 1 - interval * (_CLIP_FRAMES - 1)))
    return sorted({min(start + interval * step, length - 1) for step in range(_CLIP_FRAMES)})


def _bytes(shares: FloatArray) -> Regions:
    return np.asarray(np.round(shares * 255.0), np.uint8)
