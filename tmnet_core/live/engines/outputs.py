"""What an engine hands over, and what its values are called in a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch

PROBABILITIES = "probabilities"
MAPS = "maps"
FEATURES = "features"


@dataclass(frozen=True, slots=True)
class EngineOutputs:
    """What an engine says about B images.

    Attributes:
        probabilities: by branch, B×K values that sum to 1.
        maps: class activation maps of RB and CB, B×K×h×w; empty where none were asked for.
        features: the pooled B×C features of RB and CB; empty where none were asked for.
        stages: milliseconds by stage.
    """

    probabilities: Mapping[Branch, FloatArray]
    maps: Mapping[Branch, FloatArray]
    features: Mapping[Branch, FloatArray]
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[Mapping[Branch, FloatArray], Mapping[Branch, FloatArray], Mapping[Branch, FloatArray]]:
        """Probabilities, maps and features."""
        return self.probabilities, self.maps, self.features


def name_outputs(branches: Sequence[Branch], *, maps: bool = True, features: bool = True) -> tuple[str, ...]:
    """Return the names of a graph's outputs for these branches, such as `probabilities.RB+CB` and `maps.RB`."""
    single = [branch for branch in (Branch.RB, Branch.CB) if _is_computed(branch, branches)]
    names = [f"{PROBABILITIES}.{branch}" for branch in branches]
    names += [f"{MAPS}.{branch}" for branch in single if maps]
    names += [f"{FEATURES}.{branch}" for branch in single if features]
    return tuple(names)


def group_outputs(values: Mapping[str, FloatArray], stages: Mapping[str, float]) -> EngineOutputs:
    """Sort a graph's named outputs into kinds and branches."""
    kinds: dict[str, dict[Branch, FloatArray]] = {PROBABILITIES: {}, MAPS: {}, FEATURES: {}}
    for name, value in values.items():
        kind, _, branch = name.partition(".")
        kinds[kind][Branch(branch)] = value
    return EngineOutputs(kinds[PROBABILITIES], kinds[MAPS], kinds[FEATURES], stages)


def branches_of(names: Iterable[str]) -> tuple[Branch, ...]:
    """Return the branches that a graph with these outputs answers with."""
    return tuple(Branch(name.partition(".")[2]) for name in names if name.startswith(f"{PROBABILITIES}."))


def _is_computed(branch: Branch, branches: Sequence[Branch]) -> bool:
    return branch in branches or Branch.FUSED in branches
