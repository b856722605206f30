import numpy as np
import pytest
import torch

from tmnet_core.data.preprocessing import Preprocessing

WIDTH, HEIGHT = 320, 180
TURNS_AND_MIRRORS = [(turns, mirror) for turns in range(4) for mirror in (False, True)]


def marked_frame(left: int, top: int, side: int = 12) -> np.ndarray:
    frame = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    frame[top : top + side, left : left + side] = 255
    return frame


def centroid(image: np.ndarray) -> tuple[float, float]:
    """Of the bright pixels, (x, y) in [0, 1]."""
    weights = image.astype(float) / image.sum()
    height, width = weights.shape
    x = (weights.sum(axis=0) * (np.arange(width) + 0.5)).sum() / width
    y = (weights.sum(axis=1) * (np.arange(height) + 0.5)).sum() / height
    return float(x), float(y)


@pytest.mark.parametrize("crop", ["centre", "whole"])
@pytest.mark.parametrize(("turns", "mirror"), TURNS_AND_MIRRORS)
def test_a_marked_place_is_found_again_on_the_frame(crop: str, turns: int, mirror: bool) -> None:
    preprocessing = Preprocessing(size=96, crop=crop)
    placement = preprocessing.place(WIDTH, HEIGHT, mirror=mirror, quarter_turns=turns)
    seen = preprocessing.cut(marked_frame(left=100, top=40), placement)
    x, y = placement.point_to_frame(*centroid(seen[..., 0]))
    assert (x, y) == pytest.approx((106, 46), abs=1.0)

    activation = placement.map_to_frame(seen[..., 0].astype(np.float32))
    across, down = centroid(activation)
    box = placement.box
    assert box.left + across * box.width == pytest.approx(106, abs=1.0)
    assert box.top + down * box.height == pytest.approx(46, abs=1.0)


@pytest.mark.parametrize(
    ("turns", "mirror", "corner"),
    [
        (0, False, (0, 0)),
        (1, False, (0, -1)),  # clockwise: what was left above is right above
        (2, False, (-1, -1)),
        (3, False, (-1, 0)),
        (0, True, (0, -1)),
        (1, True, (0, 0)),  # mirrored after the turn
    ],
)
def test_turns_are_clockwise_and_mirroring_comes_after(turns: int, mirror: bool, corner: tuple[int, int]) -> None:
    preprocessing = Preprocessing(size=32, crop="whole")
    frame = marked_frame(left=0, top=0, side=60)
    seen = preprocessing.cut(frame, preprocessing.place(WIDTH, HEIGHT, mirror=mirror, quarter_turns=turns))
    assert [at for at in ((0, 0), (0, -1), (-1, 0), (-1, -1)) if seen[at].all()] == [corner]


def test_maps_of_several_classes_are_turned_together() -> None:
    maps = np.arange(2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3)
    placement = Preprocessing().place(WIDTH, HEIGHT, mirror=True, quarter_turns=1)
    together = placement.map_to_frame(maps)
    np.testing.assert_array_equal(together[1], placement.map_to_frame(maps[1]))
    np.testing.assert_array_equal(together[0], [[2, 5, 8], [1, 4, 7], [0, 3, 6]][::-1])


@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (51, 51), (1, 1), (1919, 1079)])
def test_the_centred_square(width: int, height: int) -> None:
    box = Preprocessing(crop_fraction=0.875).box(width, height)
    assert box.width == box.height == max(1, round(0.875 * min(width, height)))
    assert abs(box.left - (width - box.right)) <= 1
    assert abs(box.top - (height - box.bottom)) <= 1
    assert Preprocessing(crop="whole").box(width, height).width == width


def test_cut_is_contiguous_and_owns_its_pixels() -> None:
    frame = np.zeros((64, 64, 3), dtype=np.uint8)
    preprocessing = Preprocessing(size=64, crop="whole")
    for turns, mirror in TURNS_AND_MIRRORS:
        seen = preprocessing.cut(frame, preprocessing.place(64, 64, mirror=mirror, quarter_turns=turns))
        assert seen.shape == (64, 64, 3)
        assert seen.flags.c_contiguous
        assert not np.shares_memory(seen, frame)


def test_channels_stay_red_green_blue() -> None:
    frame = np.full((HEIGHT, WIDTH, 3), (200, 100, 50), dtype=np.uint8)
    preprocessing = Preprocessing()
    seen = preprocessing.cut(frame, preprocessing.place(WIDTH, HEIGHT))
    assert (seen == (200, 100, 50)).all()


@pytest.mark.parametrize("shape", [(8, 6, 3), (2, 8, 6, 3), (2, 5, 8, 6, 3)])
def test_normalise_scales_each_channel_and_moves_it_first(shape: tuple[int, ...]) -> None:
    preprocessing = Preprocessing(mean=(0.5, 0.4, 0.2), std=(0.5, 0.2, 0.1))
    images = torch.zeros(shape, dtype=torch.uint8)
    images[..., 0] = 255
    images[..., 1] = 102
    images[..., 2] = 51
    network_input = preprocessing.normalise(images)
    assert network_input.shape == (*shape[:-3], 3, shape[-3], shape[-2])
    assert network_input.dtype == torch.float32
    for channel, value in enumerate((1.0, 0.0, 0.0)):
        torch.testing.assert_close(
            network_input.select(-3, channel), torch.full((*shape[:-3], 8, 6), value), atol=1e-6, rtol=0
        )
    assert preprocessing.normalise(torch.zeros(shape, dtype=torch.uint8))[..., 1, 0, 0].flatten()[0] == pytest.approx(
        -2.0
    )
