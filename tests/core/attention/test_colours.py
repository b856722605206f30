from __future__ import annotations

import numpy as np
import pytest

from tmnet_core.attention import colours
from tmnet_core.attention.colours import (
    DIFFERENCE_MAP,
    HEAT_MAPS,
    HeatScale,
    blend_heat,
    contour_lines,
    difference_map,
    enlarge,
    heat_levels,
    heat_pixels,
    min_max_scale,
    own_scale,
    palette,
    shared_scale,
)
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

RAMP = np.linspace(-2.0, 5.0, 49, dtype=np.float32).reshape(7, 7)


def test_what_does_not_add_to_a_class_is_cold_and_the_greatest_value_is_warmest():
    for speaks_against in (-np.eye(4, dtype=np.float32) - 1.0, np.zeros((4, 4), np.float32)):
        assert heat_pixels(speaks_against).max() == 0
        assert own_scale(speaks_against).nothing_adds
        assert shared_scale([speaks_against, speaks_against]).nothing_adds
    beside = shared_scale([-RAMP - 10.0, RAMP])
    assert (beside.low, beside.high) == (0.0, 5.0)
    assert heat_pixels(-RAMP - 10.0, beside).max() == 0
    assert heat_levels(np.full((4, 4), 3.0, np.float32)).min() == 255, "all of it adds alike"
    warm = heat_pixels(np.eye(4, dtype=np.float32))
    assert warm[..., 3].max() == 255
    assert (warm[..., :3] <= warm[..., 3:]).all(), "premultiplied"


def test_from_least_to_greatest_every_map_has_a_cold_and_a_warm_place_unless_it_is_flat():
    against = -np.eye(4, dtype=np.float32) - 1.0
    levels = heat_levels(against, min_max_scale(against))
    assert (levels.min(), levels.max()) == (0, 255)
    assert heat_levels(np.ones((4, 4), np.float32), min_max_scale(np.ones((4, 4), np.float32))).max() == 0
    assert not min_max_scale(np.ones((4, 4), np.float32)).nothing_adds


@pytest.mark.parametrize("name", [*HEAT_MAPS, DIFFERENCE_MAP])
def test_colours_of_the_legend_are_those_of_the_pixels(name):
    levels = heat_levels(RAMP)
    pixels = heat_pixels(RAMP, colours=name).astype(np.float32)
    solid = pixels[..., 3] == 255
    assert solid.any()
    assert (pixels[solid][:, 2::-1] == palette(name)[levels][solid]).all()
    seen = pixels[..., 3] > 100
    plain = pixels[seen][:, 2::-1] * 255.0 / pixels[seen][:, 3:]
    assert np.abs(plain - palette(name)[levels][seen]).max() < 255 / 100, "what two roundings cost at this opacity"


@pytest.mark.parametrize("name", [*HEAT_MAPS, DIFFERENCE_MAP])
def test_an_export_blends_as_the_screen_does(name):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    over = heat_pixels(RAMP, colours=name).astype(np.float32)
    expected = over[..., 2::-1] + picture * (1.0 - over[..., 3:] / 255.0)
    blend_heat(picture, RAMP, colours=name, opacity=1.0)
    assert np.abs(picture - expected).max() < 3.0


@pytest.mark.parametrize("name", HEAT_MAPS)
def test_heat_maps_rise_evenly_in_lightness(name):
    lightness = cv2.cvtColor(palette(name)[None].astype(np.float32) / 255.0, cv2.COLOR_RGB2Lab)[0, :, 0]
    assert (np.diff(lightness[::8]) > 0).all()


def test_the_difference_is_dark_in_the_middle_and_as_light_at_either_end():
    lightness = cv2.cvtColor(palette(DIFFERENCE_MAP)[None].astype(np.float32) / 255.0, cv2.COLOR_RGB2Lab)[0, :, 0]
    assert lightness[[127, 128]].max() < 10
    assert abs(lightness[0] - lightness[-1]) < 5
    assert palette(DIFFERENCE_MAP)[0].tolist() == list(colours.BRANCH_RGB[Branch.CB])
    assert palette(DIFFERENCE_MAP)[-1].tolist() == list(colours.BRANCH_RGB[Branch.RB])


def test_at_a_shared_scale_the_same_value_has_the_same_colour():
    weak = RAMP * 0.5
    scale = shared_scale([RAMP, weak])
    assert (scale.low, scale.high) == (0.0, 5.0)
    assert heat_levels(weak, scale).max() < heat_levels(RAMP, scale).max()
    assert (heat_levels(weak) == heat_levels(RAMP)).all(), "at its own scale a map shows where, not how much"
    assert scale.value(0.5) == 2.5


def test_where_both_branches_agree_the_difference_is_zero_in_the_middle():
    difference, scale = difference_map(RAMP, RAMP)
    assert not difference.any()
    assert heat_pixels(difference, scale, DIFFERENCE_MAP).max() == 0
    difference, scale = difference_map(RAMP, RAMP - 3 * np.eye(7, dtype=np.float32))
    assert (scale.low, scale.high) == (-3.0, 3.0)
    assert heat_levels(np.zeros((2, 2), np.float32), scale).tolist() == [[127] * 64] * 64


def test_a_contour_follows_its_value():
    lines = contour_lines(np.pad(np.ones((3, 3), np.float32), 2), 0.5)
    (line,) = lines
    assert (line[0] == line[-1]).all()
    x, y = line.T
    assert x.min() == pytest.approx(2 / 7, abs=0.02)
    assert y.max() == pytest.approx(5 / 7, abs=0.02)
    assert contour_lines(np.zeros((7, 7), np.float32), 0.5) == []
    large = enlarge(RAMP)
    level = own_scale(RAMP).value(0.6)
    for x, y in np.concatenate(contour_lines(RAMP, level)):
        assert large[min(63, int(y * 64)), min(63, int(x * 64))] == pytest.approx(level, abs=0.2)


def test_an_unknown_colour_map_is_named():
    with pytest.raises(ValueError, match="'jet' is none of inferno"):
        palette("jet")


@pytest.mark.parametrize(
    ("value", "text"), [(-1.234, "\u22121.23"), (-0.001, "0.00"), (12.34, "12.3"), (250.0, "250"), (0.0, "0.00")]
)
def test_numbers_are_short(value, text):
    assert HeatScale(-1.0, 300.0).written(value) == text


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (-0.04, 0.05, ("\u22120.040", "0.050")),
        (0.0, 0.00123, ("\u2264 0", "0.0012")),
        (-3e-5, 4.3e-5, ("\u22123.0e\u221205", "4.3e\u221205")),
        (0.0, 2e-7, ("\u2264 0", "2.0e\u221207")),
        (0.01, 0.02, ("0.010", "0.020")),
        (-0.3, 12.3, ("\u22120.30", "12.3")),
    ],
)
def test_the_ends_of_a_tiny_scale_can_be_told_apart(low, high, ends):
    assert HeatScale(low, high).ends == ends
