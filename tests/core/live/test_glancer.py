from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tmnet_core.data.preprocessing import Crop, Preprocessing
from tmnet_core.errors import CheckpointError
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.glancer import Glancer, GlancerState
from tmnet_core.live.slot import LatestSlot
from tmnet_core.models.branch import Branch


class Model:
    classes = ("one", "two")
    branches = tuple(Branch)
    engine = "stand-in"
    header = None

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.settings: list[tuple[bool, Crop | None]] = []
        self.glances = 0
        self.closed_in = ""

    def glance(self, frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        assert not self.closed_in
        self.settings.append((mirror, crop))
        self.glances += 1
        if self.error is not None:
            raise self.error
        placement = Preprocessing().place(8, 6, mirror=mirror)
        return Glance(frame, placement, {Branch.CB: np.ones(2, np.float32)}, {}, {}, time.perf_counter())

    def close(self) -> None:
        self.closed_in = threading.current_thread().name


def frame(index: int = 0) -> Frame:
    return Frame(np.zeros((6, 8, 3), np.uint8), index, index / 30, time.perf_counter())


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    changed = threading.Event()
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        changed.wait(0.005)


@pytest.fixture
def frames() -> LatestSlot[Frame]:
    return LatestSlot()


@pytest.fixture
def results() -> LatestSlot[Glance]:
    return LatestSlot()


@pytest.fixture
def glancer(frames, results) -> Iterator[Glancer]:
    glancer = Glancer(frames, results)
    glancer.start()
    yield glancer
    frames.close()
    glancer.close()


@pytest.fixture
def model(glancer: Glancer) -> Model:
    model = Model()
    glancer.load(lambda: model)
    until(lambda: glancer.state is GlancerState.READY)
    return model


def test_glances_at_the_newest_frame(frames, results, model):
    newest = frame(7)
    frames.put(newest)
    glance = results.take(5)
    assert glance is not None
    assert glance.frame is newest


def test_without_a_model_it_keeps_the_last_frame_and_looks_at_it_once_there_is_one(glancer, frames, results):
    assert glancer.state is GlancerState.NO_MODEL
    frames.put(frame(3))
    until(lambda: glancer.last_frame is not None)
    glancer.load(Model)
    assert results.take(5).frame.index == 3


def test_a_load_that_fails_leaves_the_model_at_work(glancer, frames, results, model):
    def fail():
        raise CheckpointError("checkpoint x: it is no good")

    glancer.load(fail)
    until(lambda: glancer.failure is not None)
    assert glancer.error == "checkpoint x: it is no good"
    assert not glancer.failure.details
    assert glancer.model is model
    frames.put(frame())
    assert results.take(5) is not None


def test_the_same_failure_twice_is_two_failures(glancer):
    def fail():
        raise ValueError("no good")

    glancer.load(fail)
    until(lambda: glancer.failure is not None)
    first = glancer.failure
    glancer.load(fail)
    until(lambda: glancer.failure is not first)
    assert glancer.error == "The checkpoint could not be loaded: no good."
    assert "ValueError" in glancer.failure.details


def test_whoever_sees_that_loading_has_ended_sees_the_model(glancer):
    for _ in range(50):
        model = Model()
        glancer.load(lambda model=model: model)
        while glancer.state is GlancerState.LOADING:
            pass
        assert glancer.model is model


def test_the_old_model_works_while_another_loads_and_is_closed_between_glances(glancer, frames, results, model):
    gate = threading.Event()

    def slow() -> Model:
        gate.wait(5)
        return Model()

    glancer.load(slow)
    assert glancer.state is GlancerState.LOADING
    frames.put(frame())
    assert results.take(5) is not None
    assert model.glances == 1
    gate.set()
    until(lambda: model.closed_in)
    assert model.closed_in == "tmnet-glance"


def test_a_later_load_supersedes_an_earlier_one(glancer):
    gate, early, late = threading.Event(), Model(), Model()

    def slow() -> Model:
        gate.wait(5)
        return early

    glancer.load(slow)
    glancer.load(lambda: late)
    until(lambda: glancer.model is late)
    gate.set()
    until(lambda: early.closed_in)
    assert glancer.model is late


def test_closing_waits_for_a_load_that_is_not_wanted_any_more(glancer):
    gate, early = threading.Event(), Model()
    ended: list[bool] = []

    def slow() -> Model:
        ended.append(gate.wait(5))
        return early

    glancer.load(slow)
    late = Model()
    glancer.load(lambda: late)
    until(lambda: glancer.model is late)
    opening = threading.Timer(0.3, gate.set)
    opening.start()
    glancer.close()
    opening.join()
    # Nothing loads or is left behind when the program ends.
    assert ended == [True]
    assert early.closed_in
    assert late.closed_in


def test_an_exception_of_the_model_is_told_once_and_survived(glancer, frames, results, model):
    model.error = RuntimeError("out of\nmemory")
    frames.put(frame())
    until(lambda: glancer.state is GlancerState.FAILED)
    failure = glancer.failure
    assert failure.sentence == "The network could not look at a frame: out of memory."
    frames.put(frame(1))
    until(lambda: model.glances == 2)
    assert glancer.failure is failure
    model.error = None
    frames.put(frame(2))
    assert results.take(5).frame.index == 2
    until(lambda: glancer.state is GlancerState.READY)
    assert glancer.failure is None


def test_settings_reach_the_next_glance_also_while_paused(glancer, frames, results, model):
    frames.put(frame())
    assert results.take(5) is not None
    glancer.mirror, glancer.crop = True, "whole"
    glancer.look_again()
    assert results.take(5).placement.mirror
    assert model.settings == [(False, None), (True, "whole")]


def test_changes_are_told(frames, results):
    told = threading.Event()
    glancer = Glancer(frames, results, told.set)
    glancer.start()
    glancer.load(Model)
    assert told.wait(5)
    glancer.close()
    assert glancer.state is GlancerState.CLOSED


def test_closing_while_a_model_loads_frees_it(frames, results):
    gate, model = threading.Event(), Model()

    def slow() -> Model:
        gate.wait(5)
        return model

    glancer = Glancer(frames, results)
    glancer.start()
    glancer.load(slow)
    threading.Timer(0.05, gate.set).start()
    glancer.close()
    assert model.closed_in
    assert glancer.model is None


def test_the_rate_counts_glances(glancer, frames, results, model):
    for index in range(3):
        frames.put(frame(index))
        assert results.take(5) is not None
    assert glancer.rate.rate > 0
