"""Which map each picture shows, and on which scale; the same on the screen and in exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tmnet_core.attention.classes import shown_classes
from tmnet_core.attention.colours import (
    DIFFERENCE_MAP,
    ColourMap,
    HeatScale,
    difference_map,
    min_max_scale,
    own_scale,
    shared_scale,
)
from tmnet_core.attention.motion import MotionFinder, MotionState
from tmnet_core.attention.settings import AttentionSettings, ScaleChoice
from tmnet_core.live.frames import FloatArray, Frame, Glance
from tmnet_core.live.smoothing import ExponentialSmoothing
from tmnet_core.models.branch import Branch

MapName = Literal["rb", "cb", "both"]
# In place of a scale's numbers, where no place of any picture adds to the class.
NOTHING_WARM = "no place adds to it"
_NAMES: dict[Branch, MapName] = {Branch.RB: "rb", Branch.CB: "cb"}


@dataclass(frozen=True, eq=False)
class ShownMap:
    """One map and how it is coloured.

    Attributes:
        values: h×w contributions of each place to a logit, oriented as the network's input.
        scale: what the two ends of the colours stand for.
        colours: one of the heat maps, or the one for differences.
        index: the class whose map it is.
    """

    values: FloatArray
    scale: HeatScale
    colours: ColourMap
    index: int

    @property
    def difference(self) -> bool:
        """Whether the values are RB minus CB, with zero in the middle of the scale."""
        return self.colours == DIFFERENCE_MAP


class AttentionMaps:
    """Chooses the maps of one glance after the other, averaged over time as the person wishes.

    The time is the stream's own, so that a file looks the same however fast it is looked at. A cut, a jump and a gap of
    more than half a second start the average anew.

    Args:
        scenes: finds the cuts; one that somebody else asks about the same frames need not look twice.
    """

    def __init__(self, scenes: MotionFinder | None = None) -> None:
        self._smoothing = ExponentialSmoothing()
        self._scenes = scenes or MotionFinder()

    def clear(self) -> None:
        """Average nothing of what was before into what comes."""
        self._smoothing.clear()
        self._scenes.clear()

    def choose(
        self,
        glance: Glance,
        probabilities: Mapping[Branch, FloatArray],
        settings: AttentionSettings,
        *,
        leader: int,
        pinned: int = -1,
        still: bool = False,
    ) -> dict[MapName, ShownMap]:
        """Return what each picture shows; pictures of branches that the network lacks are left out.

        Args:
            glance: where the maps are from.
            probabilities: by branch, from which each branch's own class is taken.
            settings: what the person chose.
            leader: the class that leads the answer.
            pinned: a class that takes the place of all others, -1 for none.
            still: the picture stands, so its maps are shown as they are.
        """
        self._smoothing.time_constant = settings.smoothing
        # Asked about pictures that stand as well: what plays on from there continues them.
        begins = settings.smoothing > 0 and self._begins(glance.frame)
        if still or begins:
            self._smoothing.clear()
        maps = self._smoothing.update(glance.maps, glance.frame.time)
        common = pinned if pinned >= 0 else leader
        own = settings.shows == "own" and pinned < 0
        classes = shown_classes(probabilities, "own", None if own else common)
        return _scaled(maps, classes, common, settings)

    def _begins(self, frame: Frame) -> bool:
        """Whether a frame does not continue what was seen before it."""
        return self._scenes.update(frame).state in {MotionState.CUT, MotionState.UNKNOWN}


def _scaled(
    maps: Mapping[Branch, FloatArray], classes: Mapping[Branch, int], common: int, settings: AttentionSettings
) -> dict[MapName, ShownMap]:
    found = {_NAMES[branch]: (maps[branch][index], index) for branch, index in classes.items() if branch in maps}
    if len(found) == 2:
        found["both"] = (maps[Branch.RB][common] + maps[Branch.CB][common]) / 2, common
    scales = _scales({name: values for name, (values, _) in found.items()}, settings.scale)
    shown = {name: ShownMap(values, scales[name], settings.colours, index) for name, (values, index) in found.items()}
    if "both" in shown and settings.third == "difference":
        values, scale = difference_map(maps[Branch.RB][common], maps[Branch.CB][common])
        shown["both"] = ShownMap(values, scale, DIFFERENCE_MAP, common)
    return shown


def _scales(maps: Mapping[MapName, FloatArray], choice: ScaleChoice) -> dict[MapName, HeatScale]:
    if choice == "shared" and maps:
        return dict.fromkeys(maps, shared_scale(maps.values()))
    scale_of = min_max_scale if choice == "min-max" else own_scale
    return {name: scale_of(values) for name, values in maps.items()}
