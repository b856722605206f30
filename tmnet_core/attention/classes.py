"""For which class a branch's map is shown, and what a class is called where a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from tmnet_core.errors import TMNetError
from tmnet_core.live.frames import FloatArray, Glance
from tmnet_core.models.branch import Branch

# The class that the fused answer puts first, for both branches; or each branch's own top class.
ClassChoice = Literal["fused", "own"]


def shown_name(name: str) -> str:
    """Return a class's name as a person reads it, `brush hair` for `brush_hair`; files of numbers keep the name."""
    return name.replace("_", " ")


def class_index(classes: Sequence[str], name: str) -> int:
    """Return a class's place in a checkpoint; TMNetError where the checkpoint does not know it."""
    if name not in classes:
        raise TMNetError(f"class {name!r}: the checkpoint does not know it; it knows {', '.join(classes)}")
    return list(classes).index(name)


def shown_classes(
    probabilities: Mapping[Branch, FloatArray], choice: ClassChoice = "fused", pinned: int | None = None
) -> dict[Branch, int]:
    """Return the class whose map each of RB and CB shows, where they answer.

    Args:
        probabilities: K values by branch, of one glance, perhaps smoothed.
        choice: whose top class it is where none is pinned; with one branch alone it is that branch's.
        pinned: this class for both, whatever is probable.
    """
    single = [branch for branch in (Branch.RB, Branch.CB) if branch in probabilities]
    if pinned is not None:
        return dict.fromkeys(single, pinned)
    leading = Branch.FUSED if choice == "fused" and Branch.FUSED in probabilities else None
    return {branch: int(probabilities[leading or branch].argmax()) for branch in single}


def class_maps(glance: Glance, classes: Mapping[Branch, int]) -> dict[Branch, FloatArray]:
    """Return each branch's h×w map for its class, oriented as the placement's box of the source frame."""
    return {
        branch: glance.placement.map_to_frame(glance.maps[branch][index])
        for branch, index in classes.items()
        if branch in glance.maps
    }
