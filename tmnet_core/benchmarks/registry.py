"""The benchmarks that there are: a row here is an option of `tmnet bench`.

The benchmark of a row NAME is the file `tmnet_core/benchmarks/NAME.py`, whose function `measure` takes the `Conditions`
and returns a list of `Figure`. It is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: of its option, and of its file.
        title: over its figures, and the help of its option.
    """

    name: str
    title: str

    def measure(self, conditions: Conditions) -> list[Figure]:
        """Measure; raises TMNetError where this machine cannot."""
        module = importlib.import_module(f"tmnet_core.benchmarks.{self.name}")
        figures: list[Figure] = module.measure(conditions)
        return figures


# What is measured where nothing is asked for.
DEFAULT = "glance"
BENCHMARKS = (
    Benchmark("glance", "One glance beside the plain network, both in torch without any change"),
    Benchmark("engines", "The engines of the device, their branches and maps, and preprocessing"),
    Benchmark("models", "One glance beside the networks that look at clips, all in torch's engine"),
    Benchmark("stages", "The stages of the live path: decoding, preprocessing, BB, RB, CB, maps, copies, drawing"),
    Benchmark("reading", "Reading, augmenting and loading clips, from files and from packed frames"),
    Benchmark("steps", "Training steps with the real loader, their memory, and fp16 beside fp32"),
    Benchmark("rendering", "How fast synthetic people are drawn"),
    Benchmark("attention", "Motion, agreement, a clip from memory, and tmnet render"),
    Benchmark("demo", "From starting tmnet-app --demo to its first answer on the screen"),
    Benchmark("live", "The whole window, with a stand-in for the network"),
    Benchmark("sources", "Reading files in a process of their own"),
    Benchmark("opening", "From opening, pausing, seeking and stepping to the picture, in the window"),
    Benchmark("training", "The window beside a run that trains on all cores, swaps of its network, and its curves"),
    Benchmark("soak", "The window's memory while a video loops for --minutes, or --frames are painted"),
)
