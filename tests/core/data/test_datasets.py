import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tmnet_core.config import DataSection
from tmnet_core.data.datasets import Layout, find_layout, load_all, load_split
from tmnet_core.errors import DataError


def test_validation_folder_has_the_same_classes(put: Callable[..., Path], tmp_path: Path) -> None:
    put("train/run/1.mp4", "train/walk/1.mp4", "held/run/1.mp4", "held/sit/1.mp4")
    data = DataSection(root=str(tmp_path / "train"), validation_root=str(tmp_path / "held"))
    with pytest.raises(DataError, match="lacks 'walk' and adds 'sit'"):
        load_split(data)
    shutil.move(tmp_path / "held/sit", tmp_path / "held/walk")
    training, validation = load_split(data)
    assert (training.root, validation.root) == (tmp_path / "train", tmp_path / "held")
    assert len(load_all(data).videos) == 4


def test_a_video_that_is_in_both_folders_is_refused(put: Callable[..., Path], tmp_path: Path) -> None:
    put("train/run/1.mp4", "train/walk/1.mp4", "held/run/2.mp4", "held/walk/1.mp4")
    root = str(tmp_path / "train")
    for same in (root, f"{root}/../train"):
        with pytest.raises(DataError, match=r"both have 1\.mp4: what is trained on cannot be validated on"):
            load_split(DataSection(root=root, validation_root=same))
    held = DataSection(root=root, validation_root=str(tmp_path / "held"))
    assert len(load_split(held)[1].videos) == 2  # files of one name are not one file
    (tmp_path / "held/run/linked.mp4").symlink_to(tmp_path / "train/run/1.mp4")
    with pytest.raises(DataError, match=r"both have linked\.mp4"):
        load_split(held)


def test_what_a_folder_holds_is_found(put: Callable[..., Path], tmp_path: Path) -> None:
    put("folders/walk/1.mp4", "table/split.csv", "ucf/ucfTrainTestlist/classInd.txt", "jhmdb/splits/a_test_split1.txt")
    put("hmdb/testTrainMulti_7030_splits/a_test_split1.txt", "lists.csv", "lists/classInd.txt", "x/notes.txt")
    put("both/split.csv", "both/ucfTrainTestlist/classInd.txt", "bare/walk/1.mp4")

    def form(root: str, **settings: str) -> tuple[str, Path, Path | None]:
        layout = find_layout(DataSection.model_validate({"root": str(tmp_path / root), **settings}))
        return layout.format, layout.root, layout.annotations

    def at(name: str) -> Path:
        return tmp_path / name

    assert form("folders") == ("folders", at("folders"), None)
    assert form("table") == ("csv", at("table"), at("table/split.csv"))
    assert form("table", format="folders") == ("folders", at("table"), None)
    assert form("lists.csv") == ("csv", tmp_path, at("lists.csv"))
    assert form("ucf") == ("ucf101", at("ucf"), at("ucf/ucfTrainTestlist"))
    assert form("jhmdb") == ("hmdb51", at("jhmdb"), at("jhmdb/splits"))
    assert form("hmdb") == ("hmdb51", at("hmdb"), at("hmdb/testTrainMulti_7030_splits"))
    assert form("folders", annotations=str(at("lists"))) == ("ucf101", at("folders"), at("lists"))
    assert form("folders", annotations="../lists.csv") == ("csv", at("folders"), at("folders/../lists.csv"))
    with pytest.raises(DataError, match=r"more than one form of annotations, .*split\.csv.*ucfTrainTestlist"):
        form("both")
    assert form("both", format="ucf101")[0] == "ucf101"
    with pytest.raises(DataError, match=r"nowhere do not exist"):
        form("folders", annotations="nowhere")
    with pytest.raises(DataError, match=r"x is neither a CSV file nor a folder"):
        form("folders", annotations="../x")
    with pytest.raises(DataError, match=r"bare has no annotations of the form 'hmdb51'"):
        form("bare", format="hmdb51")


def test_lists_beside_the_videos_are_found_where_they_are_of_their_classes(
    put: Callable[..., Path], tmp_path: Path
) -> None:
    """As both archives of UCF101 unpack side by side; another data set there is none of theirs."""
    put("UCF-101/Walk/v_Walk_g01_c01.avi", "UCF-101/Run/v_Run_g01_c01.avi", "clips/Walk/1.mp4", "clips/Sit/1.mp4")
    lists = put("ucfTrainTestlist/classInd.txt") / "ucfTrainTestlist"
    (lists / "classInd.txt").write_text("1 Run\n2 Walk\n")
    root, other = (str(tmp_path / name) for name in ("UCF-101", "clips"))
    assert find_layout(DataSection(root=root)).annotations == lists
    assert find_layout(DataSection(root=root)).format == "ucf101"
    assert find_layout(DataSection(root=root, format="folders")).annotations is None
    assert find_layout(DataSection(root=other)).format == "folders"
    assert find_layout(DataSection(root=other, format="ucf101")).annotations == lists
    put("splits/Walk_test_split1.txt", "splits/Sit_test_split1.txt")
    assert find_layout(DataSection(root=other)) == Layout("hmdb51", tmp_path / "clips", tmp_path / "splits")


def test_all_forms_of_a_data_set_number_its_classes_alike(put: Callable[..., Path], tmp_path: Path) -> None:
    names = [f"{c}/v_{c}_g0{g}_c01.avi" for c in ("Walk", "Run", "Sit") for g in (1, 2)]
    put(*(f"clips/{name}" for name in names))
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "classInd.txt").write_text("1 Walk\n2 Run\n3 Sit\n")
    numbers = {"Walk": 1, "Run": 2, "Sit": 3}
    (lists / "trainlist02.txt").write_text("\n".join(f"{name} {numbers[name.split('/')[0]]}" for name in names[1::2]))
    (lists / "testlist02.txt").write_text("\n".join(names[::2]))
    (tmp_path / "clips.csv").write_text(
        "path,label\n" + "\n".join(f"clips/{name},{name.split('/')[0]}" for name in names)
    )
    folders = load_all(DataSection(root=str(tmp_path / "clips"), format="folders"))
    table = load_all(DataSection(root=str(tmp_path / "clips.csv")))
    official = DataSection(root=str(tmp_path / "clips"), annotations=str(lists), split=2)
    for other in (table, load_all(official)):
        assert other.classes == folders.classes == ("Run", "Sit", "Walk")
        assert {(v.path, v.label) for v in other.videos} == {(v.path, v.label) for v in folders.videos}
    training, validation = load_split(official)
    assert [video.path.stem for video in validation.videos] == ["v_Walk_g01_c01", "v_Run_g01_c01", "v_Sit_g01_c01"]
    assert len(training.videos) == 3
