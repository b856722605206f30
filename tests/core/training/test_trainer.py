import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tmnet_core.checkpoint import load_checkpoint, read_header
from tmnet_core.config import Recipe
from tmnet_core.errors import DataError, TMNetError
from tmnet_core.training.events import (
    Continued,
    Ended,
    Event,
    Paused,
    Skipped,
    Started,
    Stepped,
    Validated,
    describe_event,
    read_events,
)
from tmnet_core.training.freezing import set_training_mode
from tmnet_core.training.preparation import choose_precision
from tmnet_core.training.requests import Wish
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import Trainer, train

pytestmark = pytest.mark.usefixtures("_one_thread")


def changed(recipe: Recipe, **sections: dict[str, Any]) -> Recipe:
    values = recipe.model_dump()
    for section, changes in sections.items():
        values[section].update(changes)
    return Recipe.model_validate(values)


def state_of(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(path).model.state_dict()


def assert_same_weights(first: Path, second: Path) -> None:
    others = state_of(second)
    differing = [name for name, tensor in state_of(first).items() if not torch.equal(tensor, others[name])]
    assert not differing


def test_a_run_learns_and_leaves_everything_in_its_folder(tmp_path: Path, tiny_recipe: Recipe) -> None:
    # A ResNet learns from random weights within a few steps, which MobileNetV2's BatchNorm does not.
    recipe = changed(tiny_recipe, model={"backbone": "resnet18", "width": 1.0}, optimizer={"learning_rate": 0.001})
    run = RunFolder.create(tmp_path, recipe)
    told: list[Event] = []
    ended = train(recipe, run, report=told.append)
    assert (ended.outcome, ended.iteration) == ("finished", 12)
    assert list(read_events(run.events_file)) == told
    assert isinstance(told[0], Started)
    assert [event.iteration for event in told if isinstance(event, Validated)] == [6, 12]
    losses = [event.classification_loss for event in told if isinstance(event, Stepped)]
    assert losses[-1] < 0.8  # ln 3 = 1.10 is chance
    header = read_header(run.best_checkpoint)
    assert header.classes == ["blue", "green", "red"]
    assert header.training is not None
    assert header.training.frames_seen == header.training.iterations * 6 * 2
    assert header.metrics["CB"]["top1"] >= 0.9
    assert set(header.metrics) == {"RB", "CB", "RB+CB"}
    assert not list(run.path.glob(".*")), "a temporary file was left"


def test_a_run_says_at_its_start_how_many_videos_are_too_short(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, clip={"frames": 4, "interval": 4}, schedule={"iterations": 1})
    told: list[Event] = []
    train(recipe, RunFolder.create(tmp_path, recipe), report=told.append)
    assert isinstance(told[0], Started)
    short = "12 of 12 videos are too short for 4 frames at interval 4: their frames lie closer together or repeat"
    assert told[0].short == short
    assert short in describe_event(told[0])
    just = changed(recipe, clip={"frames": 4, "interval": 3})
    told.clear()
    train(just, RunFolder.create(tmp_path, just), report=told.append)
    assert isinstance(told[0], Started)
    assert told[0].short == ""


def test_a_run_repeats_itself(tmp_path: Path, tiny_recipe: Recipe) -> None:
    runs = [RunFolder.create(tmp_path, tiny_recipe) for _ in range(2)]
    for run in runs:
        train(tiny_recipe, run)
    assert_same_weights(runs[0].last_checkpoint, runs[1].last_checkpoint)


def test_stopped_and_resumed_ends_as_if_never_stopped(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, model={"dropout": 0.5}, training={"validate_every": 4})
    whole = RunFolder.create(tmp_path, recipe)
    train(recipe, whole)
    halted = RunFolder.create(tmp_path, recipe)

    def stop_after_validation(event: Event) -> None:
        if isinstance(event, Validated) and event.iteration == 4:
            halted.ask_to_stop()

    assert train(recipe, halted, report=stop_after_validation).outcome == "stopped"
    assert read_header(halted.last_checkpoint).training.iterations == 4  # type: ignore[union-attr]
    assert train(halted.recipe(), halted, resume=True).outcome == "finished"
    assert_same_weights(whole.last_checkpoint, halted.last_checkpoint)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_control_c_and_a_scheduler_s_signal_save_and_stop(tmp_path: Path, tiny_recipe: Recipe, number: int) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    before = signal.getsignal(number)

    def interrupt(event: Event) -> None:
        if isinstance(event, Validated):
            signal.raise_signal(number)

    ended = train(tiny_recipe, run, report=interrupt)
    assert (ended.outcome, ended.iteration) == ("stopped", 6)
    assert run.load_state()["progress"]["iteration"] == 6
    assert signal.getsignal(number) is before


def test_a_pause_holds_with_all_saved_until_it_is_taken_back(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    told: list[Event] = []

    def pause_twice(event: Event) -> None:
        told.append(event)
        if isinstance(event, Validated):
            run.ask_to_pause()
        if isinstance(event, Paused):
            assert run.load_state()["progress"]["iteration"] == event.iteration
            run.ask_to_continue()

    assert train(tiny_recipe, run, report=pause_twice).outcome == "finished"
    kinds = [event.kind for event in told if isinstance(event, Paused | Continued)]
    assert kinds == ["paused", "continued"]
    assert not run.stop_file.exists()


def test_a_paused_run_can_be_stopped(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    told: list[Event] = []

    def pause_then_stop(event: Event) -> None:
        told.append(event)
        if isinstance(event, Validated):
            run.ask_to_pause()
        if isinstance(event, Paused):
            run.ask_to_stop()

    ended = train(tiny_recipe, run, report=pause_then_stop)
    assert (ended.outcome, ended.iteration) == ("stopped", 6)
    assert not [event for event in told if isinstance(event, Continued)]
    # What it was asked then does not hold what is started now.
    assert train(tiny_recipe, run, resume=True).outcome == "finished"


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    train(tiny_recipe, run)
    saved = run.last_checkpoint.read_bytes()
    assert train(tiny_recipe, run, resume=True).reason == "nothing was left to do"
    assert run.last_checkpoint.read_bytes() == saved


def test_a_network_without_a_regression_branch_trains(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, model={"variant": "tsn"}, clip={"sampling": "segments", "frames": 3})
    run = RunFolder.create(tmp_path, recipe)
    told: list[Event] = []
    train(recipe, run, report=told.append)
    assert set(read_header(run.best_checkpoint).metrics) == {"CB"}
    assert {event.regression_loss for event in told if isinstance(event, Stepped)} == {None}


def test_a_network_that_needs_clips_is_validated_on_clips(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, model={"variant": "r3d-18", "width": 1.0}, clip={"frames": 8, "interval": 1})
    told: list[Event] = []
    trainer = Trainer(recipe, RunFolder.create(tmp_path, recipe), told.append)
    losses = trainer.step([batch := next(iter(trainer.loader))], len(batch))
    assert losses.regression is None
    trainer.validate()
    assert set(trainer.progress.metrics) == {"CB"}
    assert trainer.examiner.dataset[0]["frames"].shape[0] == 8
    rows = dict(trainer.header().describe())
    assert "CB, one clip" in rows


def test_tmnet_3d_a_is_validated_by_what_it_glances_with(tmp_path: Path, tiny_recipe: Recipe) -> None:
    model = {"variant": "tmnet-3d-a", "backbone": "resnet18", "network3d": "r3d_18", "width": 1.0}
    recipe = changed(tiny_recipe, model=model, clip={"frames": 8, "interval": 1})
    trainer = Trainer(recipe, RunFolder.create(tmp_path, recipe), lambda event: None)
    assert trainer.step([batch := next(iter(trainer.loader))], len(batch)).regression is not None
    trainer.validate()
    assert set(trainer.progress.metrics) == {"RB"}
    assert trainer.progress.best_top1 == trainer.progress.metrics["RB"]["top1"]


@pytest.mark.parametrize("reaches_base", [True, False])
def test_rb_does_not_disturb_the_rest_unless_it_may(tmp_path: Path, tiny_recipe: Recipe, reaches_base: bool) -> None:
    """With a fixed target and no way into BB, everything but RB ends as a run with another RB loss does."""
    ends = []
    for alpha in (0.1, 5.0):
        objective = {"alpha": alpha, "reaches_base": reaches_base, "reduction": "sum"}
        clipped = {"name": "sgd", "learning_rate": 0.01, "clip_gradient": 0.1}
        recipe = changed(tiny_recipe, objective=objective, optimizer=clipped, training={"batch_norm": "frozen"})
        run = RunFolder.create(tmp_path, recipe)
        train(recipe, run)
        ends.append({k: v for k, v in state_of(run.last_checkpoint).items() if not k.startswith("regression.")})
    same = all(torch.equal(tensor, ends[1][name]) for name, tensor in ends[0].items())
    assert same is not reaches_base


def test_a_loss_kept_in_rb_leaves_what_a_network_without_rb_learns(tmp_path: Path, tiny_recipe: Recipe) -> None:
    ends = []
    for variant in ("tmnet-2d", "tsn"):
        recipe = changed(
            tiny_recipe,
            model={"variant": variant, "dropout": 0.5},
            objective={"reaches_base": False, "reduction": "sum"},
            optimizer={"name": "sgd", "learning_rate": 0.01, "clip_gradient": 0.1},
            training={"batch_norm": "frozen"},
        )
        run = RunFolder.create(tmp_path, recipe)
        train(recipe, run)
        ends.append({k: v for k, v in state_of(run.last_checkpoint).items() if not k.startswith("regression.")})
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(tensor, ends[1][name]) for name, tensor in ends[0].items())


def test_frozen_batch_norm_keeps_its_statistics(tmp_path: Path, tiny_recipe: Recipe) -> None:
    for mode, same in (("frozen", True), ("train", False)):
        recipe = changed(tiny_recipe, training={"batch_norm": mode}, schedule={"iterations": 2})
        trainer = Trainer(recipe, RunFolder.create(tmp_path, recipe), lambda event: None)
        before = {name: value.clone() for name, value in trainer.model.named_buffers()}
        trainer.fit(lambda: Wish.GO_ON)
        after = dict(trainer.model.named_buffers())
        assert all(torch.equal(value, after[name]) for name, value in before.items()) is same


def test_frozen_batch_norm_is_the_only_part_in_evaluation_mode(tiny_recipe: Recipe) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1), torch.nn.Dropout())
    set_training_mode(model, "frozen")
    assert [module.training for module in model] == [True, False, True]


def test_an_unreadable_clip_is_told_and_left_out(
    tmp_path: Path, tiny_recipe: Recipe, make_video: Callable[..., Path]
) -> None:
    for name in ("jump", "run"):
        for number in range(4):
            make_video(f"data/{name}/{name}_{number}.mp4", frames=5)
    for number in range(4):
        (tmp_path / f"data/run/broken_{number}.mp4").write_bytes(b"not a video")
    recipe = changed(tiny_recipe, data={"root": str(tmp_path / "data")}, schedule={"iterations": 3})
    run = RunFolder.create(tmp_path / "runs", recipe)
    train(recipe, run)
    skipped = [event for event in read_events(run.events_file) if isinstance(event, Skipped)]
    assert skipped
    assert all("broken" in event.video and "broken" in event.reason for event in skipped)


def test_a_data_set_that_cannot_be_read_at_all_ends_the_run(tmp_path: Path, tiny_recipe: Recipe) -> None:
    for name in ("jump", "run"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "data" / name / f"{name}_{number}.mp4").write_bytes(b"")
    recipe = changed(tiny_recipe, data={"root": str(tmp_path / "data")})
    run = RunFolder.create(tmp_path / "runs", recipe)
    with pytest.raises(DataError, match="none of its 4 clips can be read"):
        train(recipe, run)
    last = list(read_events(run.events_file))[-1]
    assert isinstance(last, Ended)
    assert last.outcome == "failed"


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_its_checkpoints(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(
        tiny_recipe,
        optimizer={"name": "sgd", "learning_rate": 1e12},
        training={"validate_every": 1, "batch_norm": "frozen"},
    )
    run = RunFolder.create(tmp_path, recipe)
    with pytest.raises(TMNetError, match=r"no longer a number at iteration \d+; lower optimizer\.learning_rate"):
        train(recipe, run)
    assert load_checkpoint(run.best_checkpoint).header.classes


def test_mixed_precision_is_refused_where_it_is_slow(tiny_recipe: Recipe) -> None:
    with pytest.raises(TMNetError, match="mixed precision needs CUDA"):
        choose_precision(changed(tiny_recipe, training={"precision": "bf16"}), torch.device("cpu"))
    assert choose_precision(tiny_recipe, torch.device("cpu")) is torch.float32


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_training_on_cuda(tmp_path: Path, tiny_recipe: Recipe, precision: str) -> None:
    recipe = changed(
        tiny_recipe,
        model={"backbone": "resnet18", "width": 1.0},
        optimizer={"learning_rate": 0.001},
        training={"device": "cuda", "precision": precision, "accumulate": 2},
    )
    run = RunFolder.create(tmp_path, recipe)

    def stop_half_way(event: Event) -> None:
        if isinstance(event, Validated) and event.iteration == 6:
            run.ask_to_stop()

    assert train(recipe, run, report=stop_half_way).outcome == "stopped"
    assert train(recipe, run, resume=True).outcome == "finished"
    assert read_header(run.best_checkpoint).metrics["CB"]["top1"] >= 0.9
    assert all(event.memory_gib for event in read_events(run.events_file) if isinstance(event, Stepped))
