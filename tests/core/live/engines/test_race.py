from __future__ import annotations

import threading
import time

from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.outputs import EngineOutputs
from tmnet_core.live.engines.race import fastest


class Waiting(Engine):
    """Takes as long as it is told, the first time and afterwards."""

    def __init__(self, first: float, then: float) -> None:
        self.waits = [first]
        self.then = then
        self.sizes: set[tuple[int, ...]] = set()

    @property
    def title(self) -> str:
        return "waiting"

    @property
    def branches(self):
        return ()

    def look(self, images, branches=None, *, maps=True) -> EngineOutputs:
        self.sizes.add(images.shape)
        time.sleep(self.waits.pop() if self.waits else self.then)
        return EngineOutputs({}, {}, {})

    def close(self) -> None:
        pass


def test_the_fastest_wins_however_long_its_first_look_takes():
    engines = {"slow": Waiting(0.0, 0.02), "fast": Waiting(0.2, 0.005), "slower": Waiting(0.0, 0.04)}
    assert fastest(engines, 48, threading.Event()) == "fast"
    assert {size for engine in engines.values() for size in engine.sizes} == {(1, 48, 48, 3)}


def test_no_engine_looks_once_cancelled():
    cancelled = threading.Event()
    cancelled.set()
    engines = {"one": Waiting(0.0, 0.0)}
    assert fastest(engines, 48, cancelled) is None
    assert engines["one"].sizes == set()
