import json
from pathlib import Path

import av
import numpy as np
import pytest

from tmnet_core.config import DataSection
from tmnet_core.data.datasets import load_split
from tmnet_core.data.synthetic_people import CLASSES, SyntheticPeople, contact_sheet, write_dataset, write_film
from tmnet_core.errors import DataError

SOME = ("walk", "sit_down", "kick")


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_clips_come_class_by_class_and_alike() -> None:
    people = SyntheticPeople(8, seed=3, classes=SOME, frames=16)
    assert len(people) == 8
    assert [people.label(i) for i in range(4)] == [0, 1, 2, 0]
    assert people.rendered(2, [0]).class_name == "kick"
    np.testing.assert_array_equal(people.clip(5, [0, 7]), people.clip(5)[[0, 7]])
    assert (SyntheticPeople(8, seed=4, classes=SOME).clip(5, [0]) != people.clip(5, [0])).mean() > 0.5
    with pytest.raises(IndexError):
        people.clip(8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"classes": ("swim",)}, "swim"), ({"clips": 0}, "0 synthetic clips"), ({"classes": ()}, "at least one class")],
)
def test_impossible_collections_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        SyntheticPeople(**{"clips": 4, **arguments})  # type: ignore[arg-type]


def test_a_written_data_set_reads_back(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    split = write_dataset(
        tmp_path / "people", 9, size=(64, 64), classes=SOME, frames=8, progress=lambda *n: seen.append(n)
    )
    assert seen == [(i, 9) for i in range(1, 10)]
    training, validation = load_split(DataSection(root=str(split.parent)))
    assert training.classes == tuple(sorted(SOME))
    assert (len(training.videos), len(validation.videos)) == (6, 3)
    subjects = [{v.path.name.split("_")[0] for v in part.videos} for part in (training, validation)]
    assert not subjects[0] & subjects[1]
    assert not list(split.parent.rglob("*.tmp"))
    first = next(v for v in training.videos if v.path.parent.name == "walk" and v.path.stem.endswith("0000"))
    read = frames_of(first.path)
    drawn = SyntheticPeople(6, classes=SOME, size=(64, 64), frames=8).clip(0)
    assert np.shape(read) == drawn.shape
    assert np.abs(np.array(read).astype(int) - drawn).mean() < 6


def test_workers_write_the_same_data_set(tmp_path: Path) -> None:
    arguments = {"clips": 4, "size": (64, 64), "classes": SOME[:2], "frames": 2}
    splits = [write_dataset(tmp_path / str(n), workers=n, **arguments) for n in (0, 1)]  # type: ignore[arg-type]
    assert splits[0].read_text() == splits[1].read_text()


def test_a_data_set_is_not_overwritten_and_an_interrupted_one_has_no_split(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path, 4, size=(64, 64), classes=SOME[:2], frames=2, progress=stop)
    assert not (tmp_path / "split.csv").exists()
    assert not list(tmp_path.rglob("*.tmp"))
    write_dataset(tmp_path, 4, size=(64, 64), classes=SOME[:2], frames=2)
    with pytest.raises(DataError, match="already holds"):
        write_dataset(tmp_path, 4, size=(64, 64), classes=SOME[:2], frames=2)


def test_a_film_has_the_segments_it_names(tmp_path: Path) -> None:
    segments = write_film(tmp_path / "film.mp4", seed=1, seconds=12, size=(96, 72))
    assert len(segments) == 5
    assert len({segment.shot for segment in segments}) > 1
    assert json.loads((tmp_path / "film.json").read_text())[0]["action"] == segments[0].action
    assert len(frames_of(tmp_path / "film.mp4")) == round(segments[-1].end * 25)


def test_a_contact_sheet_shows_every_class() -> None:
    assert contact_sheet(frames_a_clip=1, size=(80, 64)).shape == (64 * len(CLASSES), 80, 3)
