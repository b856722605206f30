from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tmnet_core.attention.recording import MovieWriter, RecordingError
from tmnet_core.data.decoding import VideoReader, probe, read_frames

RNG = np.random.default_rng(0)


def noise(width: int = 64, height: int = 48) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


def test_every_picture_is_written_at_its_time(tmp_path):
    times = [0.0, 0.04, 0.05, 0.05, 0.3, 1.7]
    with MovieWriter(tmp_path / "film.mp4", (64, 48), 25) as writer:
        for grey, seconds in enumerate(times):
            writer.write(np.full((48, 64, 3), 40 * grey, np.uint8), seconds)
        assert not (tmp_path / "film.mp4").exists()
        assert writer.finish() == tmp_path / "film.mp4"
    assert writer.frames == probe(tmp_path / "film.mp4").frames == len(times)
    with VideoReader(tmp_path / "film.mp4") as reader:
        assert reader.times == pytest.approx(times, abs=1e-3)
    greys = read_frames(tmp_path / "film.mp4", range(len(times))).mean(axis=(1, 2, 3))
    assert greys == pytest.approx([40 * grey for grey in range(len(times))], abs=4)
    assert not writer.unfinished.exists()


def test_what_is_not_finished_plays_under_another_name_and_replaces_nothing(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"the old one")
    with pytest.raises(ZeroDivisionError), MovieWriter(tmp_path / "film.mp4", (64, 48), 25) as writer:
        for _ in range(30):
            writer.write(noise())
        raise ZeroDivisionError
    assert (tmp_path / "film.mp4").read_bytes() == b"the old one"
    assert probe(tmp_path / "film.part.mp4").frames == 30
    writer.discard()
    assert not (tmp_path / "film.part.mp4").exists()


def test_a_file_of_the_unfinished_name_is_somebody_s_and_stays(tmp_path):
    (tmp_path / "film.part.mp4").write_bytes(b"kept from a full disk, or the very video that is read")
    with MovieWriter(tmp_path / "film.mp4", (64, 48), 25) as writer:
        writer.write(noise())
        writer.finish()
    assert (tmp_path / "film.part.mp4").read_bytes().startswith(b"kept")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["film.mp4", "film.part.mp4"]


def test_one_picture_makes_a_film(tmp_path):
    with MovieWriter(tmp_path / "film.mp4", (64, 48), 25) as writer:
        writer.write(noise())
        writer.finish()
    assert probe(tmp_path / "film.mp4").frames == 1


def test_on_a_full_disk_what_was_written_plays(tmp_path):
    # A limit on the size of files stands for the disk's end: the write fails in the same way, with another errno.
    program = """
import resource, sys
from pathlib import Path
import numpy as np
from tmnet_core.attention.recording import MovieWriter, RecordingError
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
rng = np.random.default_rng(0)
try:
    with MovieWriter(Path(sys.argv[1]), (160, 120), 10) as writer:
        for _ in range(300):
            writer.write(rng.integers(0, 256, (120, 160, 3), np.uint8))
except RecordingError as error:
    print(error)
"""
    film = tmp_path / "film.mp4"
    done = subprocess.run([sys.executable, "-c", program, str(film)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    plays = probe(tmp_path / "film.part.mp4").frames
    assert plays >= 10, "whole seconds"
    expected = f"{film} cannot be written on: file too large; {plays} frames of it play, in film.part.mp4"
    assert done.stdout.strip() == expected
    assert not film.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(RecordingError, match=r"absent/film\.mp4 cannot be written: no such file or directory"):
        MovieWriter(tmp_path / "absent" / "film.mp4", (64, 48), 25)
    with pytest.raises(ValueError, match="both sides have to be even"):
        MovieWriter(tmp_path / "film.mp4", (63, 48), 25)
