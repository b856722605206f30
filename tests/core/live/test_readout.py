from __future__ import annotations

import math

import numpy as np
import pytest

from tmnet_core.data.preprocessing import Box, Placement
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.readout import Readouts
from tmnet_core.models.branch import Branch


def glance(time: float, *values: float, finished: float = 0.0) -> Glance:
    frame = Frame(np.zeros((8, 8, 3), np.uint8), round(25 * time), time, 0.0)
    probabilities = dict.fromkeys(Branch, np.array(values, np.float32))
    return Glance(frame, Placement((8, 8), Box(0, 0, 8, 8)), probabilities, {}, {}, finished)


def first(readouts: Readouts, *glances: Glance, **how) -> float:
    for one in glances:
        readout = readouts.read(one, **how)
    return float(readout.probabilities[Branch.CB][0])


@pytest.mark.parametrize("finished", [0.001, 0.4, 30.0])
def test_probabilities_are_averaged_over_the_streams_time_however_fast_it_is_looked_at(finished):
    seen = glance(1.0, 0.0, 1.0), glance(1.3, 1.0, 0.0, finished=finished)
    assert first(Readouts(0.3), *seen) == pytest.approx(1 - math.exp(-1.0), abs=1e-5)


@pytest.mark.parametrize("time", [0.2, 1.6, 60.0])
def test_a_loop_a_jump_and_a_gap_start_anew(time):
    readouts = Readouts(0.3)
    assert first(readouts, glance(1.0, 0.0, 1.0), glance(time, 0.6, 0.4)) == pytest.approx(0.6)
    assert readouts.read(glance(time, 0.6, 0.4)).order == (0, 1)


def test_a_picture_that_stands_shows_what_is_said_about_it_alone():
    readouts = Readouts(5.0)
    readouts.read(glance(1.0, 0.0, 1.0))
    stopped = readouts.read(glance(1.0, 0.6, 0.4), still=True)
    assert (stopped.probabilities[Branch.RB][0], stopped.order) == (pytest.approx(0.6), (0, 1))


def test_the_order_changes_once_a_class_was_ahead_for_half_a_second_of_the_stream():
    readouts = Readouts(0.0)
    readouts.read(glance(1.0, 0.4, 0.6))
    orders = [readouts.read(glance(1.1 + step / 10, 0.6, 0.4)).order for step in range(8)]
    assert orders == [(1, 0)] * 5 + [(0, 1)] * 3


def test_the_same_moment_can_be_read_again():
    readouts = Readouts(0.3)
    readouts.read(glance(1.0, 0.0, 1.0))
    once = first(readouts, glance(1.1, 1.0, 0.0))
    assert first(readouts, glance(1.1, 1.0, 0.0)) == once


def test_no_more_than_ten_classes_are_put_in_order():
    values = np.linspace(0.3, 0.0, 400)
    assert Readouts().read(glance(0.0, *values)).order == tuple(range(10))
