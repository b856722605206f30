import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tmnet_core.data.annotations import (
    LabelledVideo,
    VideoDataset,
    folder_of_classes,
    load_split,
    predefined_split,
    source_video,
    split_by_source,
)
from tmnet_core.errors import DataError

JHMDB21 = Path(__file__).parents[4] / "shared" / "data" / "jhmdb21"


def put(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def dataset(**sources_by_class: str) -> VideoDataset:
    """One video for each letter, cut from the source of that name."""
    videos = [
        LabelledVideo(Path(name, f"{i}.mp4"), label, source)
        for label, (name, sources) in enumerate(sources_by_class.items())
        for i, source in enumerate(sources)
    ]
    return VideoDataset(Path("data"), tuple(sources_by_class), tuple(videos))


def sources(part: VideoDataset, label: int) -> set[str]:
    return {video.source for video in part.videos if video.label == label}


def test_classes_by_name_and_videos_in_natural_order(tmp_path: Path) -> None:
    put(tmp_path, "walk/clip10.mp4", "walk/clip2.AVI", "walk/notes.txt", "walk/._clip2.mp4", "run/b.webm")
    put(tmp_path, "readme.md", ".cache/a.mp4")
    found = folder_of_classes(tmp_path)
    assert found.classes == ("run", "walk")
    assert [(video.path.name, video.label) for video in found.videos] == [
        ("b.webm", 0),
        ("clip2.AVI", 1),
        ("clip10.mp4", 1),
    ]


@pytest.mark.parametrize(
    ("stem", "class_name", "source"),
    [
        ("April_09_brush_hair_u_nm_np1_ba_goo_0", "brush_hair", "April_09"),
        ("Catch_Me_If_You_Can_pick_f_cm_np1_ri_med_5", "pick", "Catch_Me_If_You_Can"),
        ("run_to_run_run_f_nm_np12_fr_bad_33", "run", "run_to_run"),
        ("Frisbee_catch_f_cm_np1_ri_med_0", "throw", "Frisbee_catch_f_cm_np1_ri_med_0"),
        ("v_ApplyEyeMakeup_g01_c01", "ApplyEyeMakeup", "v_ApplyEyeMakeup_g01"),
        ("v_HandStandPushups_g25_c07", "HandstandPushups", "v_HandStandPushups_g25"),
        ("fi001", "fight", "fi001"),
    ],
)
def test_source_video(stem: str, class_name: str, source: str) -> None:
    assert source_video(stem, class_name) == source


@pytest.mark.parametrize(
    ("names", "cause"),
    [
        (["a.mp4"], "has no class folders"),
        (["walk/a.mp4"], "only one class, 'walk'"),
        (["walk/a.mp4", "run/a.txt"], "run has no videos"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path: Path, names: list[str], cause: str) -> None:
    put(tmp_path, *names)
    with pytest.raises(DataError, match=cause):
        folder_of_classes(tmp_path)


def test_classes_that_differ_only_by_case(tmp_path: Path) -> None:
    put(tmp_path, "walk/a.mp4", "Walk/b.mp4")
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system does not tell case apart")
    with pytest.raises(DataError, match=r"'Walk' and 'walk' of .* differ only by case"):
        folder_of_classes(tmp_path)


def test_missing_folder_and_file_instead_of_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        folder_of_classes(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is not a folder"):
        folder_of_classes(put(tmp_path, "a.mp4") / "a.mp4")


def test_split_keeps_sources_together_across_classes() -> None:
    whole = dataset(walk="aaabbbcccdddeee", run="aabbffgghhii", sit="jklmnopqr")
    for seed in range(20):
        training, validation = split_by_source(whole, 0.3, seed)
        assert set(training.videos) | set(validation.videos) == set(whole.videos)
        assert not {v.source for v in training.videos} & {v.source for v in validation.videos}
        for label, name in enumerate(whole.classes):
            assert sources(training, label), name
            assert sources(validation, label), name
        assert training.classes == validation.classes == whole.classes


def test_split_holds_out_about_the_fraction_of_each_class() -> None:
    whole = dataset(walk="abcdefghij" * 4, run="klmnopqrst" * 2)
    _, validation = split_by_source(whole, 0.3, seed=1)
    assert Counter(video.label for video in validation.videos) == {0: 12, 1: 6}


def test_split_depends_on_the_seed_but_not_on_the_order_of_videos() -> None:
    whole = dataset(walk="abcdefghij", run="klmnopqrst")
    shuffled = list(whole.videos)
    random.Random(5).shuffle(shuffled)
    _, first = split_by_source(whole, 0.3, seed=0)
    _, again = split_by_source(VideoDataset(whole.root, whole.classes, tuple(shuffled)), 0.3, seed=0)
    _, other = split_by_source(whole, 0.3, seed=1)
    assert set(first.videos) == set(again.videos)
    assert set(first.videos) != set(other.videos)


def test_small_fraction_still_validates_every_class_with_two_sources() -> None:
    training, validation = split_by_source(dataset(walk="aaab", run="cd", sit="e"), 0.01, seed=0)
    assert [len(sources(validation, label)) for label in range(3)] == [1, 1, 0]
    assert sources(training, 2) == {"e"}


def test_only_source_of_a_class_stays_in_training() -> None:
    for seed in range(10):
        training, _ = split_by_source(dataset(walk="abcd", run="a"), 0.5, seed)
        assert sources(training, 1) == {"a"}


@pytest.mark.parametrize("classes", [{"walk": "aa", "run": "bb"}, {"walk": "ab", "run": "bc", "sit": "ac"}])
def test_sources_that_allow_no_split(classes: dict[str, str]) -> None:
    with pytest.raises(DataError, match="cannot be split"):
        split_by_source(dataset(**classes), 0.5, seed=0)


def write_split(root: Path, *rows: str, header: str = "path,label,subset") -> Path:
    (root / "split.csv").write_text("\n".join([header, *rows]), encoding="utf-8-sig")
    return root


def test_predefined_split_wins_over_the_folder(tmp_path: Path) -> None:
    put(tmp_path, "a/1.mp4", "a/2.mp4", "b/1.mp4", "b/2.mp4", "b/3.mp4")
    write_split(tmp_path, "a/1.mp4,walk,train", "a/2.mp4,walk,validation", "b/1.mp4,run,train")
    training, validation = load_split(tmp_path, 0.5, seed=0)
    assert training.classes == validation.classes == ("run", "walk")
    assert [(v.path.parent.name, v.label) for v in training.videos] == [("a", 1), ("b", 0)]
    assert [v.path for v in validation.videos] == [tmp_path / "a/2.mp4"]


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ([], "names no videos"),
        (["a/1.mp4,walk,test"], "unknown subset 'test' in row 1"),
        (["a/1.mp4,walk,train", "a/9.mp4,run,train"], "names a/9.mp4, which does not exist"),
        (["a/1.mp4,walk,train", "a/1.mp4,run,validation"], "names a/1.mp4 twice"),
        (["a/1.mp4,walk,train", "a/2.mp4,run,validation"], "no training videos of 'run'"),
        (["a/1.mp4,walk,train", "a/2.mp4,run,train"], "no validation videos"),
        (["a/1.mp4,walk,train", "a/2.mp4"], "unknown subset '' in row 2"),
        (["a/1.mp4,,train"], "no path or no label in row 1"),
    ],
)
def test_split_files_that_cannot_be_used(tmp_path: Path, rows: list[str], cause: str) -> None:
    put(tmp_path, "a/1.mp4", "a/2.mp4")
    with pytest.raises(DataError, match=cause):
        predefined_split(write_split(tmp_path, *rows))


def test_split_file_without_a_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lacks the column 'subset'"):
        predefined_split(write_split(tmp_path, header="path,label"))


def test_split_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="not a CSV file in UTF-8"):
        predefined_split(tmp_path)


def test_validation_folder_has_the_same_classes(tmp_path: Path) -> None:
    put(tmp_path, "train/run/1.mp4", "train/walk/1.mp4", "held/run/1.mp4", "held/sit/1.mp4")
    with pytest.raises(DataError, match="lacks 'walk' and adds 'sit'"):
        load_split(tmp_path / "train", 0.5, 0, tmp_path / "held")
    shutil.move(tmp_path / "held/sit", tmp_path / "held/walk")
    training, validation = load_split(tmp_path / "train", 0.5, 0, tmp_path / "held")
    assert (training.root, validation.root) == (tmp_path / "train", tmp_path / "held")


@pytest.mark.skipif(not JHMDB21.is_dir(), reason="the jhmdb21 clips are not here")
def test_jhmdb21_is_split_by_source() -> None:
    training, validation = load_split(JHMDB21, 0.28, seed=0)
    assert len(training.videos) + len(validation.videos) == 722
    assert not {v.source for v in training.videos} & {v.source for v in validation.videos}
    assert all(video.source != video.path.stem for video in training.videos)
    assert {v.label for v in training.videos} == {v.label for v in validation.videos} == set(range(21))
    assert 0.2 < len(validation.videos) / 722 < 0.36
