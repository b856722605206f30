import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tmnet_core.config import DataSection
from tmnet_core.data.check import DatasetReport, check_dataset
from tmnet_core.data.inspection import inspect_video
from tmnet_core.errors import DataError


def test_what_a_folder_of_clips_holds(coloured_clips: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    data = DataSection(root=str(coloured_clips), validation_fraction=0.34)
    report = check_dataset(data, tmp_path / "journal.jsonl", workers=2, progress=lambda *done: told.append(done))
    assert report.sound
    assert told[0] == (0, 18)
    assert told[-1] == (18, 18)
    assert [(c.name, c.training, c.validation, c.frames) for c in report.classes] == [
        (name, 4, 2, (12, 12.0, 12)) for name in ("blue", "green", "red")
    ]
    assert report.sizes == {"96×64": 12, "96×80": 6}
    assert report.rates == {"25": 18}
    assert report.seconds == pytest.approx(18 * 12 / 25)
    assert {video.decoded for video in report.videos} == {12}
    assert DatasetReport.model_validate_json(report.model_dump_json()) == report


def test_findings_are_kept_while_the_file_is_the_same(coloured_clips: Path, tmp_path: Path) -> None:
    root = shutil.copytree(coloured_clips, tmp_path / "clips")
    data, journal = DataSection(root=str(root)), tmp_path / "journal.jsonl"
    first = check_dataset(data, journal)
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join([*lines[:-1], lines[-1][:30]]))  # as a call that was killed leaves it
    (root / "red" / "red_2.mp4").write_bytes(b"no longer a video")
    told: list[tuple[int, int]] = []
    second = check_dataset(data, journal, progress=lambda *done: told.append(done))
    assert told == [(16, 18), (17, 18), (18, 18)]
    assert [video.path for video in second.unreadable] == [str(root / "red" / "red_2.mp4")]
    assert not second.sound
    assert second.classes[2].unreadable == 1
    assert [v for v in second.videos if not v.error] == [v for v in first.videos if "red_2" not in v.path]
    # Counting packets is less than decoding: what it found does not do for a full check.
    packets = tmp_path / "packets.jsonl"
    check_dataset(data, packets, decode=False)
    assert None in {video.decoded for video in check_dataset(data, packets, decode=False).videos}
    assert {v.decoded for v in check_dataset(data, packets).videos if not v.error} == {12}


def test_real_files_that_are_broken_or_lie(shared_data: Path, tmp_path: Path) -> None:
    report = check_dataset(DataSection(root=str(shared_data / "robustness")), tmp_path / "journal.jsonl", workers=2)
    assert {Path(v.path).name for v in report.unreadable} == {"empty.mp4", "text_named.avi", "truncated_walk.mp4"}
    assert [(Path(v.path).name, v.lies[0]) for v in report.lying] == [
        ("wrong_frame_count_header_walk.avi", "says 48 frames, has 40")
    ]
    assert [Path(v.path).name for v in report.flawed] == ["one_frame.mp4"]


def test_damaged_frames_are_counted(make_video: Callable[..., Path]) -> None:
    path = make_video("clip.mov", codec="png", pixels="rgb24", frames=10)
    content = bytearray(path.read_bytes())
    header = b"\x89PNG\r\n\x1a\n"
    starts = [i for i in range(len(content)) if content[i : i + 8] == header]
    assert len(starts) == 10
    for start in starts[3:6]:
        content[start : start + 8] = bytes(8)
    path.write_bytes(content)
    assert inspect_video(str(path)).flaws == ["3 of 10 frames are damaged"]
    assert inspect_video(str(path), decode=False).flaws == []


def test_frames_that_the_decoder_patches_over_are_counted(make_video: Callable[..., Path]) -> None:
    path = make_video("clip.avi", codec="mpeg4", frames=40, size=(320, 240))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(range(150)) * 2
    path.write_bytes(content)
    report = inspect_video(str(path))
    assert 0 < report.concealed + report.frames - (report.decoded or 0) < 40
    assert "frames are damaged" in report.flaws[0]


def test_a_data_set_that_cannot_be_used_is_looked_over_all_the_same(
    coloured_clips: Path, put: Callable[..., Path], tmp_path: Path
) -> None:
    root = shutil.copytree(coloured_clips, tmp_path / "clips")
    (root / "empty").mkdir()
    report = check_dataset(DataSection(root=str(root)), tmp_path / "journal.jsonl", decode=False)
    assert report.problems == [f"The class folder {root / 'empty'} has no videos."]
    assert not report.sound
    assert [(c.name, c.frames[0]) for c in report.classes] == [("blue", 12), ("green", 12), ("red", 12)]
    put("bare/notes.txt")
    with pytest.raises(DataError, match="bare holds no videos"):
        check_dataset(DataSection(root=str(tmp_path / "bare")), tmp_path / "journal.jsonl")


def test_lists_say_which_files_they_do_not_name(coloured_clips: Path, tmp_path: Path) -> None:
    root = shutil.copytree(coloured_clips, tmp_path / "clips")
    rows = [
        f"{name}/{name}_{i}.mp4,{name},{'train' if i else 'validation'}" for name in ("red", "blue") for i in range(5)
    ]
    rows += ["red/red_9.mp4,red,train"]
    (root / "split.csv").write_text("\n".join(["path,label,subset", *rows]))
    report = check_dataset(DataSection(root=str(root), missing="skip"), tmp_path / "journal.jsonl", decode=False)
    assert (report.form, report.not_named, len(report.videos)) == ("csv", 8, 11)
    assert [video.error for video in report.unreadable] == [
        f"{root / 'red/red_9.mp4'} cannot be read as a video: there is no such file."
    ]


def test_lists_of_ucf101_that_are_not_complete(tmp_path: Path, make_video: Callable[..., Path]) -> None:
    make_video("clips/v_Class1_g01_c01.avi", frames=2)
    lists = tmp_path / "clips" / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text("\n".join(f"{i} Class{i}" for i in range(1, 102)))
    (lists / "trainlist01.txt").write_text("\n".join(f"Class{i}/v_Class{i}_g08_c01.avi {i}" for i in range(1, 102)))
    (lists / "testlist01.txt").write_text("Class1/v_Class1_g01_c01.avi")
    data = DataSection(root=str(tmp_path / "clips"), missing="skip")
    report = check_dataset(data, tmp_path / "journal.jsonl")
    assert len(report.unreadable) == 101
    assert report.problems[1] == "Split 1 names 101 training and 1 test videos, not the published 9537 and 3783."


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_and_sigkill_leave_no_process_and_lose_nothing(coloured_clips: Path, tmp_path: Path) -> None:
    root, journal = tmp_path / "clips", tmp_path / "journal.jsonl"
    for path in coloured_clips.rglob("*.mp4"):
        (root / path.parent.name).mkdir(parents=True, exist_ok=True)
        for copy in range(15):
            os.link(path, root / path.parent.name / f"{path.stem}_{copy}.mp4")
    command = [sys.executable, "-m", "tmnet_core", "data", "check", str(root), "--journal", str(journal), "--json"]
    seen = 0
    for sent, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        check = subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while (lines := _lines(journal)) < seen + 20:
            assert check.poll() is None
            time.sleep(0.01)
        children = psutil.Process(check.pid).children(recursive=True)
        assert len(children) >= 2
        check.send_signal(sent)
        _, told = check.communicate(timeout=30)
        assert check.returncode == status, told
        assert psutil.wait_procs(children, timeout=20)[1] == []
        seen = lines
    assert b"goes on from here" in told
    done = subprocess.run([*command, "--workers", "2"], capture_output=True, check=True)
    report = DatasetReport.model_validate_json(done.stdout)
    assert report.sound
    assert len(report.videos) == 270
    # Nothing was done twice but what was under way when the process was killed, or only half written.
    assert _lines(journal) <= 270 + 8


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
