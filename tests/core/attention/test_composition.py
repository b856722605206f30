from __future__ import annotations

import numpy as np
import pytest

from tmnet_core.attention.agreement import OtherRegions, compare
from tmnet_core.attention.colours import HeatScale, blend_heat, heat_levels, own_scale, palette
from tmnet_core.attention.composition import (
    ClassBars,
    Composed,
    Composer,
    PaneContent,
    SecondContent,
    class_bars,
    panes_of,
)
from tmnet_core.attention.lettering import elide, text_width, write
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import ShownMap
from tmnet_core.data.preprocessing import Box, Placement
from tmnet_core.live.frames import Frame
from tmnet_core.live.readout import Readout
from tmnet_core.models.branch import Branch

LEFT_HALF = Box(0, 0, 64, 96)
RAMP = np.linspace(0.0, 1.0, 16, dtype=np.float32).reshape(4, 4)
SHOWN = ShownMap(RAMP, HeatScale(0.0, 1.0), "inferno", 1)


def frame(width: int = 128, height: int = 96, value: int = 120) -> Frame:
    return Frame(np.full((height, width, 3), value, np.uint8), 3, 0.1, 0.0)


def whole(width: int = 128, height: int = 96, **turned) -> Placement:
    return Placement((width, height), Box(0, 0, width, height), **turned)


def picture_of(composer: Composer, picture: np.ndarray, pane: int) -> np.ndarray:
    place = composer._layout.pictures[pane]
    return picture[place.top : place.bottom, place.left : place.right]


def only_pictures(settings: AttentionSettings | None = None, panes: int = 2) -> Composer:
    return Composer((128, 96), panes, height=96, rows=0, agreement=False, settings=settings)


def test_a_pane_shows_the_frame_with_exactly_the_heat_of_its_map():
    composer = only_pictures(AttentionSettings(opacity=1.0))
    painted = composer.paint(frame(), whole(), Composed([PaneContent("Input"), PaneContent("RB", shown=SHOWN)]))
    assert (picture_of(composer, painted, 0) == 120).all()
    expected = frame().image.copy()
    blend_heat(expected, RAMP, SHOWN.scale, "inferno", 1.0)
    above_legend = slice(0, 70)
    assert (picture_of(composer, painted, 1)[above_legend] == expected[above_legend]).all()


def test_where_the_heat_hides_the_frame_it_has_the_colours_of_the_legend():
    composer = only_pictures(AttentionSettings(opacity=1.0), panes=1)
    painted = composer.paint(frame(), whole(), Composed([PaneContent("RB", shown=SHOWN)]))
    levels = heat_levels(RAMP, SHOWN.scale, (128, 96))
    hidden = (levels > 0.8 * 255 + 1) & (np.arange(96) < 70)[:, None]
    assert hidden.any()
    assert (picture_of(composer, painted, 0)[hidden] == palette("inferno")[levels[hidden]]).all()
    legend = {tuple(pixel) for pixel in picture_of(composer, painted, 0)[78:].reshape(-1, 3).tolist()}
    assert len(legend & {tuple(rgb) for rgb in palette("inferno").tolist()}) > 20


def test_a_map_that_speaks_against_its_class_is_painted_cold_and_said_to_be_so():
    against = ShownMap(RAMP - 2.0, own_scale(RAMP - 2.0), "inferno", 1)
    composer = only_pictures(AttentionSettings(opacity=1.0, contour=0.5), panes=1)
    picture = picture_of(composer, composer.paint(frame(), whole(), Composed([PaneContent("RB", shown=against)])), 0)
    assert (picture[:70] == 120).all()
    assert picture[75:].max() > 200, "words in place of the legend"


def test_a_second_network_stands_below_the_first_with_its_own_box_and_its_bars_below_the_input():
    composer = Composer((128, 96), 2, height=96, rows=1, agreement=False, second=True)
    panes = [PaneContent("Input"), PaneContent("RB", shown=SHOWN)]
    below = SecondContent("other", Placement((128, 96), LEFT_HALF), panes[1:], [ClassBars("run", {Branch.CB: 1.0})])
    painted = composer.paint(frame(), whole(), Composed(panes, second=below))
    assert painted.shape[1::-1] == composer.size
    assert painted.shape[0] > 2 * 96
    beside, lower = (painted[box.top : box.bottom, box.left : box.right] for box in composer._layout.second)
    assert (lower[:70, 66:] == lower[0, 66]).all(), "the second one's box is the left half"
    assert lower[0, 66, 0] < 100 < picture_of(composer, painted, 1)[0, 66, 0]
    assert (beside == [86, 180, 233]).all(axis=2).any()
    alone = composer.paint(frame(), whole(), Composed(panes))
    first = composer._layout.pictures[0].bottom
    assert (alone[:first] == painted[:first]).all(), "a second one that could not look leaves its place empty"
    assert not np.array_equal(alone, painted)


def test_the_heat_stays_in_the_networks_box_and_the_rest_is_dimmed():
    composer = only_pictures(AttentionSettings(opacity=1.0), panes=1)
    placement = Placement((128, 96), LEFT_HALF)
    painted = composer.paint(frame(), placement, Composed([PaneContent("RB", shown=SHOWN)]))
    picture = picture_of(composer, painted, 0)
    outside = picture[:70, 66:]
    assert (outside == outside[0, 0]).all()
    assert outside[0, 0, 0] < 100


def test_mirrored_the_picture_and_its_heat_are_mirrored_and_the_text_is_not():
    composer = only_pictures(AttentionSettings(opacity=1.0), panes=1)
    content = Composed([PaneContent("RB", shown=SHOWN)])
    image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    plain = composer.paint(Frame(image, 0, 0.0, 0.0), whole(), content)
    # A mirrored network input has its map mirrored: over the frame it is the same one.
    mirrored_map = ShownMap(RAMP[:, ::-1], SHOWN.scale, "inferno", 1)
    mirrored = composer.paint(
        Frame(image, 0, 0.0, 0.0), whole(mirror=True), Composed([PaneContent("RB", shown=mirrored_map)])
    )
    assert (picture_of(composer, mirrored, 0)[:70, ::-1] == picture_of(composer, plain, 0)[:70]).all()
    title = slice(0, composer._layout.pictures[0].top)
    assert (mirrored[title] == plain[title]).all()


def test_a_frame_of_another_shape_is_shown_whole_between_bars():
    composer = only_pictures(panes=1)
    for width, height in ((96, 128), (300, 20), (2, 2)):
        painted = composer.paint(frame(width, height), whole(width, height), Composed([PaneContent("Input")]))
        assert painted.shape[1::-1] == composer.size
        shown = (picture_of(composer, painted, 0) == 120).all(axis=2)
        across, down = shown.any(axis=0).sum(), shown.any(axis=1).sum()
        scale = min(128 / width, 96 / height)
        assert (across, down) == (round(width * scale), max(1, round(height * scale)))


def test_bars_are_as_long_as_their_probabilities():
    composer = Composer((128, 96), 1, height=96, rows=2, agreement=False)
    bars = [ClassBars("walk", {Branch.RB: 0.25, Branch.CB: 0.5, Branch.FUSED: 1.0}), ClassBars("run", {Branch.CB: 0.1})]
    painted = composer.paint(frame(), whole(), Composed([PaneContent("Input")], bars))
    row = composer._layout.rows[0]
    part = painted[row.top : row.bottom].astype(int)
    lengths = [int((part == colour).all(axis=2).any(axis=0).sum()) for colour in ([230, 159, 0], [86, 180, 233])]
    full = int((part == [0, 158, 115]).all(axis=2).any(axis=0).sum())
    assert lengths == pytest.approx([0.25 * full, 0.5 * full], abs=1)
    second = painted[composer._layout.rows[1].top : composer._layout.rows[1].bottom]
    assert not (second == [230, 159, 0]).all(axis=2).any(), "no bar for a branch that does not answer"


def test_a_contour_is_drawn_where_it_is_asked_for():
    plain, lined = only_pictures(panes=1), only_pictures(AttentionSettings(contour=0.5), panes=1)
    content = Composed([PaneContent("RB", shown=SHOWN)])
    differs = (plain.paint(frame(), whole(), content) != lined.paint(frame(), whole(), content)).any(axis=2)
    rows = np.nonzero(differs)[0]
    assert len(rows) > 50
    # The ramp rises row by row: half of it is reached in the middle of the picture.
    assert abs(np.median(rows) - (plain._layout.pictures[0].top + 48)) < 12


@pytest.mark.parametrize("height", [64, 240, 720])
@pytest.mark.parametrize("ink", ["dark", "light"])
def test_compositions_of_every_height_have_even_sides_and_all_their_parts(height, ink):
    region = np.zeros((64, 64), np.float32)
    region[20:40, 20:40] = 1
    agreement = compare(region, {Branch.RB: RAMP, Branch.CB: -RAMP}, OtherRegions(region, 7, "a very long name " * 9))
    bars = [ClassBars("a class whose name is far too long for its place", {Branch.CB: 1.0})] * 3
    composer = Composer((321, 240), 3, height=height, rows=3, ink=ink)
    panes = [PaneContent("Input"), PaneContent("RB", "walk 0.50", SHOWN, Branch.RB), PaneContent("CB", words="No CB.")]
    painted = composer.paint(frame(), whole(), Composed(panes, bars, agreement, "caption " * 40, "note"))
    assert painted.shape == (*composer.size[::-1], 3)
    assert composer.size[0] % 2 == composer.size[1] % 2 == 0
    box = composer._layout.agreement
    ground = painted[-1, 0]
    assert (painted[box.top : box.bottom, box.left : box.right] != ground).any()
    assert (painted[:, -4:] == ground).all(), "nothing runs over the edge"


def test_panes_say_their_class_and_the_most_probable_classes_come_first():
    probabilities = {
        Branch.RB: np.float32([0.1, 0.9]),
        Branch.CB: np.float32([0.8, 0.2]),
        Branch.FUSED: np.float32([0.45, 0.55]),
    }
    difference = ShownMap(RAMP, SHOWN.scale, "rb-cb", 1)
    panes = panes_of({"rb": SHOWN, "cb": SHOWN, "both": difference}, probabilities, ["run", "walk"])
    assert [(pane.title, pane.caption) for pane in panes] == [
        ("RB", "walk 0.90"),
        ("CB", "walk 0.20"),
        ("RB − CB", "walk"),
    ]
    bars = class_bars(Readout(probabilities, (1, 0)), ["run", "walk"], 5)
    assert [bar.name for bar in bars] == ["walk", "run"]
    assert bars[0].probabilities[Branch.RB] == pytest.approx(0.9)


def test_text_that_does_not_fit_is_cut_and_stays_in_its_room():
    picture = np.zeros((40, 300, 3), np.uint8)
    write(picture, "jumping_jack " * 10, (10, 30), 16, (255, 255, 255), room=100)
    assert picture[:, 10:].any()
    assert not picture[:, 112:].any()
    assert elide("walk", 16, 400, 200) == "walk"
    assert elide("walking", 16, 400, text_width("walking", 16) - 1).endswith("…")
    right = np.zeros((40, 300, 3), np.uint8)
    write(right, "0.83", (200, 30), 16, (255, 255, 255), side="right")
    columns = np.nonzero(right.any(axis=(0, 2)))[0]
    assert 195 <= columns.max() <= 200
