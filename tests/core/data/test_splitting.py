import random
from collections import Counter
from pathlib import Path

import pytest

from tmnet_core.data.annotations import LabelledVideo, VideoDataset, folder_of_classes
from tmnet_core.data.splitting import split_by_source
from tmnet_core.errors import DataError


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


def test_jhmdb21_is_split_by_source(shared_data: Path) -> None:
    training, validation = split_by_source(folder_of_classes(shared_data / "jhmdb21"), 0.28, seed=0)
    assert len(training.videos) + len(validation.videos) == 722
    assert not {v.source for v in training.videos} & {v.source for v in validation.videos}
    assert all(video.source != video.path.stem for video in training.videos)
    assert {v.label for v in training.videos} == {v.label for v in validation.videos} == set(range(21))
    assert 0.2 < len(validation.videos) / 722 < 0.36
