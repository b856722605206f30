"""The lists are written here in the form that they are published in; the videos are empty files."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tmnet_core.data.official_splits import HMDB51_COUNTS, UCF101_COUNTS, hmdb51_split, ucf101_split
from tmnet_core.errors import DataError

UCF_CLASSES = "1 ApplyEyeMakeup\r\n37 HandstandPushups\r\n101 YoYo \r\n\r\n"
UCF_TRAINING = [
    "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1",
    "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c02.avi 1",
    "HandstandPushups/v_HandStandPushups_g08_c01.avi 37",
    "YoYo/v_YoYo_g25_c05.avi 101",
]
UCF_TEST = [
    "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
    "HandstandPushups/v_HandStandPushups_g01_c01.avi",
    "YoYo/v_YoYo_g07_c04.avi",
]
# Names of HMDB51 hold nearly anything.
HMDB_MARKS = {
    "brush_hair": [
        "April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1 ",
        "sarah_brushing_hair_brush_hair_h_cm_np1_ri_goo_0.avi 2 ",
    ],
    "climb": [
        "(HQ)_Rock_Climbing_-_Free_Solo_Speed_Climb_-_Dan_Osman_climb_f_cm_np1_ba_med_3.avi 1 ",
        "Ash_&_Co#1;_climb_f_nm_np1_ba_bad_2.avi 2 ",
        "Chiara_climb_f_nm_np1_ba_bad_1.avi 0 ",
    ],
}


def write_ucf(folder: Path, training: list[str], test: list[str], split: int = 1, classes: str = UCF_CLASSES) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "classInd.txt").write_bytes(classes.encode())
    (folder / f"trainlist0{split}.txt").write_bytes("\r\n".join([*training, ""]).encode())
    (folder / f"testlist0{split}.txt").write_bytes("\n".join([*test, ""]).encode())
    return folder


def write_hmdb(folder: Path, marks: dict[str, list[str]], split: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    for name, lines in marks.items():
        (folder / f"{name}_test_split{split}.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return folder


def in_class_folders(line: str) -> str:
    return line.split(maxsplit=1)[0]


def flat(line: str) -> str:
    return line.split(maxsplit=1)[0].rpartition("/")[2]


def deep_and_converted(line: str) -> str:
    return f"UCF-101/videos/{line.split(maxsplit=1)[0].removesuffix('.avi')}.mp4"


@pytest.mark.parametrize("place", [in_class_folders, flat, deep_and_converted])
def test_ucf101(put: Callable[..., Path], place: Callable[[str], str]) -> None:
    root = put(*map(place, UCF_TRAINING + UCF_TEST), "YoYo/v_YoYo_g99_c99.avi")
    training, test = ucf101_split(root, write_ucf(root / "ucfTrainTestlist", UCF_TRAINING, UCF_TEST), 1)
    assert training.classes == test.classes == ("ApplyEyeMakeup", "HandstandPushups", "YoYo")
    assert [(v.path.stem, v.label, v.source) for v in training.videos] == [
        ("v_ApplyEyeMakeup_g08_c01", 0, "v_ApplyEyeMakeup_g08"),
        ("v_ApplyEyeMakeup_g08_c02", 0, "v_ApplyEyeMakeup_g08"),
        ("v_HandStandPushups_g08_c01", 1, "v_HandStandPushups_g08"),
        ("v_YoYo_g25_c05", 2, "v_YoYo_g25"),
    ]
    assert [(v.path.stem[-7:], v.label) for v in test.videos] == [("g01_c01", 0), ("g01_c01", 1), ("g07_c04", 2)]
    assert all(video.path.is_file() for video in training.videos + test.videos)


@pytest.mark.parametrize("split", [1, 2, 3])
def test_ucf101_in_full_gives_the_published_counts(tmp_path: Path, split: int) -> None:
    names = [f"Class{number:03}" for number in range(1, 102)]
    groups = range(7 * split - 6, 7 * split + 1)

    def lines(count: int, held_out: bool, end: str) -> list[str]:
        sides = [group for group in range(1, 26) if (group in groups) is held_out]
        places = [(name, group, clip) for clip in range(1, 8) for group in sides for name in names]
        numbers = {name: f" {number}" for number, name in enumerate(names, start=1)}
        return [
            f"{name}/v_{name}_g{group:02}_c{clip:02}.avi{numbers[name] if end else ''}"
            for name, group, clip in places[:count]
        ]

    counts = UCF101_COUNTS[split - 1]
    classes = "".join(f"{number} {name}\r\n" for number, name in enumerate(names, start=1))
    lists = write_ucf(tmp_path / "lists", lines(counts[0], False, "n"), lines(counts[1], True, ""), split, classes)
    training, test = ucf101_split(tmp_path, lists, split, skip_missing=True)
    assert (len(training.videos), len(test.videos)) == counts
    assert sum(counts) == 13_320
    assert {video.label for video in test.videos} == set(range(101))
    assert not {video.source for video in training.videos} & {video.source for video in test.videos}


@pytest.mark.parametrize("folder", ["", "climb/"])
def test_hmdb51(put: Callable[..., Path], folder: str) -> None:
    names = [
        folder * (name == "climb") + line.rsplit(maxsplit=1)[0] for name, lines in HMDB_MARKS.items() for line in lines
    ]
    root = put(*names)
    training, test = hmdb51_split(root, write_hmdb(root / "testTrainMulti_7030_splits", HMDB_MARKS), 1)
    assert training.classes == ("brush_hair", "climb")
    assert [(v.path.name, v.label) for v in training.videos] == [
        ("April_09_brush_hair_u_nm_np1_ba_goo_0.avi", 0),
        ("(HQ)_Rock_Climbing_-_Free_Solo_Speed_Climb_-_Dan_Osman_climb_f_cm_np1_ba_med_3.avi", 1),
    ]
    assert [video.source for video in test.videos] == ["sarah_brushing_hair", "Ash_&_Co#1;"]


def test_hmdb51_in_full_gives_70_and_30_a_class(tmp_path: Path) -> None:
    marks = [1] * 70 + [2] * 30 + [0] * 37
    lines = {
        f"class_{c}": [f"Film_{n}_class_{c}_f_cm_np1_ba_med_{n}.avi {mark} " for n, mark in enumerate(marks)]
        for c in range(51)
    }
    training, test = hmdb51_split(tmp_path, write_hmdb(tmp_path / "lists", lines, 2), 2, skip_missing=True)
    assert (len(training.videos), len(test.videos)) == HMDB51_COUNTS[1]
    assert set(Counter(video.label for video in training.videos).values()) == {70}
    assert set(Counter(video.label for video in test.videos).values()) == {30}


def test_jhmdb_lists_name_clips_that_were_converted(shared_data: Path, tmp_path: Path) -> None:
    """Lists of JHMDB's form over the real clips, whose suffix is another one."""
    clips = {folder.name: sorted(folder.glob("*.mp4")) for folder in sorted((shared_data / "jhmdb21").iterdir())}
    marks = {
        name: [f"{path.stem}.avi {2 if i % 4 == 3 else 1}" for i, path in enumerate(paths)]
        for name, paths in clips.items()
    }
    training, test = hmdb51_split(shared_data / "jhmdb21", write_hmdb(tmp_path / "splits", marks, 3), 3)
    assert training.classes == tuple(clips)
    assert len(training.videos) + len(test.videos) == 722
    assert [v.path for v in test.videos] == [path for paths in clips.values() for path in paths[3::4]]


@pytest.mark.parametrize(
    ("training", "test", "cause"),
    [
        (
            [*UCF_TRAINING, "YoYo/v_YoYo_g25_c06.avi 7"],
            UCF_TEST,
            "trainlist01.txt, line 5, gives .* the number 7, which classInd",
        ),
        ([*UCF_TRAINING, "YoYo/v_YoYo_g25_c06.avi 1"], UCF_TEST, "the number 1, which is ApplyEyeMakeup"),
        (
            UCF_TRAINING,
            [*UCF_TEST, "Ballet/v_Ballet_g01_c01.avi"],
            "testlist01.txt, line 4, names .* whose class classInd",
        ),
        (UCF_TRAINING, [*UCF_TEST, "one two three"], "is not a video and its class's number: 'one two three'"),
        (UCF_TRAINING, [*UCF_TEST, "YoYo/v_YoYo_g25_c05.avi"], "names v_YoYo_g25_c05.avi twice"),
        (UCF_TRAINING[:3], UCF_TEST, "no training videos of 'YoYo'"),
        (UCF_TRAINING, [], "no validation videos"),
        (
            [*UCF_TRAINING, "YoYo/v_YoYo_g25_c06.avi 101"],
            [*UCF_TEST, "YoYo/v_YoYo_g07_c05.avi"],
            r"names 2 of 9 videos that are not in .*, such as 'v_YoYo_g07_c05.avi', 'v_YoYo_g25_c06.avi'; data.missing",
        ),
    ],
)
def test_ucf101_lists_that_cannot_be_used(
    put: Callable[..., Path], training: list[str], test: list[str], cause: str
) -> None:
    root = put(*map(in_class_folders, UCF_TRAINING + UCF_TEST))
    with pytest.raises(DataError, match=cause):
        ucf101_split(root, write_ucf(root / "lists", training, test), 1)


@pytest.mark.parametrize(
    ("classes", "cause"),
    [
        ("ApplyEyeMakeup\n", "classInd.txt, line 1, is not a number and a class: 'ApplyEyeMakeup'"),
        ("1 YoYo\n1 Bowling\n", "line 2, names a number or a class a second time"),
        ("1 YoYo\n2 yoyo\n", "'YoYo' and 'yoyo' of .* differ only by case"),
    ],
)
def test_class_numbers_that_cannot_be_used(put: Callable[..., Path], classes: str, cause: str) -> None:
    root = put("YoYo/v_YoYo_g25_c05.avi")
    with pytest.raises(DataError, match=cause):
        ucf101_split(root, write_ucf(root / "lists", [], [], 1, classes), 1)


def test_hmdb51_lists_that_cannot_be_used(put: Callable[..., Path], tmp_path: Path) -> None:
    root = put("wave/a.avi", "jump/b.avi")
    lists = write_hmdb(tmp_path / "lists", {"wave": ["a.avi 3"], "jump": ["b.avi 2"]})
    with pytest.raises(
        DataError, match=r"wave_test_split1.txt, line 1, is not a video and a mark 0, 1 or 2: 'a.avi 3'"
    ):
        hmdb51_split(root, lists, 1)
    with pytest.raises(DataError, match=r"jump_test_split2.txt cannot be read"):
        hmdb51_split(root, lists, 2)
    with pytest.raises(DataError, match=r"has no split files such as wave_test_split1\.txt"):
        hmdb51_split(root, root / "wave", 1)


def test_a_video_that_is_there_twice(put: Callable[..., Path]) -> None:
    root = put(*map(in_class_folders, UCF_TRAINING + UCF_TEST), "old/v_YoYo_g25_c05.avi", "older/v_YoYo_g07_c04.avi")
    lists = write_ucf(root / "lists", UCF_TRAINING, UCF_TEST)
    # The one in its class's folder is meant.
    training, _ = ucf101_split(root, lists, 1)
    assert training.videos[-1].path == root / "YoYo/v_YoYo_g25_c05.avi"
    (root / "YoYo/v_YoYo_g25_c05.avi").rename(root / "older/v_YoYo_g25_c05.avi")
    with pytest.raises(DataError, match=r"v_YoYo_g25_c05\.avi is there more than once"):
        ucf101_split(root, lists, 1)
