from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tmnet_core.assets import asset
from tmnet_core.attention.motion import MotionFinder, MotionState, find_motion
from tmnet_core.data.decoding import VideoReader
from tmnet_core.data.preprocessing import Box, Placement
from tmnet_core.data.synthetic_people import SyntheticPeople
from tmnet_core.live.frames import Frame
from tmnet_core.opencv import cv2


def share_around(region, place, side):
    """The share of a region that lies within a square around a place, with room for its last position."""
    height, width = region.shape
    reach = 0.75 * side
    x, y = place
    top, bottom = round((y - reach) * height), round((y + reach) * height)
    left, right = round(x * width - reach * height), round(x * width + reach * height)
    return region[max(0, top) : bottom, max(0, left) : right].sum() / region.sum()


@pytest.mark.parametrize("camera", [(0.0, 0.0), (4.0, -2.0)])
def test_what_moves_is_found_and_what_only_the_camera_moves_is_not(scene, camera):
    finder = MotionFinder()
    film = scene(1, camera=camera, step=(3.0, 2.0))
    motions = [finder.update(frame) for frame in film.frames]
    assert motions[0].state is MotionState.UNKNOWN
    for number, motion in enumerate(motions[1:], start=1):
        assert motion.state is MotionState.MOVING
        assert motion.seconds == pytest.approx(0.04)
        assert share_around(motion.region, film.mover[number], film.side) > 0.9
        assert share_around(motion.region, film.decoy[number], film.side) < 0.05
        # By as many pixels of the small picture as the wall moved against the camera.
        assert motion.camera[:, 2] == pytest.approx(np.array(camera) / 2, abs=0.3)


@pytest.mark.parametrize("camera", [(0.0, 0.0), (3.0, 1.0)])
@pytest.mark.parametrize("noise", [0.0, 2.0, 6.0])
def test_a_scene_that_stands_still_has_no_motion_which_is_not_zero_motion(scene, camera, noise):
    for seed in (2, 3, 4):
        film = scene(seed, camera=camera, step=(0.0, 0.0), noise=noise)
        motion = find_motion(film.frames[1].image, film.frames[0].image)
        assert motion.state == MotionState.STILL == "no motion"
        assert motion.area == 0


def test_a_cut_is_no_motion_of_a_thing_and_the_next_frame_is_judged_by_the_new_scene(scene):
    finder = MotionFinder()
    frames = scene(3).frames + [replace(f, index=f.index + 5, time=f.time + 0.2) for f in scene(4).frames]
    states = [finder.update(frame).state for frame in frames]
    assert states == ["no frame before", *["motion"] * 4, "scene cut", *["motion"] * 4]


def test_cuts_of_the_demo_film_are_found_and_nothing_else():
    film = asset("demo/synthetic-people.mp4")
    segments = json.loads(film.with_suffix(".json").read_text(encoding="utf-8"))
    cuts = [round(later["start"] * 25) for one, later in pairwise(segments) if one["shot"] != later["shot"]]
    finder, found = MotionFinder(), []
    with VideoReader(film) as reader:
        while (got := reader.read()) is not None:
            index, time, image = got
            if finder.update(Frame(image, index, time, 0.0)).state is MotionState.CUT:
                found.append(index)
    assert found == cuts


def test_a_jump_in_time_or_another_size_starts_anew(scene):
    film, small = scene(1).frames, scene(1, size=(160, 120)).frames
    finder = MotionFinder()
    finder.update(film[0])
    assert finder.update(film[1]) is finder.update(film[1]), "a paused frame keeps its answer"
    assert finder.update(film[0]).state is MotionState.UNKNOWN, "back to the beginning"
    assert finder.update(replace(film[1], time=9.0)).state is MotionState.UNKNOWN, "far ahead"
    tall = replace(small[2], image=np.ascontiguousarray(np.rot90(small[2].image)), time=9.04)
    assert finder.update(tall).state is MotionState.UNKNOWN, "another shape"
    finder.clear()
    assert finder.update(film[2]).state is MotionState.UNKNOWN


def test_at_a_high_frame_rate_a_frame_is_compared_with_one_that_is_old_enough(scene):
    finder = MotionFinder()
    gaps = [round(finder.update(frame).seconds * 120) for frame in scene(1, fps=120.0, frames=8).frames]
    assert gaps == [0, 1, 2, 3, 4, 4, 4, 4]


@pytest.mark.parametrize("size", [(16, 16), (1200, 20), (1, 1)])
def test_pictures_of_any_size_can_be_looked_at(size):
    rng = np.random.default_rng(0)
    now, before = rng.integers(0, 256, (2, size[1], size[0], 3), np.uint8)
    assert find_motion(now, before).region.ndim == 2


def test_the_region_lies_in_the_networks_box_place_by_place(scene):
    film = scene(1, step=(3.0, 2.0))
    motion = find_motion(film.frames[4].image, film.frames[3].image)
    whole = motion.within(Placement((320, 240), Box(0, 0, 320, 240)))
    assert whole.shape == (64, 64)
    assert whole.mean() == pytest.approx(motion.area, rel=0.05)
    rows, columns = np.nonzero(whole > 0.5)
    assert columns.mean() / 64 == pytest.approx(film.mover[4][0], abs=0.03)
    assert rows.mean() / 64 == pytest.approx(film.mover[4][1], abs=0.03)
    x, y = round(film.mover[4][0] * 320), round(film.mover[4][1] * 240)
    around = motion.within(Placement((320, 240), Box(x - 12, y - 12, x + 12, y + 12)))
    assert around.mean() > 0.9


def test_on_rendered_people_it_finds_what_the_renderer_knows_to_move():
    people = SyntheticPeople(24, 3, "validation", size=(320, 240))
    agreed = []
    for clip in range(24):
        rendered = people.rendered(clip, [14, 15], ground_truth=True)
        exact = rendered.motion[1] > 0.5
        if exact.mean() < 0.005:
            continue
        found = cv2.resize(find_motion(rendered.frames[1], rendered.frames[0]).region, (320, 240)) > 0
        # The exposure blurs outlines, and the figure's shadow moves too.
        near = cv2.dilate(exact.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        agreed.append((found[exact].mean(), near[found].mean() if found.any() else 0.0))
    recall, precision = np.mean(agreed, axis=0)
    assert len(agreed) > 12
    assert recall > 0.8
    assert precision > 0.6
