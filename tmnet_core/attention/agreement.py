"""How much of a map lies where things move: the claim of the paper's Fig. 6 as a number.

The share of a map's mass inside the moving region is mostly centre bias: people are filmed in the middle, and a fixed
Gaussian there beats every map. So the share is taken off that the same map has inside the moving regions of other
clips, as shuffled AUC does for saliency. Those regions are brought to the size of the one at hand first, since a waving
hand would else be held against people who run. What remains is zero for a map that knows nothing of this frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from tmnet_core.attention.colours import HEAT_SIDE, enlarge, min_max_scale
from tmnet_core.attention.motion import Motion, MotionState
from tmnet_core.data.preprocessing import Placement
from tmnet_core.errors import CheckpointError
from tmnet_core.files import replacing
from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

LEAST_OTHERS = 3
STREAM_DISTANCE = 5.0

_ACTIVE_HEAT = 0.5
_CENTRE_SIGMA = 0.25
_OFTEN = 0.999
_STREAM_STEP = 0.5
_STREAM_MOMENTS = 240


@dataclass(frozen=True, slots=True, eq=False)
class OtherRegions:
    """Where things move in other clips.

    A share is linear in the region, so the mean over clips of a map's share is its share inside their mean region.

    Attributes:
        mean: 64×64 in [0, 1]: how often each place of the network's box moves.
        count: how many regions it is the mean of.
        origin: where they come from, for a person.
    """

    mean: FloatArray
    count: int
    origin: str

    def __str__(self) -> str:
        return f"{self.count} moving regions of {self.origin}"

    def of_size(self, area: float) -> FloatArray:
        """Return where as large a share of the box moves in other clips, 64×64 in [0, 1].

        What moves often is raised, what seldom moves less, and nothing beyond 1: 1 - (1 - mean)^g, g by the area.
        """
        still = np.log1p(-np.minimum(self.mean, _OFTEN))
        coarse = np.asarray(cv2.resize(still, (16, 16), interpolation=cv2.INTER_AREA), np.float64)
        low, high = -8.0, 8.0
        for _ in range(24):
            middle = (low + high) / 2
            low, high = (low, middle) if -np.expm1(np.exp(middle) * coarse).mean() > area else (middle, high)
        return np.asarray(-np.expm1(np.float32(np.exp(low)) * still), np.float32)

    def save(self, checkpoint: Path) -> Path:
        """Keep them beside a checkpoint, where `kept_regions` finds them, and return the file's path."""
        path = _bank_path(checkpoint)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, mean=self.mean.astype(np.float16), count=self.count, origin=np.array(self.origin))
        return path


def kept_regions(checkpoint: Path) -> OtherRegions | None:
    """Return the moving regions kept beside a checkpoint, None where there are none.

    Raises:
        CheckpointError: the file is not what `OtherRegions.save` writes.
    """
    path = _bank_path(checkpoint)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as bank:
            mean = bank["mean"].astype(np.float32)
            kept = OtherRegions(mean, int(bank["count"]), str(bank["origin"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise CheckpointError(f"{path}: it is not a bank of moving regions ({error})") from None
    if mean.shape != (HEAT_SIDE, HEAT_SIDE):
        raise CheckpointError(f"{path}: its regions are not {HEAT_SIDE}×{HEAT_SIDE}")
    return kept


class StreamRegions:
    """The moving regions of one stream, to stand in for other clips: those more than 5 s away from a moment."""

    def __init__(self) -> None:
        self._moments: deque[tuple[float, FloatArray]] = deque(maxlen=_STREAM_MOMENTS)

    def add(self, time: float, region: FloatArray) -> None:
        """Remember a 64×64 region, `time` in seconds of the stream; one in half a second is kept."""
        if not self._moments or abs(time - self._moments[-1][0]) >= _STREAM_STEP:
            self._moments.append((time, region))

    def others(self, time: float) -> OtherRegions | None:
        """Return those that are far enough from this moment, None where fewer than three are."""
        far = [region for moment, region in self._moments if abs(time - moment) > STREAM_DISTANCE]
        if len(far) < LEAST_OTHERS:
            return None
        origin = f"this stream, more than {STREAM_DISTANCE:.0f} s away"
        return OtherRegions(np.mean(far, axis=0, dtype=np.float32), len(far), origin)

    def clear(self) -> None:
        """Forget all: another stream follows."""
        self._moments.clear()

    def copy(self) -> StreamRegions:
        """Return another one that remembers the same."""
        other = StreamRegions()
        other._moments.extend(self._moments)
        return other


@dataclass(frozen=True, slots=True)
class MapAgreement:
    """How one map lies to the motion.

    Attributes:
        inside: the share of the map's mass inside the moving region, in [0, 1] (`mass`).
        expected: the same map's share inside the regions of other clips, brought to the same size; None where there are
            too few.
        active: the share of the box where the mass is more than half of its greatest: how large a part the map covers.
    """

    inside: float
    expected: float | None
    active: float

    @property
    def agreement(self) -> float | None:
        """`inside` less `expected`, in [-1, 1]: 0 for a map that knows nothing of the motion in this frame."""
        return None if self.expected is None else self.inside - self.expected


@dataclass(frozen=True, slots=True)
class Agreement:
    """How both branches' maps of one frame lie to its motion.

    Attributes:
        state: all other values count only where it is MOVING; else there is nothing to agree with, which is not zero.
        branches: by branch that has a map.
        centre: what a fixed Gaussian in the middle of the box reaches, which has seen nothing.
        moving: the share of the box that moves.
        others: whose motion the maps were compared with as well; None where there is nothing yet.
    """

    state: MotionState
    branches: Mapping[Branch, MapAgreement]
    centre: MapAgreement | None
    moving: float
    others: OtherRegions | None

    def __str__(self) -> str:
        if self.state is not MotionState.MOVING:
            return str(self.state)
        if self.others is None:
            return "too little of the stream seen yet"
        figures = ", ".join(f"{branch} {found.agreement:+.3f}" for branch, found in self.branches.items())
        return f"{figures} against {self.others}"


class AgreementMeter:
    """Compares maps with motion, live: against regions kept with the checkpoint, else against the stream's own.

    For use by one thread at a time.
    """

    def __init__(self, kept: OtherRegions | None = None) -> None:
        self._kept = kept
        self._stream = StreamRegions()

    def measure(
        self, motion: Motion, maps: Mapping[Branch, FloatArray], placement: Placement, time: float
    ) -> Agreement:
        """Return how the maps of one frame lie to what moves in it.

        Args:
            motion: of the same frame.
            maps: h×w by branch, oriented as the frame (`class_maps`).
            placement: where the network's box lies.
            time: of the frame, in seconds of the stream.
        """
        if motion.state is not MotionState.MOVING:
            return Agreement(motion.state, {}, None, 0.0, None)
        region = motion.within(placement)
        if not region.any():
            # Something moves, but not in the part that the network sees.
            return Agreement(MotionState.STILL, {}, None, 0.0, None)
        others = self._kept or self._stream.others(time)
        if self._kept is None:
            self._stream.add(time, region)
        return compare(region, maps, others)

    def clear(self) -> None:
        """Forget the stream; what is kept with the checkpoint stays."""
        self._stream.clear()

    def copy(self) -> AgreementMeter:
        """Return another one for another thread, which goes on from what this one has seen."""
        other = AgreementMeter(self._kept)
        other._stream = self._stream.copy()
        return other


def compare(region: FloatArray, maps: Mapping[Branch, FloatArray], others: OtherRegions | None) -> Agreement:
    """Return how h×w maps lie to a 64×64 moving region of the same box."""
    area = float(region.mean())
    elsewhere = None if others is None else others.of_size(area)
    return Agreement(
        MotionState.MOVING,
        {branch: _map_agreement(mass(one), region, elsewhere) for branch, one in maps.items()},
        _map_agreement(centre_prior(), region, elsewhere),
        area,
        others,
    )


def mass(activation_map: FloatArray) -> FloatArray:
    """Return a map from its least value, 0, to its greatest, 1, as 64×64; even where the map is flat.

    Not the heat that is painted, which begins at zero: a map without a positive value has mass, too.
    """
    heat = min_max_scale(activation_map).normalise(enlarge(activation_map))
    return heat if heat.any() else np.ones_like(heat)


@cache
def centre_prior() -> FloatArray:
    """Return a Gaussian in the middle of the box, 64×64; its standard deviation is a quarter of the side."""
    places = (np.arange(HEAT_SIDE) + 0.5) / HEAT_SIDE - 0.5
    bell = np.exp(-0.5 * (places / _CENTRE_SIGMA) ** 2)
    return np.outer(bell, bell).astype(np.float32)


def share_inside(heat: FloatArray, region: FloatArray) -> float:
    """Return the share of 64×64 heat that lies inside a 64×64 region."""
    return float(np.vdot(heat, region) / heat.sum())


def _map_agreement(heat: FloatArray, region: FloatArray, elsewhere: FloatArray | None) -> MapAgreement:
    expected = None if elsewhere is None else share_inside(heat, elsewhere)
    return MapAgreement(share_inside(heat, region), expected, float((heat > _ACTIVE_HEAT).mean()))


def _bank_path(checkpoint: Path) -> Path:
    return checkpoint.with_suffix(".motion.npz")
