from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from tmnet_app.training.film_strip import FilmStrip


def test_from_a_folder_of_real_clips_to_a_network_that_looks(
    qtbot, open_window, make_stand_in, runs: Path, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(QApplication, "exit", codes.append)
    clips = tmp_path / "zwei Klassen"
    clips.mkdir()
    for name in ("clap", "wave"):
        (clips / name).symlink_to(shared_data / "jhmdb21" / name, target_is_directory=True)
    small = {
        "model.width": 0.25,
        "start.weights": "none",
        "clip.size": 32,
        "clip.glance_size": 0,
        "schedule.iterations": 4,
        "training.batch_size": 4,
        "training.validate_every": 2,
        "training.key_frames": 1,
        "training.device": "cpu",
    }
    main = open_window(load_model=lambda path: make_stand_in())
    strip = FilmStrip(main, clips, [f"{key}={value}" for key, value in small.items()], tmp_path / "strip.webp")
    qtbot.waitUntil(lambda: bool(codes), timeout=150_000)
    assert codes == [0]
    assert len(strip.pictures) == 4
    with Image.open(tmp_path / "strip.webp") as picture:
        assert picture.size == (2 * 960 + 3 * 16, 2 * 640 + 16)
        # Four different pictures, none of them empty.
        quarters = [picture.crop((x, y, x + 900, y + 540)).convert("L") for x in (20, 1000) for y in (60, 700)]
    assert len({quarter.tobytes() for quarter in quarters}) == 4
    assert all(low < high for low, high in (quarter.getextrema() for quarter in quarters))
