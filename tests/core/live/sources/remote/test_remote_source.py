from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import psutil
import pytest

from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.frames import Frame
from tmnet_core.live.player import PlaybackState, Player
from tmnet_core.live.slot import LatestSlot
from tmnet_core.live.sources import VideoFileSource, read_pattern_number
from tmnet_core.live.sources.remote import Limits, ReaderPool, ReaderProcess, RemoteSource
from tmnet_core.live.sources.remote.ring import FrameRing

FAULTY = "tmnet_core.benchmarks.robustness.faulty_reader"
_PATIENCE = 60.0

MakeVideo = Callable[..., Path]


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., RemoteSource]]:
    """A function that makes a remote source, not yet open; the test closes nothing itself."""
    made: list[RemoteSource] = []
    memory: list[FrameRing] = []
    create = FrameRing.create
    monkeypatch.setattr(FrameRing, "create", lambda size: memory.append(create(size)) or memory[-1])

    def make(spec: str, *, limits: Limits | None = None) -> RemoteSource:
        made.append(RemoteSource(spec, lambda: ReaderProcess(FAULTY), limits=limits))
        return made[-1]

    yield make
    for source in made:
        source.close()
    for ring in memory:
        with pytest.raises(FileNotFoundError):
            SharedMemory(ring.name)


Remote = Callable[..., RemoteSource]


def test_frames_are_those_of_the_file(make_video: MakeVideo, remote: Remote) -> None:
    path = make_video("schräg 1.mp4", frames=12, size=(120, 64), rotation=90)
    here, there = VideoFileSource(path), remote(str(path))
    there.open()
    for name in ("title", "live", "width", "height", "fps", "frames", "times"):
        assert getattr(there, name) == getattr(here, name)
    for source in (here, there):
        source.seek(3)
    for seek in (None, 9, 2, 3, 11):
        if seek is not None:
            here.seek(seek)
            there.seek(seek)
        mine, other = here.read(), there.read()
        assert (mine.index, mine.time) == (other.index, other.time)
        assert np.array_equal(mine.image, other.image)
        assert other.image.flags.owndata
        assert time.perf_counter() - 1.0 < other.captured <= time.perf_counter()
    assert there.read() is None
    here.close()
    with pytest.raises(IndexError):
        there.seek(12)


def test_what_cannot_be_opened_is_refused_as_here(tmp_path: Path, remote: Remote) -> None:
    source = remote(str(tmp_path / "none.mp4"))
    with pytest.raises(SourceError) as caught:
        source.open()
    assert str(caught.value) == f"{tmp_path / 'none.mp4'} cannot be read as a video: there is no such file."
    assert not isinstance(caught.value, SourceLostError)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("abort", "its reader crashed (SIGABRT)"),
        ("segfault", "its reader crashed (SIGSEGV)"),
        ("exit", "its reader crashed (exit status 3)"),
        ("hang", "its reader hung and was ended"),
        ("stop", "its reader hung and was ended"),
        ("raise", "Test pattern cannot be read: on purpose."),
        ("memory", "Test pattern cannot be read: there is not enough memory."),
        ("babble", "its reader crashed"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
def test_a_reader_that_dies_or_hangs_is_told_of(fault: str, sentence: str, remote: Remote) -> None:
    limits = Limits(read=60.0, silence=1.5) if fault == "stop" else Limits(read=1.0)
    source = remote(f"faulty:{fault}@2:pattern:64x48@30#10", limits=limits)
    source.open()
    assert [source.read().index, source.read().index] == [0, 1]
    with pytest.raises(SourceLostError) as caught:
        source.read()
    assert sentence in str(caught.value)
    if fault == "abort":
        assert "faulty_reader.py" in "".join(caught.value.__notes__)


def test_pictures_may_change_their_size(remote: Remote) -> None:
    source = remote("faulty:shrink@1:pattern:64x48@30#4")
    source.open()
    shapes = [frame.image.shape[:2] for frame in iter(source.read, None)]
    assert shapes == [(48, 64), (7, 5), (48, 64), (48, 64)]


def test_pictures_may_grow(tmp_path: Path, remote: Remote) -> None:
    from tmnet_core.live.sources import PatternSource
    from tmnet_core.opencv import cv2

    for number, size in enumerate(("64x48", "320x240", "32x32", "640x480")):
        pattern = PatternSource(f"pattern:{size}")
        pattern.seek(number)
        cv2.imwrite(str(tmp_path / f"{number}.png"), pattern.read().image)
    source = remote(str(tmp_path))
    source.open()
    frames = list(iter(source.read, None))
    assert [read_pattern_number(frame.image) for frame in frames] == [0, 1, 2, 3]
    assert [frame.image.shape[1] for frame in frames] == [64, 320, 32, 640]


def test_opening_and_reading_can_be_interrupted(remote: Remote) -> None:
    source = remote("faulty:hang@1:pattern:64x48@30#4")
    source.open()
    assert source.read().index == 0
    threading.Timer(0.2, source.interrupt).start()
    with pytest.raises(SourceLostError, match="was let go of"):
        source.read()


def test_a_reader_ends_with_whoever_started_it(remote: Remote) -> None:
    process = ReaderProcess()
    reader = psutil.Process(process.pid)
    process._process.stdin.close()
    assert psutil.wait_procs([reader], timeout=_PATIENCE)[1] == []
    process.close()


def test_a_player_goes_on_after_its_reader_crashed() -> None:
    """A file whose frame 4 always kills its reader is played without it, and its other frames all come."""
    slot: LatestSlot[Frame] = LatestSlot()
    player = Player(
        lambda: RemoteSource("faulty:abort@4:pattern:64x48@100#9", lambda: ReaderProcess(FAULTY)),
        slot,
        back_off=(0.01,),
    )
    player.every_frame = True
    player.start()
    seen = []
    while player.state is not PlaybackState.ENDED or slot.peek() is not None:
        frame = slot.take(0.1)
        if frame is not None:
            seen.append(read_pattern_number(frame.image))
        assert player.state is not PlaybackState.FAILED, player.error
    assert seen == [0, 1, 2, 3, 5, 6, 7, 8]
    assert player.losses == 2
    player.close()


def test_a_spare_process_waits_and_is_replaced() -> None:
    pool = ReaderPool()
    pool.prepare()
    first = pool._spare
    source = pool.open("pattern:64x48")
    source.open()
    assert source._process is first
    assert pool._spare is None
    source.read()
    assert pool._spare is not None
    pool._spare.kill()
    psutil.wait_procs([psutil.Process(pool._spare.pid)], timeout=_PATIENCE)
    other = pool.open("pattern:64x48")
    other.open()
    assert other.read().index == 0
    for thing in (source, other, pool):
        thing.close()
    pool.prepare()
    assert pool._spare is None
