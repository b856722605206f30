import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tmnet_core.data.annotations import all_videos, folder_of_classes, source_video
from tmnet_core.errors import DataError


def test_classes_by_name_and_videos_in_natural_order(put: Callable[..., Path], tmp_path: Path) -> None:
    put("walk/clip10.mp4", "walk/clip2.AVI", "walk/notes.txt", "walk/._clip2.mp4", "run/b.webm")
    put("readme.md", ".cache/a.mp4")
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
        (["a.mp4"], "has videos but no class folders; choose the folder that holds"),
        (["a.txt"], "has no class folders"),
        (["walk/a.mp4"], "only one class, 'walk'"),
        (["walk/a.mp4", "run/a.txt"], "run has no videos"),
    ],
)
def test_folders_that_cannot_be_used(put: Callable[..., Path], tmp_path: Path, names: list[str], cause: str) -> None:
    put(*names)
    with pytest.raises(DataError, match=cause):
        folder_of_classes(tmp_path)


def test_classes_that_differ_only_by_case(put: Callable[..., Path], tmp_path: Path) -> None:
    put("walk/a.mp4", "Walk/b.mp4")
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system does not tell case apart")
    with pytest.raises(DataError, match=r"'Walk' and 'walk' of .* differ only by case"):
        folder_of_classes(tmp_path)


def test_missing_folder_and_file_instead_of_folder(put: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        folder_of_classes(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is not a folder"):
        folder_of_classes(put("a.mp4") / "a.mp4")


def test_all_videos_are_found_once_and_hidden_ones_are_not(put: Callable[..., Path], tmp_path: Path) -> None:
    put("b.mp4", "a/2.avi", "a/deep/1.mkv", "a/.hidden/3.mp4", "a/._2.avi", "notes.txt")
    if sys.platform != "win32":  # where links are for administrators
        (tmp_path / "a" / "deep" / "round").symlink_to(tmp_path, target_is_directory=True)
    found = [path.relative_to(tmp_path).as_posix() for path in all_videos(tmp_path)]
    assert found == ["b.mp4", "a/2.avi", "a/deep/1.mkv"]
