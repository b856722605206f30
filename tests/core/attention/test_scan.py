from __future__ import annotations

import json
import threading
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest

from tmnet_core.assets import asset
from tmnet_core.attention.scan import Scan
from tmnet_core.attention.scan_cache import ScanCache
from tmnet_core.attention.scanning import scan_file
from tmnet_core.data.decoding import VideoReader, read_frames
from tmnet_core.errors import SourceError
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch


@pytest.fixture
def opened(make_checkpoint):
    path = make_checkpoint()[0]
    predictor = GlancePredictor.from_file(path, "cpu", "torch")
    yield path, predictor
    predictor.close()


def made_up(answers: str, sure: float = 0.9, rate: float = 10.0) -> Scan:
    """A scan of three classes a, b, c: one letter for each frame that was looked at; capitals are surer."""
    values = np.full((len(answers), 3), (1 - sure) / 2, np.float32)
    for place, letter in enumerate(answers):
        values[place, "abc".index(letter.lower())] = sure + (0.05 if letter.isupper() else 0)
    count = len(answers)
    times = np.arange(count) / rate
    return Scan(("a", "b", "c"), count / rate, np.arange(count) * 3, times, {Branch.FUSED: values}, True)


def parts(scan: Scan) -> list[tuple[str, float, float]]:
    return [(scan.classes[one.index], round(one.start, 2), round(one.end, 2)) for one in scan.segments()]


def test_segments_cover_the_file_and_an_odd_frame_makes_none():
    assert parts(made_up("a" * 20 + "b" * 30 + "c" * 10)) == [("a", 0, 1.95), ("b", 1.95, 4.95), ("c", 4.95, 6.0)]
    assert parts(made_up("a" * 10 + "b" + "a" * 10)) == [("a", 0, 2.1)]
    # Half a second is too short for a part, and goes to a neighbour.
    assert [name for name, _, _ in parts(made_up("a" * 20 + "c" * 5 + "b" * 20))] == ["a", "b"]
    assert parts(made_up("b")) == [("b", 0, 0.1)]


def test_the_best_and_the_worst_frame_are_those_that_are_most_and_least_sure():
    scan = made_up("aaaaAaaaaaaaaaaabbbbbbbbbBbbbb")
    first, second = scan.segments()
    assert first.best == 4 * 3
    assert second.best == 25 * 3
    assert scan.best in (12, 75)
    assert 0.9 < second.probability < 0.95
    hazy = made_up("a" * 10, 0.5)
    joined = Scan(
        scan.classes,
        4.0,
        np.arange(40) * 3,
        np.arange(40) / 10,
        {Branch.FUSED: np.concatenate([scan.answer, hazy.answer])},
        True,
    )
    assert joined.worst >= 90


def test_thirds_and_moments_are_found():
    scan = made_up("a" * 30)
    assert scan.thirds() == [("beginning", 0.0, 1.0), ("middle", 1.0, 2.0), ("ending", 2.0, 3.0)]
    assert scan.at(-1) == 0
    assert scan.at(1.52) == 15
    assert scan.at(99) == 29
    assert made_up("aaabbbbbc").top(2) == [1, 0]


def test_every_nth_frame_is_looked_at_as_a_glance_does(opened, make_video):
    _, predictor = opened
    video = make_video(frames=31, size=(160, 96))
    told, grown = [], []
    scan = scan_file(predictor, video, every=10, progress=lambda *done: told.append(done), grown=grown.append)
    assert scan.frames.tolist() == [0, 10, 20, 30]
    assert scan.complete
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert grown[-1].frames.tolist() == scan.frames.tolist()
    direct = predictor.glance(read_frames(video, [20])[0])
    for branch in Branch:
        np.testing.assert_allclose(scan.probabilities[branch][2], direct.probabilities[branch], atol=1e-5)


def test_a_scan_is_kept_for_the_same_film_and_network_and_for_no_other(opened, make_checkpoint, make_video, tmp_path):
    path, predictor = opened
    video = make_video(frames=20)
    cache = ScanCache(path, tmp_path / "scans")
    first = scan_file(predictor, video, every=5, cache=cache)

    class Blind:
        classes = predictor.classes

        def glance(self, *arguments, **named):
            raise AssertionError("it was to be found")

    moved = tmp_path / "moved.mp4"
    video.rename(moved)
    kept = scan_file(Blind(), moved, every=5, cache=ScanCache(path, tmp_path / "scans"))
    assert kept.complete
    assert kept.classes == first.classes
    np.testing.assert_allclose(kept.answer, first.answer, atol=1e-3)
    with pytest.raises(AssertionError, match="it was to be found"):
        scan_file(Blind(), moved, every=4, cache=cache)
    with pytest.raises(AssertionError, match="it was to be found"):
        scan_file(Blind(), make_video("other.mp4", frames=21), every=5, cache=cache)
    other = make_checkpoint("other.safetensors", half=True)[0]
    with pytest.raises(AssertionError, match="it was to be found"):
        scan_file(Blind(), moved, every=5, cache=ScanCache(other, tmp_path / "scans"))
    for file in (tmp_path / "scans").iterdir():
        file.write_bytes(b"torn")
    assert scan_file(predictor, moved, every=5, cache=cache).complete, "one that is torn is made anew"


def test_a_scan_can_be_stopped_and_is_not_kept_then(opened, make_video, tmp_path):
    path, predictor = opened
    stop = threading.Event()
    cache = ScanCache(path, tmp_path / "scans")
    scan = scan_file(
        predictor,
        make_video(frames=40),
        every=1,
        cache=cache,
        stop=stop,
        progress=lambda done, total: stop.set() if done == 7 else None,
    )
    assert len(scan.frames) == 7
    assert not scan.complete
    assert not (tmp_path / "scans").exists()
    assert scan.segments()[-1].end == scan.times[-1], "what was not looked at has no answer"
    empty = scan_file(predictor, make_video(frames=3), stop=stop)
    assert empty.segments() == []
    assert json.loads(empty.to_json())["frames"] == []


def test_a_video_of_one_frame_is_one_segment_and_a_broken_one_is_named(opened, make_video, tmp_path):
    _, predictor = opened
    scan = scan_file(predictor, make_video(frames=1))
    assert len(scan.segments()) == 1
    assert scan.best == scan.worst == 0
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(SourceError, match=r"text\.mp4"):
        scan_file(predictor, tmp_path / "text.mp4")


def test_the_demos_film_is_told_apart_into_its_actions():
    checkpoint, film = asset("demo/synthetic-people.safetensors"), asset("demo/synthetic-people.mp4")
    predictor = GlancePredictor.from_file(checkpoint, "cpu", "torch")
    scan = scan_file(predictor, film, every=8)
    predictor.close()
    truth = json.loads(film.with_suffix(".json").read_text(encoding="utf-8"))
    segments = scan.segments()
    assert segments[0].start == 0
    assert segments[-1].end == pytest.approx(scan.duration)
    assert all(one.end == later.start for one, later in pairwise(segments))

    def named(seconds: float) -> str:
        return next(scan.classes[one.index] for one in segments if one.start <= seconds < one.end)

    right = [named((one["start"] + one["end"]) / 2) == one["action"] for one in truth]
    assert np.mean(right) > 0.5


def test_a_film_whose_rest_is_damaged_is_no_whole_scan(opened, make_video, tmp_path):
    path, predictor = opened
    video, cache = make_video(frames=40), ScanCache(path, tmp_path / "scans")

    class BreaksOff(VideoReader):
        def read(self):
            got = super().read()
            return got if got is not None and got[0] < 12 else None

    with patch("tmnet_core.attention.scanning.VideoReader", BreaksOff):
        scan = scan_file(predictor, video, every=5, cache=cache)
    assert scan.frames.tolist() == [0, 5, 10]
    assert not scan.complete
    assert scan.segments()[-1].end == scan.times[-1], "of what cannot be read nothing is said"
    assert scan_file(predictor, video, every=5, cache=cache).complete, "half a scan is not kept"
