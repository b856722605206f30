import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from tmnet_core.config import DataSection
from tmnet_core.data import fingerprints
from tmnet_core.data.annotations import LabelledVideo, VideoDataset, folder_of_classes
from tmnet_core.data.clip_sources import open_clip_sources
from tmnet_core.data.clips import ChosenClips, VideoClips
from tmnet_core.data.fingerprints import Fingerprints


def write_files(folder: Path, count: int) -> VideoClips:
    """Files of one size whose beginnings and ends are alike, as those of an encoder may be."""
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / ("run", "wave")[number % 2] / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(100_000) + rng.bytes(50) + bytes(100_000))
    return VideoClips(folder_of_classes(folder))


def parts_of(path: Path, *parts: tuple[float, float | None]) -> VideoClips:
    videos = tuple(LabelledVideo(path, 0, "film", start, end) for start, end in parts)
    return VideoClips(VideoDataset(path.parent, ("run", "wave"), videos))


def test_files_are_known_under_any_name_and_by_their_content_alone(tmp_path: Path) -> None:
    clips = write_files(tmp_path / "clips", 6)
    known = Fingerprints.of(ChosenClips(clips, [0, 1, 4]))
    assert known is not None
    assert len(known) == 3
    moved = tmp_path / "moved"
    for index in range(6):
        path = moved / ("a", "b")[index % 2] / f"other {5 - index}.avi"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clips.dataset.videos[index].path, path)
    again = VideoClips(folder_of_classes(moved))
    names = [again.dataset.videos[index].path.stem for index in known.found_in(again)]
    assert sorted(names) == ["other 1", "other 4", "other 5"]
    path = again.dataset.videos[known.found_in(again)[0]].path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert len(known.found_in(again)) == 2
    path.unlink()
    assert len(known.found_in(again)) == 2


def test_they_come_back_from_a_header_and_add_up(tmp_path: Path) -> None:
    clips = write_files(tmp_path, 5)
    first, second = Fingerprints.of(ChosenClips(clips, [0, 1])), Fingerprints.of(ChosenClips(clips, [1, 2]))
    part = Fingerprints.of(parts_of(clips.dataset.videos[3].path, (0.0, 2.0), (5.0, None)))
    assert first is not None
    assert second is not None
    assert part is not None
    both = Fingerprints.model_validate_json((first | second | part).model_dump_json())
    assert len(both) == 5
    assert both.found_in(clips) == [0, 1, 2, 3]
    assert both == first | second | part | both
    # An eighth of a hundred bytes a clip, so that those of 100,000 clips are a header of a megabyte.
    assert len(first.whole) <= 24


@pytest.mark.parametrize(
    ("start", "end", "seen"),
    [(0.0, 1.0, False), (0.0, 1.5, True), (2.0, 5.0, False), (6.0, 7.0, True), (0.0, None, True), (1.2, 1.3, True)],
)
def test_parts_of_a_file_are_known_where_they_overlap(
    tmp_path: Path, start: float, end: float | None, seen: bool
) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(1000))
    known = Fingerprints.of(parts_of(path, (1.0, 2.0), (5.0, None)))
    assert known is not None
    assert known.found_in(parts_of(path, (start, end))) == [0] * seen


def test_rendered_clips_are_no_files_and_too_many_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered, _ = open_clip_sources(DataSection(root="synthetic-people", synthetic_clips=24))
    assert Fingerprints.of(rendered) == Fingerprints()
    clips = write_files(tmp_path, 4)
    monkeypatch.setattr(fingerprints, "MOST_CLIPS", 3)
    assert Fingerprints.of(clips) is None


@pytest.mark.parametrize("whole", ["no base64!", "AAAA", "A" * 8_000_000])
def test_damaged_ones_are_refused(whole: str) -> None:
    with pytest.raises(ValidationError):
        Fingerprints(whole=whole)


def test_the_same_video_written_twice_is_two_files(make_video: Callable[..., Path]) -> None:
    """Encoding again, in whatever way, makes another file: this is told in the documentation."""
    one, other = make_video("a.mp4", frames=20), make_video("b.mp4", frames=20, options={"crf": "35"})
    assert fingerprints.hash_file(one) != fingerprints.hash_file(other)
