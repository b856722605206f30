import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tmnet_core.config import DataSection
from tmnet_core.data.preview import ClassCount, preview_dataset


def test_classes_lengths_and_frames(coloured_clips: Path) -> None:
    data = DataSection(root=str(coloured_clips), validation_fraction=0.34)
    found = preview_dataset(data, probes=7, samples=3, short_side=48)
    assert found.usable
    assert found.classes == tuple(ClassCount(name, 4, 2) for name in ("blue", "green", "red"))
    assert found.videos == (12, 6)
    assert found.lengths == (12,) * 7
    assert found.problems == ()
    assert found.split == "split by source, seed 0"
    # A class's second video comes after every class's first.
    assert [sample.class_name for sample in found.samples] == ["blue", "green", "red"]
    assert [np.argmax(sample.picture.mean((0, 1))) for sample in found.samples] == [2, 1, 0]
    assert [sample.picture.shape for sample in found.samples] == [(48, 72, 3), (48, 58, 3), (48, 72, 3)]


def test_what_is_wrong_is_told_and_not_raised(
    coloured_clips: Path, make_video: Callable[..., Path], tmp_path: Path
) -> None:
    assert preview_dataset(DataSection()).problems == ("No folder is chosen.",)
    nowhere = preview_dataset(DataSection(root=str(tmp_path / "nowhere")))
    assert not nowhere.usable
    assert nowhere.problems == (f"The data folder {tmp_path / 'nowhere'} does not exist.",)

    root = tmp_path / "clips"
    shutil.copytree(coloured_clips, root)
    for path in (root / "green").iterdir():
        path.write_bytes(b"no video")
    shutil.rmtree(root / "red")
    make_video("clips/red/still.mp4", frames=1)
    found = preview_dataset(DataSection(root=str(root)))
    assert found.usable
    assert any("No validation videos of 'red'" in problem for problem in found.problems)
    assert sum("it is not a video" in problem for problem in found.problems) == found.classes[1].training
    assert any("have a single frame" in problem for problem in found.problems)


def test_a_look_can_be_ended(coloured_clips: Path) -> None:
    found = preview_dataset(DataSection(root=str(coloured_clips)), cancelled=lambda: True)
    assert found.usable
    assert found.looked_into == found.samples == ()


def test_rendered_people_have_a_preview(coloured_clips: Path) -> None:
    found = preview_dataset(DataSection(root="synthetic-people", synthetic_clips=120), samples=2)
    assert found.videos == (120, 36)
    assert len(found.samples) == 2
    assert found.samples[0].picture.shape == (120, 160, 3)


def test_a_look_needs_neither_torch_nor_qt() -> None:
    code = "import sys, tmnet_core.data.preview; sys.exit(bool({'torch', 'PySide6'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
