from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Pillow

from tmnet_core.data.decoding import read_frames
from tmnet_core.data.resizing import resize
from tmnet_core.opencv import cv2

# Of whole blocks (672), of blocks and a rest (630, 880, 945), of no blocks (525, 631), and at the border (448, 449).
SIDES = (448, 449, 525, 630, 631, 672, 880, 945)
SIZE = 224


@pytest.mark.parametrize(("width", "height"), [(600, 480), (600, 60), (60, 600)])
def test_shrinking_averages_stripes_away(width: int, height: int) -> None:
    stripes = np.zeros((height, width, 3), dtype=np.uint8)
    if width > height:
        stripes[:, ::2] = 255
    else:
        stripes[::2] = 255
    small = resize(stripes, 64, 64)
    assert small.shape == (64, 64, 3)
    assert np.abs(small.astype(int) - 127).max() <= 26


@pytest.mark.parametrize(("width", "height"), [(447, 900), (900, 447), (320, 240), (224, 224), (210, 210), (300, 100)])
def test_to_more_than_half_it_is_one_average_or_interpolation(width: int, height: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = image
    if min(width, height) < SIZE < max(width, height):
        expected = cv2.resize(expected, (min(width, SIZE), min(height, SIZE)), interpolation=cv2.INTER_AREA)
    method = cv2.INTER_AREA if min(width, height) >= SIZE else cv2.INTER_LINEAR
    expected = cv2.resize(expected, (SIZE, SIZE), interpolation=method)
    np.testing.assert_array_equal(resize(image, SIZE, SIZE), expected)


@pytest.fixture(scope="module")
def large_frames(shared_data: Path) -> list[npt.NDArray[np.uint8]]:
    """One frame of 1920×1080 and one of 1280×720."""
    videos = ("demo/mmaction2/S001C001P001R001A001_rgb.avi", "robustness/torchcodec/bt709_full_range.mp4")
    return [next(iter(read_frames(shared_data / video, [10]))) for video in videos]


@pytest.mark.parametrize("side", SIDES)
def test_it_is_as_near_to_pillow_s_antialiasing_as_averaging_pixels_is(large_frames, side: int) -> None:
    for frame in large_frames:
        if min(frame.shape[:2]) < side:
            continue
        seen = frame[:side, :side]
        pillow = np.asarray(Pillow.fromarray(seen).resize((SIZE, SIZE), Pillow.Resampling.BILINEAR), int)
        averaged = cv2.resize(seen, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        ours = resize(seen, SIZE, SIZE)
        difference = np.abs(ours - pillow).mean()
        assert difference <= 1.0, "grey levels of 255"
        assert difference <= np.abs(averaged - pillow).mean() + 0.4
        # OpenCV rounds halves up: of whole numbers by four, an eighth of a level each time, and twice at most.
        assert abs((ours - pillow).mean()) <= 0.25


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_flat_fields_stay_flat(side: int, level: int) -> None:
    assert (resize(np.full((side, side + 70, 3), level, np.uint8), SIZE, SIZE) == level).all()


@pytest.mark.parametrize("side", SIDES)
def test_nothing_is_shifted(side: int) -> None:
    """A blob in the middle stays there, and one near a corner where it was, to a twentieth of a pixel."""
    places = (np.arange(side) + 0.5) / side
    for x, y in ((0.5, 0.5), (0.12, 0.87)):
        blob = np.exp(-((places - x) ** 2 + (places[:, None] - y) ** 2) / (2 * 0.025**2))
        small = resize((255 * blob[..., None].repeat(3, 2)).round().astype(np.uint8), SIZE, SIZE)[..., 0]
        weights = small / small.sum(dtype=float)
        centres = np.arange(SIZE) + 0.5
        assert weights.sum(0) @ centres == pytest.approx(x * SIZE, abs=0.05)
        assert weights.sum(1) @ centres == pytest.approx(y * SIZE, abs=0.05)


def test_sides_are_shrunk_by_as_much_as_each_needs(large_frames) -> None:
    frame = large_frames[1][:480, :854]
    ours = resize(frame, 200, 160)
    assert ours.shape == (160, 200, 3)
    assert np.abs(ours.astype(int) - cv2.resize(frame, (200, 160), interpolation=cv2.INTER_AREA)).mean() <= 1.0
