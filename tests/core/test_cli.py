import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tmnet_core.__main__ import main
from tmnet_core.config import Recipe, dump_recipe
from tmnet_core.training.events import Ended, read_events
from tmnet_core.training.run_folder import RunFolder


class Result(NamedTuple):
    """How a command ended and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def tmnet_here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A function that runs `tmnet` in this process: importing torch anew takes seconds each time."""

    def run(*arguments: str | Path, folder: Path | None = None) -> Result:
        monkeypatch.setattr(sys, "argv", ["tmnet", *map(str, arguments)])
        if folder is not None:
            monkeypatch.chdir(folder)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Result(int(ended.value.code or 0), told.out, told.err)

    return run


def tmnet(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tmnet_core", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env=ENVIRONMENT,
        timeout=120,
        check=False,
    )


def write_recipe(path: Path, recipe: Recipe) -> Path:
    path.write_text(dump_recipe(recipe), encoding="utf-8")
    return path


def test_from_training_to_a_glance_and_an_evaluation(
    tmp_path: Path, tiny_recipe: Recipe, coloured_clips: Path, tmnet_here: Callable[..., Result]
) -> None:
    recipe = write_recipe(tmp_path / "tiny.toml", tiny_recipe)
    trained = tmnet(
        "train",
        recipe,
        "--set",
        "schedule.iterations=4",
        "--name",
        "first",
        "--runs",
        tmp_path,
        "--data",
        coloured_clips,
    )
    assert trained.returncode == 0, trained.stderr
    assert "finished at iteration 4" in trained.stderr
    checkpoint = tmp_path / "first" / "best.safetensors"

    told = tmnet_here("info", checkpoint)
    assert "TMNet-2D mobilenet_v2 2/2" in told.stdout
    assert "blue, green, red" in told.stdout

    video = next((coloured_clips / "green").iterdir())
    glanced = tmnet_here("glance", checkpoint, video, "--top", "2", "--device", "cpu")
    lines = [json.loads(line) for line in glanced.stdout.splitlines()]
    assert [line["frame"] for line in lines] == list(range(12))
    assert set(lines[0]["branches"]) == {"RB", "CB", "RB+CB"}
    assert lines[0]["answer"] == lines[0]["branches"]["RB+CB"][0]

    figures = tmp_path / "figures.json"
    evaluated = tmnet_here(
        "evaluate", checkpoint, coloured_clips, "--key-frames", "1", "--device", "cpu", "--json", figures
    )
    assert evaluated.returncode == 0, evaluated.stderr
    # The data set's name is the one trained on: only what was kept for validation is looked at.
    told = json.loads(figures.read_text())
    assert told["evaluations"][0]["part"] == "validation"
    assert told["evaluations"][0]["videos"] == 6
    assert told["command"].startswith(f"tmnet evaluate {checkpoint}")
    assert "RB+CB - CB" in evaluated.stdout

    drawn = tmnet_here("curves", tmp_path / "first", "-o", tmp_path / "curves.png")
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_control_c_saves_and_resume_goes_on(
    tmp_path: Path, tiny_recipe: Recipe, tmnet_here: Callable[..., Result]
) -> None:
    recipe = write_recipe(tmp_path / "tiny.toml", tiny_recipe)
    command = [sys.executable, "-m", "tmnet_core", "train", str(recipe), "--runs", str(tmp_path)]
    long = subprocess.Popen(
        [*command, "--set", "schedule.iterations=100000", "--set", "training.validate_every=2"],
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert long.stderr is not None
    for line in long.stderr:
        if b"best so far" in line:
            break
    long.send_signal(signal.SIGINT)
    rest = long.stderr.read()
    long.stderr.close()
    assert long.wait(60) == 130, rest
    run = RunFolder.open(tmp_path / "tiny")
    stopped = list(read_events(run.events_file))[-1]
    assert isinstance(stopped, Ended)
    assert stopped.outcome == "stopped"
    assert run.load_state()["progress"]["iteration"] == stopped.iteration > 0

    run.ask_to_stop()  # left behind, as by a process that ended before it looked
    run.ask_to_pause()
    last = stopped.iteration + 3
    shorter = ["--set", f"schedule.iterations={last}", "--accept-recipe"]
    resumed = tmnet_here("train", "--resume", "tiny", "--runs", tmp_path, *shorter)
    assert resumed.returncode == 0, resumed.stderr
    assert list(read_events(run.events_file))[-1].iteration == last


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nosuch.toml"], "tmnet: recipe nosuch.toml: there is no such file, nor a shipped recipe"),
        (["train", "quick", "--set", "clip.frame=3"], "unknown key 'clip.frame'; did you mean 'clip.frames'?"),
        (["train", "quick", "--set", "clip.frames=three"], "clip.frames = 'three': input should be a valid integer"),
        (["train", "quick", "--data", "nowhere", "--set", "start.weights=none"], "nowhere"),
        (["train", "quick"], "tmnet: no data: give --data FOLDER"),
        (["train", "--resume", "."], "not the folder of a run"),
        (["train", "--resume", "nosuch"], "run nosuch: there is no such folder, and no run of this name in "),
        (["info", "nosuch.safetensors"], "tmnet: checkpoint nosuch.safetensors: there is no such file"),
        (["glance", "nosuch.safetensors", "x.mp4"], "x.mp4"),
        (["evaluate", "nosuch.safetensors", "."], "there is no such file"),
        (["curves", "nosuch", "-o", "x.png"], "run nosuch: not the folder of a run"),
        (["reproduce", "table1", "--data", "nowhere", "--out", "x"], "nowhere"),
        (["bench", "--backbone", "vgg"], "backbone 'vgg': not known; choose one of resnet18"),
        (["bench", "--device", "cuda:99"], "device 'cuda:99'"),
        (["bench", "--processor-time", "--threads", "2"], "--processor-time: one thread of the CPU"),
        (["recipes", "nosuch"], "recipe nosuch"),
        (["data", "check", "nowhere"], "The data folder nowhere does not exist"),
        (["data", "check", ".", "--set", "data.splt=2"], "unknown key 'data.splt'; did you mean 'data.split'?"),
        (["data", "pack", "synthetic-people"], "synthetic-people is rendered as it is trained on"),
    ],
)
def test_what_a_person_gets_wrong_is_one_sentence(
    tmnet_here: Callable[..., Result], tmp_path: Path, arguments: Sequence[str], sentence: str
) -> None:
    runs = ["--runs", str(tmp_path / "runs")] if arguments[0] == "train" else []
    result = tmnet_here(*arguments, *runs, folder=tmp_path)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.rstrip().rpartition("\n")[2].startswith("tmnet: ")


def test_a_failed_start_is_one_sentence_and_leaves_no_run(
    tmnet_here: Callable[..., Result], tmp_path: Path, tiny_recipe: Recipe
) -> None:
    recipe = write_recipe(tmp_path / "tiny.toml", tiny_recipe)
    failed = tmnet_here("train", recipe, "--data", tmp_path / "nowhere", "--runs", tmp_path / "runs")
    assert failed.returncode == 1
    assert len(failed.stderr.split("\n")) == 2, failed.stderr
    assert not list((tmp_path / "runs").iterdir())


def test_a_resumed_run_keeps_its_recipe_unless_told_otherwise(
    tmnet_here: Callable[..., Result], tmp_path: Path
) -> None:
    run = RunFolder.create(tmp_path, Recipe())
    run.save_state({"recipe": Recipe().model_dump(mode="json")})
    refused = tmnet_here("train", "--resume", run.path, "--set", "clip.frames=3")
    assert refused.returncode == 1
    assert "saved with another recipe (clip.frames: 16 -> 3); add --accept-changes" in refused.stderr
    assert run.recipe() == Recipe()
    assert "it keeps its name" in tmnet_here("train", "--resume", run.path, "--name", "other").stderr


def test_no_runs_are_said_to_be_none(
    tmnet_here: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMNET_RUNS", str(tmp_path / "none"))
    assert tmnet_here("runs").stdout == f"no runs in {tmp_path / 'none'}\n"
    assert json.loads(tmnet_here("runs", "--json").stdout) == []


def test_a_place_that_cannot_be_written_is_one_sentence(tmnet_here: Callable[..., Result], tmp_path: Path) -> None:
    sheet = tmp_path / "none" / "sheet.png"
    refused = tmnet_here("synthesize", sheet, "--sheet", "--size", "96x64", "--classes", "walk")
    assert refused.returncode == 1
    assert refused.stderr == f"tmnet: {sheet}: No such file or directory\n"


def test_recipes_are_listed_and_printed_complete(tmnet_here: Callable[..., Result], tmp_path: Path) -> None:
    assert "paper" in tmnet_here("recipes").stdout
    printed = tmnet_here("recipes", "paper").stdout
    assert "alpha = 0.8 # Weight of the regression loss" in printed
    (tmp_path / "again.toml").write_text(printed, encoding="utf-8")
    assert tmnet_here("recipes", str(tmp_path / "again.toml")).stdout == printed


def test_help_does_not_wait_for_torch(tmp_path: Path) -> None:
    code = "import sys, tmnet_core.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_glancing_at_a_broken_video_is_one_sentence(
    tmnet_here: Callable[..., Result], tmp_path: Path, make_checkpoint: Callable[..., tuple[Path, object, object]]
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 64)
    result = tmnet_here("glance", make_checkpoint()[0], tmp_path / "broken.mp4")
    assert (result.returncode, result.stdout) == (1, "")
    assert "broken.mp4" in result.stderr
    assert result.stderr.count("\n") == 1


def test_synthetic_people_become_a_data_set_a_film_and_a_sheet(
    tmnet_here: Callable[..., Result], tmp_path: Path
) -> None:
    out = tmp_path / "people"
    made = tmnet_here("synthesize", out, "--clips", "12", "--size", "96x64", "--classes", "walk,wave")
    assert made.returncode == 0, made.stderr
    assert len(list(out.rglob("*.mp4"))) == 12
    assert {path.name for path in out.iterdir()} == {"walk", "wave", "split.csv"}
    tmnet_here("synthesize", tmp_path / "film.mp4", "--film", "3", "--size", "96x64")
    assert (tmp_path / "film.mp4").stat().st_size > 1000
    assert json.loads((tmp_path / "film.json").read_text())
    tmnet_here("synthesize", tmp_path / "sheet.png", "--sheet", "--size", "96x64", "--classes", "walk,wave")
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG"
    refused = tmnet_here("synthesize", out, "--clips", "12")
    assert refused.returncode == 1
    assert "already holds a data set" in refused.stderr
