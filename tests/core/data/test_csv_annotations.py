from collections.abc import Callable
from pathlib import Path

import pytest

from tmnet_core.data.annotations import VideoDataset
from tmnet_core.data.csv_annotations import csv_split
from tmnet_core.errors import DataError


def write(file: Path, *rows: str, header: str = "path,label,subset") -> Path:
    file.write_text("\n".join([header, *rows]), encoding="utf-8-sig")
    return file


def read(file: Path, **options: bool) -> tuple[VideoDataset, VideoDataset]:
    return csv_split(file, file.parent, 0.5, 0, **options)


def test_subsets_that_the_file_names(put: Callable[..., Path]) -> None:
    root = put("a/1.mp4", "a/2.mp4", "b/1.mp4", "b/2.mp4")
    file = write(root / "list.csv", "a/1.mp4,walk,train", "a/2.mp4,walk,validation", "b/1.mp4,run,train")
    training, validation = read(file)
    assert training.classes == validation.classes == ("run", "walk")
    assert [(v.path.parent.name, v.label) for v in training.videos] == [("a", 1), ("b", 0)]
    assert [v.path for v in validation.videos] == [root / "a/2.mp4"]
    assert all(video.whole for video in training.videos)


def test_parts_in_seconds_and_absolute_paths(put: Callable[..., Path], tmp_path: Path) -> None:
    put("films/long.mp4", "films/other.mp4")
    rows = ["films/long.mp4,walk,,2.5", "films/long.mp4,run,2.5,", f"{tmp_path / 'films/other.mp4'},run,0,1e1"]
    rows += ["films/other.mp4,walk,10,12"]
    sides = read(write(tmp_path / "list.csv", *rows, header="path,label,start,end"))
    videos = [video for side in sides for video in side.videos]
    assert {(v.path.name, v.label, v.start, v.end) for v in videos} == {
        ("long.mp4", 1, 0.0, 2.5),
        ("long.mp4", 0, 2.5, None),
        ("other.mp4", 0, 0.0, 10.0),
        ("other.mp4", 1, 10.0, 12.0),
    }
    # Parts of one film look alike: they stay on one side.
    assert {len({video.path for video in side.videos}) for side in sides} == {1}


def test_a_named_source_keeps_files_together(put: Callable[..., Path], tmp_path: Path) -> None:
    names = [f"{label}{number}.mp4" for label in ("walk", "run") for number in range(6)]
    put(*names)
    rows = [f"{name},{name[:-5]},{'home' if int(name[-5]) < 3 else name[-5]}" for name in names]
    sides = read(write(tmp_path / "list.csv", *rows, header="path,label,source"))
    at_home = [{int(video.path.stem[-1]) < 3 for video in side.videos} for side in sides]
    assert {True} & at_home[0] != {True} & at_home[1]


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ([], "names no videos"),
        (["a/1.mp4,walk,test"], "unknown subset 'test' in row 1"),
        (["a/1.mp4,walk,train", "a/9.mp4,run,train"], "names a/9.mp4, which does not exist\\."),
        (
            ["a/8.mp4,walk,train", "a/9.mp4,run,train"],
            "names a/8.mp4, which does not exist .2 files are missing in all",
        ),
        (["a/1.mp4,walk,train", "a/1.mp4,run,validation"], "names a/1.mp4 twice"),
        (["a/1.mp4,walk,train", "a/2.mp4,run,validation"], "no training videos of 'run'"),
        (["a/1.mp4,walk,train", "a/2.mp4,run,train"], "no validation videos"),
        (["a/1.mp4,walk,train", "a/2.mp4"], "unknown subset '' in row 2"),
        (["a/1.mp4,,train"], "no path or no label in row 1"),
        (["a/1.mp4,walk,train", "a/2.mp4,Walk,train"], "'Walk' and 'walk' of .* differ only by case"),
    ],
)
def test_files_that_cannot_be_used(put: Callable[..., Path], rows: list[str], cause: str) -> None:
    root = put("a/1.mp4", "a/2.mp4")
    with pytest.raises(DataError, match=cause):
        read(write(root / "list.csv", *rows))


@pytest.mark.parametrize(
    ("header", "rows", "shared"),
    [
        (
            "path,label,subset,start,end",
            ["1.mp4,run,train,0,2", "2.mp4,walk,train,,", "1.mp4,run,validation,2,4"],
            "the source '1.mp4'",
        ),
        (
            "path,label,subset,source",
            ["1.mp4,run,train,a", "2.mp4,walk,train,b", "3.mp4,run,validation,c", "4.mp4,walk,validation,b"],
            "the source 'b'",
        ),
        (
            "path,label,subset,start,end,source",
            ["1.mp4,run,train,0,2,a", "2.mp4,walk,train,,,b", "1.mp4,run,validation,2,4,c"],
            "parts of 1.mp4",
        ),
    ],
)
def test_a_source_on_both_sides_is_refused(
    put: Callable[..., Path], tmp_path: Path, header: str, rows: list[str], shared: str
) -> None:
    put("1.mp4", "2.mp4", "3.mp4", "4.mp4")
    with pytest.raises(DataError, match=f"{shared} into both subsets"):
        read(write(tmp_path / "list.csv", *rows, header=header))


@pytest.mark.parametrize(
    ("part", "cause"),
    [
        ("3,2", "from 3 s to 2 s in row 1, which there cannot be"),
        ("0:10,", "start '0:10' and end '' in row 1"),
        ("-1,", "-1 s"),
    ],
)
def test_parts_that_make_no_sense(put: Callable[..., Path], part: str, cause: str) -> None:
    root = put("1.mp4", "2.mp4")
    with pytest.raises(DataError, match=cause):
        read(write(root / "list.csv", f"1.mp4,walk,{part}", "2.mp4,run,,", header="path,label,start,end"))


def test_a_file_without_a_column_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lacks the column 'label'"):
        read(write(tmp_path / "list.csv", header="path,class"))
    (tmp_path / "list.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="not a CSV file in UTF-8"):
        read(tmp_path / "list.csv")


def test_missing_videos_stay_named_where_they_may_be_skipped(put: Callable[..., Path]) -> None:
    root = put("1.mp4", "2.mp4")
    file = write(root / "list.csv", "1.mp4,walk,train", "9.mp4,run,train", "2.mp4,run,validation")
    training, _ = read(file, skip_missing=True)
    assert [video.path.name for video in training.videos] == ["1.mp4", "9.mp4"]
