"""Every kind of seek lands on the frame asked for: numbers drawn into made files come back right."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate, cycle, islice
from pathlib import Path

import numpy as np
import pytest

from tmnet_core.live.sources import VideoFileSource

MakeVideo = Callable[..., Path]
ReadBarCode = Callable[[np.ndarray], int]

FRAMES = 40
_RATES: dict[str, Fraction | int] = {
    "1 fps": 1,
    "7 fps": 7,
    "12.5 fps": Fraction(25, 2),
    "15.01 fps": Fraction(1501, 100),
    "23.976 fps": Fraction(24000, 1001),
    "29.97 fps": Fraction(30000, 1001),
    "33.3 fps": Fraction(333, 10),
    "48 fps": 48,
    "59.94 fps": Fraction(60000, 1001),
    "240 fps": 240,
}
_KINDS: dict[str, dict[str, object]] = {
    "b-frames": {"options": {"g": "12", "bf": "3"}},
    "one key frame": {"options": {"g": "9999", "bf": "0", "sc_threshold": "0"}},
    "one key frame, b-frames": {"options": {"g": "9999", "bf": "2", "sc_threshold": "0"}},
    "variable rate": {
        "options": {"g": "10"},
        "times": list(accumulate(islice(cycle([0.033, 0.012, 0.41, 0.033, 0.087]), FRAMES - 1), initial=0.0)),
    },
    "turned 90": {"rotation": 90},
    "turned 180": {"rotation": 180, "options": {"bf": "2"}},
    "turned 270": {"rotation": 270},
}
# Near and far, ahead and back, to both ends, to the same frame again, and the next after each.
_SEEKS = (0, 39, 0, 5, 6, 30, 29, 28, 28, 11, 12, 35, 2, 38, 20)


def _check(path: Path, read_bar_code: ReadBarCode, quarter_turns: int = 0) -> None:
    source = VideoFileSource(path)
    assert source.frames == FRAMES
    for index in _SEEKS:
        source.seek(index)
        for expected in (index, index + 1):
            frame = source.read()
            if expected == FRAMES:
                assert frame is None
                continue
            assert (frame.index, frame.time) == (expected, source.times[expected])
            assert read_bar_code(np.rot90(frame.image, quarter_turns)) == expected
    # A step back is a seek to the frame before the one that was read.
    for index in range(25, 5, -1):
        source.seek(index)
        assert read_bar_code(np.rot90(source.read().image, quarter_turns)) == index
    source.close()


@pytest.mark.parametrize("rate", _RATES)
def test_at_odd_frame_rates(rate: str, make_video: MakeVideo, read_bar_code: ReadBarCode) -> None:
    path = make_video(frames=FRAMES, fps=_RATES[rate], options={"g": "15", "bf": "2"})
    _check(path, read_bar_code)
    source = VideoFileSource(path)
    assert source.fps == pytest.approx(float(_RATES[rate]), rel=1e-3)
    source.close()


# What writes these files does not store a rotation in Matroska.
@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, "clip.mp4") for kind in _KINDS]
    + [(kind, "clip.mkv") for kind, settings in _KINDS.items() if "rotation" not in settings],
)
def test_whatever_the_file_is_like(kind: str, name: str, make_video: MakeVideo, read_bar_code: ReadBarCode) -> None:
    settings = _KINDS[kind]
    path = make_video(name, frames=FRAMES, **settings)
    source = VideoFileSource(path)
    wanted = settings.get("times")
    if wanted:
        assert source.times == pytest.approx(wanted, abs=2e-3)
    source.close()
    # The pictures come upright, as the rotation says; turned back they are as they were drawn.
    _check(path, read_bar_code, -int(settings.get("rotation", 0)) // 90)
