import numpy as np
import pytest

from tmnet_core.data.augmentation import MultiScaleCrop, crop_and_resize
from tmnet_core.data.preprocessing import Box

SCALES = (1.0, 0.875, 0.75, 0.66, 0.5)


def boxes(crop: MultiScaleCrop, width: int, height: int, count: int = 2000) -> set[Box]:
    rng = np.random.default_rng(0)
    return {crop.draw(rng, width, height) for _ in range(count)}


def test_crops_are_the_pairs_of_neighbouring_scales_of_the_short_side() -> None:
    sides = [200, 175, 150, 132, 100]
    neighbours = {(w, h) for i, w in enumerate(sides) for j, h in enumerate(sides) if abs(i - j) <= 1}
    assert {(box.width, box.height) for box in boxes(MultiScaleCrop(), 320, 200)} == neighbours


def test_squashed_crops_are_scaled_by_both_sides() -> None:
    drawn = boxes(MultiScaleCrop((1.0, 0.5), max_distort=0, squash=True), 320, 200)
    assert {(box.width, box.height) for box in drawn} == {(320, 200), (160, 100)}


@pytest.mark.parametrize(
    ("places", "corners"),
    [
        (5, {(0, 0), (100, 0), (0, 40), (100, 40), (50, 20)}),
        (
            13,
            {(0, 0), (100, 0), (0, 40), (100, 40), (50, 20), (0, 20), (100, 20), (50, 40), (50, 0)}
            | {(25, 10), (75, 10), (25, 30), (75, 30)},
        ),
    ],
)
def test_places(places: int, corners: set[tuple[int, int]]) -> None:
    drawn = boxes(MultiScaleCrop((0.5,), places=places), 140, 80)
    assert {(box.left, box.top) for box in drawn} == corners


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 50), (321, 241)])
def test_crops_lie_within_the_frame(width: int, height: int) -> None:
    for box in boxes(MultiScaleCrop(places=13), width, height, 500):
        assert 0 <= box.left < box.right <= width
        assert 0 <= box.top < box.bottom <= height


def test_the_same_box_of_every_frame() -> None:
    frames = np.zeros((3, 40, 60, 3), dtype=np.uint8)
    frames[0, 10:30, 20:40] = (10, 20, 30)
    frames[2, 10:30, 20:40] = (40, 50, 60)
    clip = crop_and_resize(frames, Box(20, 10, 40, 30), 32)
    assert clip.shape == (3, 32, 32, 3)
    assert clip.dtype == np.uint8
    assert [np.unique(frame.reshape(-1, 3), axis=0).tolist() for frame in clip] == [
        [[10, 20, 30]],
        [[0, 0, 0]],
        [[40, 50, 60]],
    ]


def test_one_resize_sees_what_two_resizes_saw() -> None:
    """The paper's order, 256×256 first and crop then, against the crop of the source frame."""
    import cv2

    ramp = np.linspace(0, 255, 320)[None, :, None] * np.linspace(0.2, 1, 240)[:, None, None]
    frame = np.repeat(ramp, 3, axis=2).astype(np.uint8)
    small = cv2.resize(frame, (256, 256), interpolation=cv2.INTER_AREA)
    for column, row in ((0, 0), (64, 64), (128, 128)):
        twice = cv2.resize(small[row : row + 128, column : column + 128], (112, 112), interpolation=cv2.INTER_AREA)
        box = Box(column * 320 // 256, row * 240 // 256, (column + 128) * 320 // 256, (row + 128) * 240 // 256)
        once = crop_and_resize(frame[None], box, 112)[0]
        assert np.abs(once.astype(int) - twice).max() <= 2


@pytest.mark.parametrize("arguments", [{"scales": ()}, {"scales": (1.5,)}, {"scales": (0.0,)}, {"places": 9}])
def test_crops_that_make_no_sense(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="crop"):
        MultiScaleCrop(**arguments)
