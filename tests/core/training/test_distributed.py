import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tmnet_core.checkpoint import load_checkpoint
from tmnet_core.config import Recipe, dump_recipe
from tmnet_core.data.clips import ChosenClips, ClipSource, EpochSampler
from tmnet_core.errors import RecipeError
from tmnet_core.training.answering import NetworkAnswerer
from tmnet_core.training.distributed import Ranks, RankSampler
from tmnet_core.training.evaluation import Glances, join_glances
from tmnet_core.training.events import Ended, Paused, Skipped, Started, read_events
from tmnet_core.training.preparation import build_examiner
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import Trainer, train

pytestmark = pytest.mark.usefixtures("_one_thread")

TOGETHER = Path(__file__).with_name("train_together.py")
forks = pytest.mark.skipif(sys.platform == "win32", reason="no fork there")


def changed(recipe: Recipe, **sections: dict[str, Any]) -> Recipe:
    values = recipe.model_dump()
    for section, changes in sections.items():
        values[section].update(changes)
    return Recipe.model_validate(values)


@pytest.fixture
def steady(tiny_recipe: Recipe) -> Recipe:
    """A recipe that learns slowly, without dropout and batch statistics: what it learns depends on its clips alone."""
    return changed(
        tiny_recipe,
        # 9 clips for either: the second of two processes has none in the last step of an epoch, and more to validate.
        data={"validation_fraction": 0.5},
        optimizer={"name": "sgd", "learning_rate": 0.05, "clip_gradient": 1.0},
        schedule={"iterations": 20, "warmup": 3},
        training={"batch_norm": "frozen", "batch_size": 4, "validate_every": 10},
    )


def train_together(run: RunFolder, count: int = 2, stop_at: int = -1) -> subprocess.CompletedProcess[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return subprocess.run(
        [sys.executable, str(TOGETHER), str(run.path), str(count), str(port), str(stop_at)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=250,
        check=False,
    )


def weights(path: Path) -> dict[str, Tensor]:
    return dict(load_checkpoint(path).model.state_dict())


def assert_close(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    for name, tensor in first.items():
        torch.testing.assert_close(
            second[name], tensor, rtol=1e-4, atol=1e-6, msg=lambda text, at=name: f"{at}: {text}"
        )


@forks
def test_two_processes_learn_what_one_does(tmp_path: Path, steady: Recipe) -> None:
    one = RunFolder.create(tmp_path, steady)
    train(steady, one)
    two = RunFolder.create(tmp_path, changed(steady, training={"accumulate": 2}))
    done = train_together(two)
    assert done.returncode == 0, done.stderr
    start = Trainer(steady, one, lambda event: None).model.state_dict()
    learned = weights(one.last_checkpoint)
    assert any((learned[name] - start[name]).abs().max() > 1e-3 for name in start if "weight" in name)
    assert_close(learned, weights(two.last_checkpoint))
    (started,) = [event for event in read_events(two.events_file) if isinstance(event, Started)]
    assert started.device == "2 × CPU"


def test_parts_of_a_step_learn_what_the_whole_does(tmp_path: Path, steady: Recipe) -> None:
    ends = []
    for accumulate in (1, 3):
        recipe = changed(steady, schedule={"iterations": 6}, training={"accumulate": accumulate})
        run = RunFolder.create(tmp_path, recipe)
        train(recipe, run)
        ends.append(weights(run.last_checkpoint))
    assert_close(*ends)


@forks
def test_processes_pause_and_stop_together_and_one_goes_on(
    tmp_path: Path, steady: Recipe, coloured_clips: Path
) -> None:
    data = shutil.copytree(coloured_clips, tmp_path / "data")
    for number in range(3):
        (data / "red" / f"broken_{number}.mp4").write_bytes(b"no video")
    recipe = changed(steady, data={"root": str(data)}, model={"dropout": 0.5}, training={"batch_norm": "partial"})
    run = RunFolder.create(tmp_path / "runs", recipe)
    done = train_together(run, stop_at=10)
    assert (done.returncode, done.stdout.strip()) == (0, "[0, 0]"), done.stderr
    events = list(read_events(run.events_file))
    assert isinstance(events[-1], Ended)
    assert (events[-1].outcome, events[-1].iteration) == ("stopped", 10)
    assert isinstance(events[-2], Paused)
    skipped = [event.video for event in events if isinstance(event, Skipped)]
    assert skipped
    state = run.load_state()
    assert len(state["random"]) == 2
    assert not torch.equal(*(random["host"] for random in state["random"]))
    assert train(recipe, run, resume=True).outcome == "finished"


@forks
def test_what_fails_in_the_first_process_ends_the_others_quietly(tmp_path: Path, steady: Recipe) -> None:
    run = RunFolder.create(tmp_path, steady)
    run.save_state({"recipe": changed(steady, clip={"frames": 3}).model_dump(mode="json")})
    done = train_together(run)
    assert done.stdout.strip() == "[1, 1]"
    assert done.stderr.count("saved with another recipe") == 1


@forks
@pytest.mark.slow
def test_torchrun_starts_the_same_command(tmp_path: Path, steady: Recipe) -> None:
    recipe = changed(steady, schedule={"iterations": 2, "warmup": 0})
    (tmp_path / "recipe.toml").write_text(dump_recipe(recipe), encoding="utf-8")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "tmnet_core", "train", str(tmp_path / "recipe.toml"), "--runs", str(tmp_path / "runs")]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert list(read_events(RunFolder(folder).events_file))[-1].iteration == 2


class Numbers:
    """Clips that are called by their number."""

    classes: Sequence[str] = ("a",)

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return str(index)


@pytest.mark.parametrize(
    ("length", "step", "parts", "count"), [(12, 5, 1, 2), (13, 6, 3, 2), (2, 8, 2, 3), (7, 7, 1, 1)]
)
def test_clips_are_dealt_without_overlap_in_an_order_that_the_number_of_processes_does_not_change(
    length: int, step: int, parts: int, count: int
) -> None:
    def deal(rank: int, count: int, parts: int) -> list[list[list[int]]]:
        sampler = RankSampler(EpochSampler(length, 3, epoch=2), step, parts=parts, rank=rank, count=count)
        lists = [[key.index for key in keys] for keys in sampler]
        assert len(lists) == len(sampler)
        return [lists[start : start + parts] for start in range(0, len(lists), parts)]

    alone = [clips for (clips,) in deal(0, 1, 1)]
    dealt = [deal(rank, count, parts) for rank in range(count)]
    assert sorted(chain(*alone)) == list(range(length))
    for number, whole in enumerate(alone):
        shares = [clips for rank in dealt for clips in rank[number]]
        assert sorted(chain(*shares)) == sorted(whole)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert dealt == [deal(rank, count, parts) for rank in range(count)]


@pytest.mark.parametrize(("clips", "count"), [(7, 2), (2, 3), (9, 3)])
def test_every_validation_clip_is_in_one_part(clips: int, count: int) -> None:
    shares = [Ranks(rank, count).share(Numbers(clips)) for rank in range(count)]  # type: ignore[arg-type]
    assert all(isinstance(share, ChosenClips) for share in shares)
    assert [int(share.name(i)) for share in shares for i in range(len(share))] == list(range(clips))


def test_figures_of_uneven_parts_are_those_of_the_whole(tmp_path: Path, steady: Recipe) -> None:
    trainer = Trainer(steady, RunFolder.create(tmp_path, steady), lambda event: None)

    def look(clips: ClipSource) -> Glances:
        answerer = NetworkAnswerer(trainer.model, trainer.preprocessing, trainer.device)
        return build_examiner(steady, clips, trainer.preprocessing).examine(answerer)

    whole = look(trainer.validation_clips)
    parts = [look(Ranks(rank, 2).share(trainer.validation_clips)) for rank in range(2)]
    assert [len(part.labels) for part in parts] == [4, 5]
    joined = join_glances(parts)
    assert torch.equal(joined.labels, whole.labels)
    for branch, probabilities in whole.probabilities.items():
        torch.testing.assert_close(joined.probabilities[branch], probabilities)


def test_a_step_of_fewer_clips_than_parts_is_refused(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, training={"accumulate": 7})
    with pytest.raises(RecipeError, match=r"training\.batch_size = 6: too few clips for 1 processes .* = 7"):
        Trainer(recipe, RunFolder.create(tmp_path, recipe), lambda event: None)
