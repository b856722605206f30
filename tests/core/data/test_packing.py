import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from tmnet_core.config import DataSection
from tmnet_core.data.annotations import VideoDataset, folder_of_classes
from tmnet_core.data.clips import VideoClips
from tmnet_core.data.decoding import VideoReader, read_frames
from tmnet_core.data.packed_frames import FRAMES_FILE, INDEX_FILE, PackedFrames, PackHeader, default_pack, read_index
from tmnet_core.data.packing import pack_dataset
from tmnet_core.data.resizing import shrink
from tmnet_core.errors import DataError, SourceError
from tmnet_core.holder import Holder

RAW = PackHeader(encoding="raw", quality=0, short_side=48)
ReadBarCode = Callable[[np.ndarray], int]


@pytest.fixture
def clips(coloured_clips: Path, tmp_path: Path) -> DataSection:
    return DataSection(root=str(shutil.copytree(coloured_clips, tmp_path / "clips")))


def dataset(data: DataSection) -> VideoDataset:
    return folder_of_classes(Path(data.root))


def packed(data: DataSection) -> PackedFrames:
    return PackedFrames(default_pack(Path(data.root)))


def read(frames: PackedFrames, root: Path, path: Path, indices: list[int]) -> np.ndarray:
    video = frames.find(root, path)
    assert video is not None
    return frames.read(video, indices)


def test_raw_frames_are_the_shrunk_frames_of_the_files(clips: DataSection) -> None:
    told: list[tuple[int, int]] = []
    report = pack_dataset(clips, RAW, workers=2, progress=lambda *done: told.append(done))
    assert (report.videos, report.packed, report.frames, report.unreadable) == (18, 18, 216, ())
    assert told == [(done, 18) for done in range(19)]
    frames = packed(clips)
    for video in dataset(clips).videos:
        found = read(frames, Path(clips.root), video.path, [11, 0, 3, 3])
        assert np.array_equal(found, shrink(read_frames(video.path, [11, 0, 3, 3]), 48))
    assert report.size == (default_pack(Path(clips.root)) / FRAMES_FILE).stat().st_size
    frames.close()


def test_jpegs_are_nearly_those_frames_and_much_smaller(clips: DataSection, make_video: Callable[..., Path]) -> None:
    make_video("clips/blue/large.mp4", size=(400, 300), frames=5)
    report = pack_dataset(clips, PackHeader())
    frames = packed(clips)
    for video in dataset(clips).videos:
        exact = shrink(read_frames(video.path, [0, 4]), 256)
        found = read(frames, Path(clips.root), video.path, [0, 4])
        assert found.shape == exact.shape
        assert np.abs(found.astype(int) - exact).mean() < 8  # the clips are mostly noise
        assert np.abs(found.mean((0, 1, 2)) - exact.mean((0, 1, 2))).max() < 1.5  # no colour is swapped
    assert report.size < 0.5 * sum(v.frames * v.height * v.width * 3 for v in frames.videos.values())
    frames.close()


@pytest.mark.parametrize("header", [PackHeader(quality=95), PackHeader(encoding="raw", quality=0)])
def test_any_frame_is_the_one_of_that_number_and_time(
    tmp_path: Path, make_video: Callable[..., Path], read_bar_code: ReadBarCode, header: PackHeader
) -> None:
    path = make_video("clips/a.mp4", frames=40, times=[0.04 * i + 0.5 * (i > 20) for i in range(40)])
    pack_dataset(DataSection(root=str(tmp_path / "clips")), header)
    frames = PackedFrames(tmp_path / "clips.packed")
    video = frames.find(tmp_path / "clips", path)
    assert video is not None
    order = np.random.default_rng(0).permutation(40).tolist()
    assert [read_bar_code(picture) for picture in frames.read(video, order)] == order
    with VideoReader(path) as reader:
        assert frames.times(video).tolist() == reader.times
    frames.close()


def test_damaged_frames_have_stand_ins_and_unreadable_videos_are_told(
    tmp_path: Path, make_video: Callable[..., Path], read_bar_code: ReadBarCode
) -> None:
    path = make_video("clips/a.mov", codec="png", pixels="rgb24", frames=10)
    content = path.read_bytes()
    starts = [found.start() for found in re.finditer(b"\x89PNG\r\n", content)]
    for index in (0, 3, 4, 9):
        content = content[: starts[index]] + bytes(8) + content[starts[index] + 8 :]
    path.write_bytes(content)
    (tmp_path / "clips" / "b.mp4").write_bytes(b"no video")
    data = DataSection(root=str(tmp_path / "clips"))
    report = pack_dataset(data, RAW)
    assert [sentence.partition(" cannot")[0] for sentence in report.unreadable] == [str(tmp_path / "clips/b.mp4")]
    frames = packed(data)
    found = read(frames, tmp_path / "clips", path, list(range(10)))
    assert [read_bar_code(picture) for picture in found] == [1, 1, 2, 5, 5, 5, 6, 7, 8, 8]
    with pytest.raises(SourceError, match="it is not a video"):
        read(frames, tmp_path / "clips", tmp_path / "clips" / "b.mp4", [0])
    frames.close()
    # It is not tried again before it changes.
    assert pack_dataset(data, RAW).unreadable == report.unreadable
    shutil.copy(make_video("good.mp4", frames=3), tmp_path / "clips" / "b.mp4")
    assert pack_dataset(data, RAW).unreadable == ()


def test_damaged_jpegs_are_told(clips: DataSection) -> None:
    pack_dataset(clips, PackHeader())
    file = default_pack(Path(clips.root)) / FRAMES_FILE
    content = file.read_bytes()
    file.write_bytes(content.replace(b"\xff\xd8\xff", bytes(3)))
    frames = packed(clips)
    with pytest.raises(SourceError, match=r"blue_0\.mp4 in .* are damaged; pack them anew"):
        read(frames, Path(clips.root), dataset(clips).videos[0].path, [0])
    frames.close()


def test_only_what_changed_is_packed_again(clips: DataSection, make_video: Callable[..., Path]) -> None:
    pack_dataset(clips, RAW)
    assert pack_dataset(clips, RAW).packed == 0
    root = Path(clips.root)
    make_video("clips/blue/blue_3.mp4", frames=4)
    (root / "red" / "red_1.mp4").unlink()
    assert packed(clips).find(root, root / "blue" / "blue_3.mp4") is None
    assert packed(clips).find(root, root / "red" / "red_1.mp4") is None
    assert packed(clips).find(root, root / "red" / "red_2.mp4") is not None
    report = pack_dataset(clips, RAW)
    assert (report.videos, report.packed) == (17, 1)
    frames = packed(clips)
    assert len(read(frames, root, root / "blue" / "blue_3.mp4", [0, 3])) == 2
    frames.close()
    with pytest.raises(DataError, match="as raw pixels, short side 48, not as JPEG 90, short side 256; --fresh"):
        pack_dataset(clips, PackHeader())
    assert pack_dataset(clips, PackHeader(), fresh=True).packed == 17


def test_a_moved_data_set_takes_its_frames_along(clips: DataSection, tmp_path: Path) -> None:
    pack_dataset(clips, RAW)
    moved = tmp_path / "elsewhere" / "clips"
    moved.parent.mkdir()
    Path(clips.root).rename(moved)
    default_pack(Path(clips.root)).rename(default_pack(moved))
    frames = PackedFrames(default_pack(moved))
    assert all(frames.find(moved, video.path) for video in folder_of_classes(moved).videos)


def test_what_was_torn_is_packed_again(clips: DataSection) -> None:
    """As after a power cut: the last line is half there, and blocks that no line names yet follow the last."""
    pack_dataset(clips, RAW)
    folder = default_pack(Path(clips.root))
    whole = (folder / FRAMES_FILE).read_bytes()
    lines = (folder / INDEX_FILE).read_bytes().splitlines(keepends=True)
    (folder / INDEX_FILE).write_bytes(b"".join(lines[:10]) + lines[10][:25])
    report = pack_dataset(clips, RAW)
    assert (report.videos, report.packed) == (18, 9)
    assert (folder / FRAMES_FILE).read_bytes() == whole
    assert (folder / INDEX_FILE).read_bytes() == b"".join(lines)
    # A file that is shorter than its index says is told, video by video.
    os.truncate(folder / FRAMES_FILE, len(whole) // 2)
    frames = packed(clips)
    with pytest.raises(SourceError, match="is shorter than its index says"):
        read(frames, Path(clips.root), list(dataset(clips).videos)[-1].path, [0])
    frames.close()


def test_an_index_that_is_none(tmp_path: Path) -> None:
    assert read_index(tmp_path) is None
    with pytest.raises(DataError, match="holds no packed frames; tmnet data pack makes them"):
        PackedFrames(tmp_path)
    (tmp_path / INDEX_FILE).write_text('{"format": "another"}\n')
    with pytest.raises(DataError, match=r"index\.jsonl is not the index of frames that this version packs"):
        PackedFrames(tmp_path)


def test_two_do_not_pack_into_one_folder(clips: DataSection) -> None:
    folder = default_pack(Path(clips.root))
    folder.mkdir()
    lock, me = folder / "lock", Holder.me()
    for holder, refusal in (
        (me.model_dump_json(), rf"^Process {os.getpid()} is packing into .*packed\.$"),
        # The same number on a machine that shares the disk: it may well run.
        (
            me.model_copy(update={"host": "other"}).model_dump_json(),
            rf"^Process {os.getpid()} of the machine other is packing into .*; if it no longer is, remove .*lock\.$",
        ),
        ("", r"^Some process seems to be packing into .*; if none is, remove .*lock\.$"),
    ):
        lock.write_text(holder)
        with pytest.raises(DataError, match=refusal):
            pack_dataset(clips, RAW)
        assert lock.read_text() == holder
    lock.write_text(me.model_copy(update={"created": me.created - 100}).model_dump_json())  # the number went on
    (folder / "parts-left").mkdir()
    pack_dataset(clips, RAW)
    assert {path.name for path in folder.iterdir()} == {FRAMES_FILE, INDEX_FILE}


def test_a_csv_file_packs_what_it_names(clips: DataSection, tmp_path: Path) -> None:
    rows = ["clips/red/red_0.mp4,a,0,0.2", "clips/red/red_0.mp4,b,0.2,", "clips/blue/blue_0.mp4,a,,"]
    rows.append("clips/blue/blue_1.mp4,b,,")
    (tmp_path / "list.csv").write_text("\n".join(["path,label,start,end", *rows]))
    report = pack_dataset(DataSection(root=str(tmp_path / "list.csv"), packed=str(tmp_path / "out")), RAW)
    assert (report.videos, report.folder) == (3, tmp_path / "out")
    assert report.frames == 3 * VideoClips(dataset(clips)).frames(0)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")
def test_killed_interrupted_or_out_of_disk_it_goes_on(coloured_clips: Path, tmp_path: Path) -> None:
    root = tmp_path / "clips"
    for path in coloured_clips.rglob("*.mp4"):
        (root / path.parent.name).mkdir(parents=True, exist_ok=True)
        for copy in range(10):
            os.link(path, root / path.parent.name / f"{path.stem}_{copy}.mp4")
    folder = default_pack(root)
    frames = folder / FRAMES_FILE
    command = [sys.executable, "-m", "tmnet_core", "data", "pack", str(root), "--raw", "--workers", "2"]
    for sent, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        before = frames.stat().st_size if frames.exists() else 0
        pack = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while not frames.exists() or frames.stat().st_size < before + 2**21:
            assert pack.poll() is None
            time.sleep(0.01)
        children = psutil.Process(pack.pid).children(recursive=True)
        pack.send_signal(sent)
        _, told = pack.communicate(timeout=30)
        assert pack.returncode == status, told
        assert psutil.wait_procs(children, timeout=20)[1] == []
    index = read_index(folder)
    assert index is not None
    assert 0 < len(index.videos) < 180

    def small_disk() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = frames.stat().st_size + 2**20
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    full = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_disk, check=False)
    assert full.returncode == 1
    assert full.stderr.strip() == f"tmnet: {folder}: File too large"

    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "2160 frames of 180 videos" in done.stdout.replace("\n", " ")
    packed = PackedFrames(folder)
    for video in folder_of_classes(root).videos[::16]:
        assert np.array_equal(read(packed, root, video.path, [2, 9]), read_frames(video.path, [2, 9]))
    packed.close()
