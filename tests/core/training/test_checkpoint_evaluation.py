import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tmnet_core.benchmarks.machine import describe_machine
from tmnet_core.checkpoint import CheckpointHeader, TrainingSummary, read_header, save_checkpoint
from tmnet_core.config import Recipe
from tmnet_core.device import choose_device
from tmnet_core.errors import CheckpointError, DataError, RecipeError
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model
from tmnet_core.training.checkpoint_evaluation import (
    Evaluation,
    Look,
    Part,
    evaluate_checkpoint,
    evaluate_looks,
    open_part,
)
from tmnet_core.training.evaluation_report import EvaluationReport
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import train

MakeHeader = Callable[..., CheckpointHeader]


def save_untrained(path: Path, header: CheckpointHeader) -> TMNet:
    model = build_model(header.model, len(header.classes))
    save_checkpoint(path, model, header)
    return model


def test_evaluating_a_checkpoint_on_a_folder(tmp_path: Path, coloured_clips: Path, make_header: MakeHeader) -> None:
    header = make_header().model_copy(update={"classes": ["blue", "green", "red"]})
    save_untrained(tmp_path / "net.safetensors", header)
    told: list[tuple[int, int]] = []
    evaluation = evaluate_checkpoint(
        tmp_path / "net.safetensors",
        str(coloured_clips),
        look=Look(key_frames=2),
        device="cpu",
        progress=lambda done, total: told.append((done, total)),
    )
    assert (evaluation.part, evaluation.videos, evaluation.key_frames) == ("all", 18, 2)
    assert list(evaluation.metrics) == ["RB", "CB", "RB+CB"]
    # RB starts as a copy of CB: untrained, they answer alike.
    assert evaluation.metrics["RB"] == evaluation.metrics["CB"]
    assert evaluation.differences["RB - CB"].interval == (0.0, 0.0)
    assert told[-1] == (18, 18)


def test_a_split_that_lists_name_is_evaluated_as_it_was_trained(
    tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe
) -> None:
    """Lists of JHMDB's form, the second of their splits: five videos of each class to train on, one to test on."""
    lists = tmp_path / "lists"
    lists.mkdir()
    for name in ("blue", "green", "red"):
        marks = [f"{name}_{number}.avi {2 if number == 4 else 1}" for number in range(6)]
        (lists / f"{name}_test_split2.txt").write_text("\n".join(marks))
        (lists / f"{name}_test_split1.txt").write_text("\n".join(marks).replace(" 1", " 0").replace(" 2", " 1"))
    changes = {"root": str(coloured_clips), "annotations": str(lists), "split": 2, "cache": "none"}
    data = tiny_recipe.data.model_copy(update=changes)
    schedule = tiny_recipe.schedule.model_copy(update={"iterations": 1})
    run = RunFolder.create(tmp_path, tiny_recipe.model_copy(update={"data": data, "schedule": schedule}))
    train(run.recipe(), run)
    training = read_header(run.best_checkpoint).training
    assert training is not None
    assert (training.clips, training.validation_clips, training.form, training.split) == (15, 3, "hmdb51", 2)

    def evaluate(*changes: str, part: Part = "auto") -> Evaluation:
        return evaluate_looks(run.best_checkpoint, str(coloured_clips), [Look()], changes=changes, part=part)[0]

    assert evaluate(f"data.annotations={lists}").videos == 3
    assert evaluate(f"data.annotations={lists}", part="all").videos == 18
    with pytest.raises(DataError, match=r"trained with data\.split = 2, and with 1 some of its training clips"):
        evaluate(f"data.annotations={lists}", "data.split=1")
    # Without the lists the folders would be split anew, and what was trained on would count.
    with pytest.raises(DataError, match=r"chosen by 'hmdb51', these are by 'folders'; say --set data\.annotations="):
        evaluate()
    with pytest.raises(RecipeError, match=r"'clip\.frames=3': only keys of the section data"):
        evaluate("clip.frames=3")


@pytest.mark.parametrize("form", ["folders", ""])
def test_another_choice_of_validation_clips_is_refused(
    tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe, make_header: MakeHeader, form: str
) -> None:
    """Also for a checkpoint of before, which does not say what chose them."""
    training = TrainingSummary(
        data=coloured_clips.name,
        clips=12,
        validation_clips=6,
        start="none",
        iterations=1,
        frames_seen=1,
        validation_fraction=0.34,
        split_seed=3,
        form=form,
        clip=tiny_recipe.clip,
        objective=tiny_recipe.objective,
    )
    header = make_header().model_copy(update={"classes": ["blue", "green", "red"], "training": training})
    data = str(coloured_clips)
    part, clips = open_part(data, "auto", header, ["data.split_seed=3", "data.split=2"])
    assert (part, len(clips)) == ("validation", 6)
    for key, trained, other in (("split_seed", 3, 5), ("validation_fraction", 0.34, 0.5)):
        with pytest.raises(DataError, match=rf"trained with data\.{key} = {trained}, and with {other} some of its tra"):
            open_part(data, "validation", header, [f"data.{key}={other}"])
        assert open_part(data, "all", header, [f"data.{key}={other}"])[0] == "all"


def test_other_classes_are_refused(tmp_path: Path, coloured_clips: Path, make_header: MakeHeader) -> None:
    save_untrained(tmp_path / "net.safetensors", make_header())
    with pytest.raises(DataError, match=r"its classes are not the checkpoint's, which differ by blue, green, jump"):
        evaluate_checkpoint(tmp_path / "net.safetensors", str(coloured_clips), device="cpu")


def test_unreadable_clips_are_listed(tmp_path: Path, make_video: Callable[..., Path], make_header: MakeHeader) -> None:
    for name in ("jump", "run", "wave"):
        make_video(f"data/{name}/{name}.mp4", frames=4)
    (tmp_path / "data/run/broken.mp4").write_bytes(b"")
    save_untrained(tmp_path / "net.safetensors", make_header())
    evaluation = evaluate_checkpoint(tmp_path / "net.safetensors", str(tmp_path / "data"), device="cpu")
    assert evaluation.videos == 3
    assert len(evaluation.unreadable) == 1
    assert "broken.mp4" in evaluation.unreadable[0]


def test_clips_are_looked_at_as_one(tmp_path: Path, coloured_clips: Path, make_header: MakeHeader) -> None:
    header = make_header().model_copy(update={"classes": ["blue", "green", "red"]})
    save_untrained(tmp_path / "net.safetensors", header)
    evaluation = evaluate_checkpoint(
        tmp_path / "net.safetensors", str(coloured_clips), look=Look(frames=16), device="cpu"
    )
    assert (evaluation.clip_frames, evaluation.videos) == (16, 18)
    assert list(evaluation.metrics) == ["RB", "CB", "RB+CB"]
    assert evaluation.title == f"16 frames of net.safetensors at {coloured_clips.name}"


def test_a_network_that_needs_clips_is_not_asked_for_a_glance(
    tmp_path: Path, coloured_clips: Path, make_header: MakeHeader
) -> None:
    header = make_header(variant="r3d-18", width=1.0).model_copy(update={"classes": ["blue", "green", "red"]})
    save_untrained(tmp_path / "net.safetensors", header)
    with pytest.raises(CheckpointError, match=r"R3D-18 needs a clip, not one frame; evaluate it on whole clips"):
        evaluate_checkpoint(tmp_path / "net.safetensors", str(coloured_clips), device="cpu")
    evaluation = evaluate_checkpoint(
        tmp_path / "net.safetensors", str(coloured_clips), look=Look(frames=16), device="cpu"
    )
    assert list(evaluation.metrics) == ["CB"]


def test_clips_of_several_lengths_are_rows_of_one_report(
    tmp_path: Path, coloured_clips: Path, make_checkpoint: Callable[..., tuple[Path, TMNet, CheckpointHeader]]
) -> None:
    path, model, header = make_checkpoint()
    save_checkpoint(path, model, header.model_copy(update={"classes": ["blue", "green", "red"]}))
    told: list[tuple[int, int]] = []
    looks = [Look(frames=frames, key_frame="beginning", sampling="even") for frames in (1, 2)]
    evaluations = evaluate_looks(
        path, str(coloured_clips), looks, device="cpu", progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (36, 36)
    assert [evaluation.look for evaluation in evaluations] == ["1 frame", "2 frames"]
    assert evaluations[1].caption == "18 clips, 2 frames of each at once, RB's from the beginning, in %"

    report = EvaluationReport(
        command="tmnet evaluate net clips", machine=describe_machine(choose_device("cpu")), evaluations=evaluations
    )
    written = {file.name for file in report.write_folder(tmp_path / "out")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == written
    assert "confusion-2-frames-RB+CB.png" in written
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["command"] == "tmnet evaluate net clips"
    markdown = (tmp_path / "out" / "evaluation.md").read_text(encoding="utf-8")
    assert "    tmnet evaluate net clips\n" in markdown
    assert "clips of one source as independent, so they are rather too narrow" in markdown
    top1 = 100 * evaluations[1].metrics["RB"]["top1"]
    assert f"| 2 frames | RB | {top1:.1f} |" in markdown
    with (tmp_path / "out" / "confusion-1-frame-CB.csv").open(newline="") as file:
        titles, *rows = csv.reader(file)
    assert titles[1:] == ["blue", "green", "red"]
    counts = [[int(count) for count in row[1:]] for row in rows]
    assert counts == evaluations[0].confusion["CB"]
    assert [sum(row) for row in counts] == [6, 6, 6]
    accuracy = [figures.accuracy for figures in evaluations[0].classes["CB"]]
    assert accuracy == pytest.approx([counts[k][k] / 6 for k in range(3)])


def test_a_clip_shorter_than_the_temporal_stride_is_refused(
    tmp_path: Path, coloured_clips: Path, make_header: MakeHeader
) -> None:
    header = make_header(variant="r3d-18", width=1.0).model_copy(update={"classes": ["blue", "green", "red"]})
    save_untrained(tmp_path / "net.safetensors", header)
    with pytest.raises(CheckpointError, match=r"R3D-18 needs clips of at least 8 frames, not 4"):
        evaluate_checkpoint(tmp_path / "net.safetensors", str(coloured_clips), look=Look(frames=4), device="cpu")
    with pytest.raises(DataError, match=r"a clip of 400 frames: input should be less than or equal to 128"):
        evaluate_checkpoint(tmp_path / "net.safetensors", str(coloured_clips), look=Look(frames=400), device="cpu")
