from __future__ import annotations

import threading
import time

import pytest

from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.outputs import EngineOutputs
from tmnet_core.live.engines.race import is_faster


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


@pytest.mark.parametrize(("seconds", "faster"), [(0.01, True), (0.02, False), (0.04, False)])
def test_the_challenger_wins_only_if_it_is_clearly_faster_however_long_its_first_look_takes(seconds, faster):
    challenger, champion = Waiting(0.2, seconds), Waiting(0.0, 0.02)
    assert is_faster(challenger, champion, 48, threading.Event()) is faster
    assert challenger.sizes == champion.sizes == {(1, 48, 48, 3)}


def test_no_engine_looks_once_cancelled():
    cancelled = threading.Event()
    cancelled.set()
    one, other = Waiting(0.0, 0.0), Waiting(0.0, 0.0)
    assert is_faster(one, other, 48, cancelled) is None
    assert one.sizes == other.sizes == set()
