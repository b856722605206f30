import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from tmnet_core.benchmarks.machine import describe_machine
from tmnet_core.checkpoint import (
    CheckpointHeader,
    LoadedCheckpoint,
    TrainingSummary,
    load_checkpoint,
    read_header,
    save_checkpoint,
)
from tmnet_core.config import DataSection, Recipe
from tmnet_core.data.clip_sources import open_all_clips
from tmnet_core.device import choose_device
from tmnet_core.errors import CheckpointError, DataError, DeviceMemoryError, RecipeError
from tmnet_core.live.engines.clip import ClipLook
from tmnet_core.live.engines.export import write_onnx
from tmnet_core.live.engines.outputs import EngineOutputs
from tmnet_core.live.engines.torch_engine import TorchEngine
from tmnet_core.models.branch import Branch
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model
from tmnet_core.training.answering import EngineAnswerer, NetworkAnswerer
from tmnet_core.training.checkpoint_evaluation import Evaluation, evaluate_checkpoint, evaluate_looks
from tmnet_core.training.evaluation_report import EvaluationReport
from tmnet_core.training.look import Look
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.scored_clips import Part, open_part
from tmnet_core.training.trainer import train

MakeHeader = Callable[..., CheckpointHeader]
MakeCheckpoint = Callable[..., tuple[Path, TMNet, CheckpointHeader]]


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
    opened = open_part(data, "auto", header, ["data.split_seed=3", "data.split=2"])
    assert (opened.part, len(opened.clips)) == ("validation", 6)
    for key, trained, other in (("split_seed", 3, 5), ("validation_fraction", 0.34, 0.5)):
        with pytest.raises(DataError, match=rf"trained with data\.{key} = {trained}, and with {other} some of its tra"):
            open_part(data, "validation", header, [f"data.{key}={other}"])
        assert open_part(data, "all", header, [f"data.{key}={other}"]).part == "all"


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
    assert "; 18 of 18 videos are too short for 16 frames at interval 2: their frames lie closer" in evaluation.caption
    assert list(evaluation.metrics) == ["RB", "CB", "RB+CB"]
    assert evaluation.title == f"16 frames of net.safetensors (torch fp32) at {coloured_clips.name}"


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
    assert "Intervals of 95 %: the 18 clips resampled, each of a source video of its own by its name." in markdown
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


def trained_run(folder: Path, recipe: Recipe) -> RunFolder:
    """A run of three steps, validated at the second, which is the best, since RB starts to learn from chance."""
    training = recipe.training.model_copy(update={"validate_every": 2})
    schedule = recipe.schedule.model_copy(update={"iterations": 3})
    run = RunFolder.create(folder, recipe.model_copy(update={"training": training, "schedule": schedule}))
    train(run.recipe(), run)
    return run


def test_clips_that_were_trained_on_are_left_out_whatever_the_folder_is_called(
    tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe
) -> None:
    run = trained_run(tmp_path / "runs", tiny_recipe)
    renamed = tmp_path / "renamed"
    for path in sorted(coloured_clips.glob("*/*.mp4")):
        other = renamed / path.parent.name / f"{path.stem}, a copy.mp4"
        other.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, other)

    def evaluate(part: Part = "auto") -> Evaluation:
        return evaluate_checkpoint(run.last_checkpoint, str(renamed), part=part, device="cpu")

    found = evaluate()
    assert (found.part, found.videos, found.checkpoint) == ("all", 6, "tiny/last.safetensors")
    assert found.notes == ["12 of 18 clips are left out, because the network was trained on them."]
    assert evaluate("all").videos == 18
    assert evaluate("all").notes == ["The network was trained on 12 of these clips."]
    for path in renamed.glob("*/*.mp4"):
        if int(path.stem.split("_")[1].split(",")[0]) > 3:
            path.unlink()
    header = read_header(run.last_checkpoint)
    opened = open_part(str(renamed), "auto", header)
    assert 0 < len(opened.clips) < 6
    for index in range(len(opened.clips)):
        Path(opened.clips.name(index)).unlink()
    with pytest.raises(DataError, match=r"the network was trained on all \d+ of its clips; --part all looks"):
        evaluate()


def test_files_that_come_later_bring_no_training_clips_into_validation(
    tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe
) -> None:
    """More sources make the seeded split another one."""
    data = tmp_path / "clips"
    shutil.copytree(coloured_clips, data)
    recipe = tiny_recipe.model_copy(update={"data": tiny_recipe.data.model_copy(update={"root": str(data)})})
    run = trained_run(tmp_path / "runs", recipe)
    for path in sorted(data.glob("*/*.mp4")):
        path.with_name(f"later {path.name}").write_bytes(path.read_bytes() + b"more")
    opened = open_part(str(data), "auto", read_header(run.last_checkpoint))
    assert opened.part == "validation"
    assert len(opened.notes) == 1
    assert "left out, because the network was trained on them" in opened.notes[0]
    trained = read_header(run.last_checkpoint).training
    assert trained is not None
    assert trained.trained_on is not None
    assert trained.trained_on.found_in(opened.clips) == []


def test_the_best_of_a_run_is_told_where_it_was_chosen_on_these_clips(
    tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe
) -> None:
    run = trained_run(tmp_path / "runs", tiny_recipe)
    chosen = "{} was chosen as the best of its run on these clips, so its figures are rather too high."

    def notes(checkpoint: Path, part: Part = "auto") -> list[str]:
        return evaluate_checkpoint(checkpoint, str(coloured_clips), part=part, device="cpu").notes

    assert notes(run.best_checkpoint) == [chosen.format("best.safetensors")]
    assert notes(run.last_checkpoint) == []
    # The file tells it, not its name.
    mine = shutil.copyfile(run.best_checkpoint, tmp_path / "mine.safetensors")
    assert notes(mine) == [chosen.format("mine.safetensors")]
    assert "on 6 of these clips" in notes(run.best_checkpoint, "all")[1]


def rewrite_training(checkpoint: Path, out: Path, **changes: object) -> None:
    """Write a checkpoint that says something else of its training."""
    loaded = load_checkpoint(checkpoint)
    assert loaded.header.training is not None
    training = loaded.header.training.model_copy(update=changes)
    save_checkpoint(out, loaded.model, loaded.header.model_copy(update={"training": training}))


def test_a_checkpoint_of_before_says_that_it_does_not_know(
    tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe
) -> None:
    run = trained_run(tmp_path / "runs", tiny_recipe)
    rewrite_training(run.best_checkpoint, run.best_checkpoint, trained_on=None, chosen_on=None)
    notes = evaluate_checkpoint(run.best_checkpoint, str(coloured_clips), device="cpu").notes
    assert len(notes) == 2
    assert notes[0].startswith("The network does not say which clips it was trained on")
    assert notes[1].startswith("best.safetensors was chosen as the best of its run")


def test_what_the_start_weights_have_seen_counts_too(tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe) -> None:
    first = trained_run(tmp_path / "runs", tiny_recipe)
    other = tiny_recipe.model_copy(
        update={
            "start": tiny_recipe.start.model_copy(update={"weights": str(first.last_checkpoint)}),
            "data": tiny_recipe.data.model_copy(update={"split_seed": tiny_recipe.data.split_seed + 1}),
        }
    )
    second = trained_run(tmp_path / "runs", other)
    seen = [read_header(run.last_checkpoint).training.trained_on for run in (first, second)]  # type: ignore[union-attr]
    assert len(seen[0]) == 12
    assert len(seen[1]) > 12
    assert seen[0] | seen[1] == seen[1]


def test_intervals_are_over_source_videos(tmp_path: Path, coloured_clips: Path, make_header: MakeHeader) -> None:
    header = make_header().model_copy(update={"classes": ["blue", "green", "red"]})
    save_untrained(tmp_path / "net.safetensors", header)
    for film in range(2):
        table = ["path,label,source,subset"]
        for path in sorted(coloured_clips.glob("*/*.mp4")):
            number = int(path.stem[-1])
            side = "train" if number < 2 else "validation"
            table.append(f"{path},{path.parent.name},{side} {min(film, number % 2)},{side}")
        (tmp_path / "clips.csv").write_text("\n".join(table))
        found = evaluate_checkpoint(
            tmp_path / "net.safetensors", str(tmp_path / "clips.csv"), part="validation", device="cpu"
        )
        assert (found.videos, found.sources) == (12, film + 1)
        assert (found.top1_intervals["CB"] is None) is (film == 0)
    assert found.resampling == "Intervals of 95 %: the 2 source videos of the 12 clips resampled, each as a whole."


@torch.no_grad()
def tell_apart(loaded: LoadedCheckpoint, folder: Path) -> None:
    """Let a network that has hardly learned anything give clips clearly different answers, and RB others than CB."""
    clips = open_all_clips(DataSection(root=str(folder)))
    cut = loaded.header.preprocessing
    frames = [clips.read(index, [4])[0] for index in range(len(clips))]
    images = np.stack([cut.cut(frame, cut.place(frame.shape[1], frame.shape[0])) for frame in frames])
    model = loaded.model
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    torch.manual_seed(0)
    for parameter in model.regression.parameters() if model.regression else ():
        parameter.add_(torch.randn_like(parameter) * parameter.std(unbiased=False) * 0.3)
    model.train().glance(cut.normalise(torch.as_tensor(images)))
    looks = model.eval().glance(cut.normalise(torch.as_tensor(images)))
    assert looks.classification is not None
    features = looks.classification.mean((2, 3))
    weight = torch.randn_like(model.classifier.weight) / (features.std(0) + 1e-3) / features.shape[1] ** 0.5
    model.classifier.weight.copy_(weight)
    model.classifier.bias.copy_(-weight @ features.mean(0))


def run_that_tells_apart(runs: Path, recipe: Recipe, folder: Path) -> tuple[RunFolder, LoadedCheckpoint]:
    """Train a run, and let its last network tell clips apart."""
    run = trained_run(runs, recipe)
    loaded = load_checkpoint(run.last_checkpoint)
    tell_apart(loaded, folder)
    save_checkpoint(run.last_checkpoint, loaded.model, loaded.header)
    return run, loaded


def rewritten(path: Path, out: Path, **said: str) -> Path:
    """Copy an exported file that says something else of itself."""
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {entry.key: entry.value for entry in model.metadata_props} | said)
    onnx.save(model, out)
    return out


def test_an_exported_file_is_evaluated_as_its_checkpoint_is(
    tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe
) -> None:
    """On the same clips: those that the network was trained on are left out, under whatever name."""
    # Of fewer layers than the usual one: exporting takes seconds.
    model = tiny_recipe.model.model_copy(update={"backbone": "resnet18", "width": 1.0})
    recipe = tiny_recipe.model_copy(update={"model": model})
    run, loaded = run_that_tells_apart(tmp_path / "runs", recipe, coloured_clips)
    exported = tmp_path / "net.onnx"
    write_onnx(loaded.model, loaded.header, exported)
    renamed = str(shutil.copytree(coloured_clips, tmp_path / "renamed"))
    alike = {"RB": 1.0, "CB": 1.0, "RB+CB": 1.0}

    for look in (Look(key_frames=3), Look(key_frames=1, key_frame="ending", crops=10)):
        (found,) = evaluate_looks(exported, renamed, [look], against=run.last_checkpoint)
        assert (found.engine, found.checkpoint, found.videos) == ("onnxruntime fp32", "net.onnx", 6)
        assert found.notes == ["12 of 18 clips are left out, because one of the networks was trained on them."]
        assert found.against is not None
        assert (found.against.name, found.against.engine) == ("tiny/last.safetensors", "torch fp32")
        assert found.against.same_answers == alike
        assert found.against.differences["RB"].mean == 0.0
        (plain,) = evaluate_looks(run.last_checkpoint, renamed, [look])
        for branch, values in plain.metrics.items():
            assert found.metrics[branch] == pytest.approx(values, abs=1e-6)
            assert found.against.top1[branch] == pytest.approx(values["top1"], abs=1e-6)
    report = EvaluationReport(command="tmnet", machine=describe_machine(choose_device("cpu")), evaluations=[found])
    _, _, table = report.markdown().partition("## Against tiny/last.safetensors (torch fp32)")
    top1 = 100 * found.metrics["CB"]["top1"]
    assert f"| one glance | CB | {top1:.1f} | {top1:.1f} | +0.0 | +0.0 to +0.0 | 100.0 |" in table

    with pytest.raises(CheckpointError, match=r"net\.onnx: it was exported for single frames, not for clips of 4 fr"):
        evaluate_checkpoint(exported, renamed, look=Look(frames=4))
    of_clips = rewritten(exported, tmp_path / "clips.onnx", clip='{"frames": 4, "key_frame": 0.5}')
    with pytest.raises(CheckpointError, match=r"clips\.onnx: it was exported for clips of 4 frames, not for single fr"):
        evaluate_checkpoint(of_clips, renamed)
    with pytest.raises(CheckpointError, match=r"with RB at the fraction 0\.50 of a clip, not at its ending"):
        evaluate_checkpoint(of_clips, renamed, look=Look(frames=4, key_frame="ending"))

    assert loaded.header.training is not None
    before = loaded.header.training.model_copy(update={"trained_on": None, "chosen_on": None})
    header = loaded.header.model_copy(update={"training": before}).model_dump_json()
    old = evaluate_checkpoint(rewritten(exported, tmp_path / "old.onnx", tmnet=header), renamed)
    assert old.videos == 18
    assert old.notes[0].startswith("The network does not say which clips it was trained on")


def test_an_engine_answers_for_clips_as_the_network_does(make_checkpoint: MakeCheckpoint) -> None:
    _, model, header = make_checkpoint(backbone="resnet18", width=1.0)
    frames = torch.randint(0, 255, (2, 4, 10, 32, 32, 3), dtype=torch.uint8)
    engine = TorchEngine(model, header.preprocessing, clip=ClipLook(4, 0.5))
    wanted = NetworkAnswerer(model, header.preprocessing, torch.device("cpu")).answer(frames, 0.5)
    found = EngineAnswerer(engine, "features").answer(frames, 0.5)
    engine.close()
    assert list(found) == list(wanted) == ["RB", "CB", "RB+CB"]
    for branch, values in wanted.items():
        assert values.shape == (2, 1, 3)
        torch.testing.assert_close(found[branch], values, rtol=1e-3, atol=1e-4)


def test_ten_crops_of_an_exported_file_are_averaged_as_logits() -> None:
    """Also where RB+CB is the mean of probabilities, whose logits are no means."""
    torch.manual_seed(0)
    logits = {branch: torch.randn(12, 3) * 4 for branch in (Branch.RB, Branch.CB)}

    class Fixed:
        def look(self, images: object, branches: object = None, *, maps: bool = True) -> EngineOutputs:
            said = {branch: values.softmax(-1) for branch, values in logits.items()}
            said[Branch.FUSED] = (said[Branch.RB] + said[Branch.CB]) / 2
            return EngineOutputs({branch: values.numpy() for branch, values in said.items()}, {}, {})

    found = EngineAnswerer(Fixed(), "probabilities").answer(torch.zeros(2, 3, 2, 4, 4, 3, dtype=torch.uint8), None)  # type: ignore[arg-type]
    expected = {branch: values.reshape(2, 3, 2, 3).mean(2).softmax(-1) for branch, values in logits.items()}
    expected[Branch.FUSED] = (expected[Branch.RB] + expected[Branch.CB]) / 2
    for branch, values in expected.items():
        torch.testing.assert_close(found[branch], values, rtol=1e-4, atol=1e-6)


def test_two_networks_are_compared_clip_by_clip_whatever_the_order_of_their_classes(
    tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe
) -> None:
    run, loaded = run_that_tells_apart(tmp_path / "runs", tiny_recipe, coloured_clips)
    order = [2, 0, 1]
    with torch.no_grad():
        loaded.model.classifier.weight.copy_(loaded.model.classifier.weight[order])
        loaded.model.classifier.bias.copy_(loaded.model.classifier.bias[order])
    turned = loaded.header.model_copy(update={"classes": [loaded.header.classes[label] for label in order]})
    save_checkpoint(tmp_path / "turned.safetensors", loaded.model, turned)
    with torch.no_grad():
        loaded.model.classifier.bias[0] = 1e3
    save_checkpoint(tmp_path / "always red.safetensors", loaded.model, turned)
    data = str(coloured_clips)

    (found,) = evaluate_looks(tmp_path / "turned.safetensors", data, [Look()], against=run.last_checkpoint)
    assert found.against is not None
    assert found.against.same_answers["CB"] == 1.0
    plain = evaluate_checkpoint(run.last_checkpoint, data)
    assert found.metrics == {branch: pytest.approx(values) for branch, values in plain.metrics.items()}
    assert [one.name for one in found.classes["CB"]] == ["red", "blue", "green"]
    # Else the order would not matter.
    assert sum(map(any, zip(*plain.confusion["CB"], strict=True))) > 1

    (other,) = evaluate_looks(run.last_checkpoint, data, [Look()], against=tmp_path / "always red.safetensors")
    assert other.against is not None
    for branch, difference in other.against.differences.items():
        assert other.against.top1[branch] == pytest.approx(1 / 3)
        assert difference.mean == pytest.approx(other.metrics[branch]["top1"] - 1 / 3, abs=1e-6)
        reds = sum(row[2] for row in other.confusion[branch]) / sum(map(sum, other.confusion[branch]))
        assert other.against.same_answers[branch] == pytest.approx(reds)


def test_networks_that_were_trained_on_other_frames_of_a_clip_are_not_compared_on_clips(
    tmp_path: Path, coloured_clips: Path, tiny_recipe: Recipe
) -> None:
    run = trained_run(tmp_path / "runs", tiny_recipe)
    clip = tiny_recipe.clip.model_copy(update={"sampling": "segments", "key_frame": "ending"})
    rewrite_training(run.last_checkpoint, tmp_path / "other.safetensors", clip=clip)
    other, data = tmp_path / "other.safetensors", str(coloured_clips)
    with pytest.raises(
        CheckpointError, match=r"other frames of a video \(segments, RB's from the ending\) than .*last"
    ):
        evaluate_looks(run.last_checkpoint, data, [Look(frames=2)], against=other)
    look = Look(frames=2, sampling="even", key_frame="middle")
    (found,) = evaluate_looks(run.last_checkpoint, data, [look], against=other)
    assert found.against is not None
    assert (found.against.clips, found.against.same_answers["CB"]) == (6, 1.0)


def test_a_gpu_that_is_too_small_is_a_sentence_that_says_what_to_change(
    tmp_path: Path, coloured_clips: Path, make_header: MakeHeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = make_header().model_copy(update={"classes": ["blue", "green", "red"]})
    save_untrained(tmp_path / "net.safetensors", header)

    def answer(self: object, frames: torch.Tensor, key_frame: float | None) -> dict[Branch, torch.Tensor]:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(NetworkAnswerer, "answer", answer)
    with pytest.raises(
        DeviceMemoryError, match=r"does not suffice for this evaluation; lower --batch, or say --device"
    ):
        evaluate_checkpoint(tmp_path / "net.safetensors", str(coloured_clips), device="cpu")


def test_files_that_are_no_exports_are_refused_by_name(tmp_path: Path, coloured_clips: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"no ONNX file at all")
    with pytest.raises(CheckpointError, match=r"other\.onnx: it is damaged or no ONNX file"):
        evaluate_checkpoint(tmp_path / "other.onnx", str(coloured_clips))
