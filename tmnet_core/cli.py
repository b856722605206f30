"""The `tmnet` command: arguments to function calls, nothing else.

torch takes seconds to import, so each command imports what it runs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tmnet_core import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Temporal Memory Network: learn from clips, recognise an action from one frame.",
)

DATA_HELP = "A folder with one folder of videos per class, or synthetic-people."
Checkpoint = Annotated[
    Path,
    typer.Argument(
        metavar="CHECKPOINT", help="A .safetensors checkpoint of TMNet; to look, an exported .onnx file too."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads of torch; 0 leaves torch its own choice.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"tmnet {__version__}")
        raise typer.Exit


@app.callback()
def _tmnet(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A TOML file, or a shipped recipe's name.")] = "quick",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value, such as clip.frames=8.")
    ] = None,
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    name: Annotated[str | None, typer.Option(help="The run's name.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Where run folders are kept.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with this run's folder.")] = None,
    threads: Threads = 0,
) -> None:
    """Train a network; Ctrl-C saves, and --resume goes on."""
    from tmnet_core.config import load_recipe
    from tmnet_core.errors import RecipeError, TMNetError
    from tmnet_core.reporting import TrainingReport
    from tmnet_core.training.run_folder import RunFolder, default_runs_folder
    from tmnet_core.training.trainer import train as train_run

    _use_threads(threads)
    if resume is not None:
        run = RunFolder.open(resume)
        if set_ or data or name:
            raise RecipeError(f"run {resume}: it goes on with its own recipe, without --set, --data and --name")
        values = run.recipe()
    else:
        overrides = list(set_ or [])
        overrides += [f"data.root={_absolute(data)!r}"] if data else []
        overrides += [f"name={name!r}"] if name else []
        values = load_recipe(recipe, overrides)
        run = RunFolder.create(runs or default_runs_folder(), values)
    try:
        with TrainingReport(run.path) as report:
            ended = train_run(values, run, resume=resume is not None, report=report.show)
    except TMNetError:
        if resume is None:
            run.discard_unless_trained()
        raise
    if ended.outcome == "stopped":
        raise typer.Exit(130)


@app.command()
def evaluate(
    checkpoint: Checkpoint,
    data: Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP)],
    part: Annotated[
        Literal["auto", "validation", "all"],
        typer.Option(
            help="Which clips: those kept for validation, all, or auto: the former where DATA was trained on."
        ),
    ] = "auto",
    key_frames: Annotated[int, typer.Option(min=1, help="Glances per clip, spread over it.")] = 5,
    whole_clips: Annotated[
        bool, typer.Option("--whole-clips", help="Look at clips as in training, not at single frames.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Clips at once.")] = 16,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read clips.")] = 0,
    device: Device = "auto",
    threads: Threads = 0,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures to a file too.")] = None,
) -> None:
    """Say how good one glance, or one clip, is: top-1, top-5, mAP of RB, CB and RB+CB."""
    from tmnet_core.reporting import print_evaluation, progress_bar
    from tmnet_core.training.evaluation import evaluate_checkpoint

    _use_threads(threads)
    with progress_bar("Glancing") as progress:
        evaluation = evaluate_checkpoint(
            checkpoint,
            data,
            part=part,
            key_frames=key_frames,
            whole_clips=whole_clips,
            batch=batch,
            workers=workers,
            device=device,
            progress=progress,
        )
    print_evaluation(evaluation)
    if json is not None:
        from tmnet_core.files import replacing

        with replacing(json) as temporary:
            temporary.write_text(evaluation.model_dump_json(indent=2) + "\n", encoding="utf-8")


@app.command()
def info(
    checkpoint: Checkpoint,
    json: Annotated[bool, typer.Option("--json", help="Print the whole header as JSON.")] = False,
) -> None:
    """Say what a checkpoint is and what it was trained on."""
    from tmnet_core.checkpoint import read_header
    from tmnet_core.reporting import print_rows

    header = read_header(checkpoint)
    if json:
        print(header.model_dump_json(indent=2))
    else:
        print_rows(header.describe())


@app.command()
def glance(
    checkpoint: Checkpoint,
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file.")],
    top: Annotated[int, typer.Option(min=1, help="Classes per branch.")] = 3,
    every: Annotated[int, typer.Option(min=1, help="Look at every n-th frame.")] = 1,
    mirror: Annotated[bool, typer.Option(help="Mirror the frames left to right.")] = False,
    crop: Annotated[
        Literal["centre", "whole"] | None, typer.Option(help="What part is seen; the checkpoint's own if left out.")
    ] = None,
    device: Device = "auto",
    engine: Annotated[
        str, typer.Option(help="auto, onnxruntime, torch, torch-tf32, torch-fp16 or torch-bf16.")
    ] = "auto",
    threads: Threads = 0,
) -> None:
    """Look at each frame of a video alone; one JSON line a frame, none left out."""
    from tmnet_core.live.glance_file import glance_file

    _use_threads(threads)
    lines = glance_file(checkpoint, video, top=top, every=every, mirror=mirror, crop=crop, device=device, engine=engine)
    for line in lines:
        sys.stdout.write(line.model_dump_json() + "\n")


@app.command()
def export(
    checkpoint: Checkpoint,
    onnx: Annotated[Path, typer.Option(metavar="OUT", help="The .onnx file to write.")],
    int8: Annotated[
        Path | None,
        typer.Option(metavar="CALIBRATION", help="Compute in 8 bits; a folder of videos or pictures to calibrate on."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Videos or pictures to check on; frames of rendered people if left out."),
    ] = None,
) -> None:
    """Write one ONNX file with classes and preprocessing inside, checked against torch before it is put in place."""
    from tmnet_core.live.engines.export import export_checkpoint

    agreement = export_checkpoint(checkpoint, onnx, calibration=int8, check=check)
    print(f"{onnx}: {agreement}")


@app.command()
def synthesize(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="A folder of classes; with --film a video, with --sheet a PNG.")
    ],
    clips: Annotated[int, typer.Option(min=12, help="Clips of the data set.")] = 1200,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames, in pixels.")] = "160x120",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same pixels.")] = 0,
    classes: Annotated[str, typer.Option(metavar="A,B,...", help="Some of the classes; all if left out.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="Processes that render.")] = 0,
    film: Annotated[float, typer.Option(metavar="SECONDS", min=0.0, help="Render a film of several actions.")] = 0.0,
    sheet: Annotated[bool, typer.Option("--sheet", help="Draw a contact sheet of the classes.")] = False,
) -> None:
    """Render synthetic people: a data set with its split, a film, or a contact sheet."""
    from tmnet_core.data import synthetic_people
    from tmnet_core.reporting import progress_bar

    width, height = _parse_size(size)
    chosen = tuple(classes.split(",")) if classes else synthetic_people.CLASSES
    if sheet:
        synthetic_people.write_contact_sheet(out, seed, size=(width, height), classes=chosen)
        return
    with progress_bar("Rendering") as progress:
        if film:
            synthetic_people.write_film(out, seed, film, (width, height), progress=progress)
        else:
            synthetic_people.write_dataset(
                out, clips, size=(width, height), seed=seed, classes=chosen, workers=workers, progress=progress
            )


@app.command("demo-network")
def demo_network(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for the runs and the checkpoint.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value of both recipes.")
    ] = None,
    threads: Threads = 0,
) -> None:
    """Train the network that ships with the project again, from nothing but rendered people."""
    from tmnet_core.reporting import TrainingReport, progress_bar
    from tmnet_core.training.demo_network import make_demo_network

    _use_threads(threads)
    with progress_bar("Finding joints") as progress, TrainingReport(out) as report:
        checkpoint = make_demo_network(out, overrides=set_, progress=progress, report=report.show)
    print(checkpoint)


@app.command()
def models(
    frames: Annotated[int, typer.Option(min=8, help="Frames of a clip; C3D keeps its 16.")] = 16,
    size: Annotated[int, typer.Option(min=32, help="Side of the input; R3D-18 and C3D keep their 112.")] = 224,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """List the networks with parameters and multiply-adds, and their parts beside the published figures."""
    from tmnet_core.models.costs import list_costs
    from tmnet_core.reporting import print_costs

    costs = list_costs(frames, size)
    if json:
        print(costs.model_dump_json(indent=2))
    else:
        print_costs(costs)


@app.command()
def recipes(name: Annotated[str | None, typer.Argument(help="Print this recipe, complete.")] = None) -> None:
    """List the shipped recipes, or print one with every key explained."""
    from tmnet_core.config import dump_recipe, load_recipe, shipped_recipes

    if name is not None:
        print(dump_recipe(load_recipe(name)), end="")
        return
    for shipped, path in shipped_recipes().items():
        first_line = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        print(f"{shipped:12}{first_line}")


@app.command()
def bench(
    backbone: Annotated[
        str, typer.Option(help="The 2D network that TMNet is built on and compared with.")
    ] = "resnet18",
    size: Annotated[int, typer.Option(min=32, help="Side of the input, in pixels.")] = 224,
    rounds: Annotated[int, typer.Option(min=3, help="Interleaved rounds.")] = 30,
    engines: Annotated[
        bool, typer.Option("--engines", help="Measure the engines of the device, their branches, and preprocessing.")
    ] = False,
    rendering: Annotated[
        bool, typer.Option("--rendering", help="Measure how fast synthetic people are drawn.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Measure the window too, with a stand-in network.")] = False,
    soak: Annotated[
        float, typer.Option(min=0.0, help="Minutes of looping video for the memory check; 0 for none.")
    ] = 0.0,
    device: Device = "auto",
    threads: Threads = 1,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures to a file too.")] = None,
) -> None:
    """Measure one glance against the plain network, side by side in one run."""
    from tmnet_core.benchmarks.report import run_benchmarks

    _use_threads(threads)
    command = " ".join(["tmnet", *sys.argv[1:]])
    report = run_benchmarks(
        backbone,
        size=size,
        rounds=rounds,
        live=live,
        soak_minutes=soak,
        device=device,
        command=command,
        engines=engines,
        rendering=rendering,
    )
    report.print()
    if json is not None:
        report.write(json)


def _absolute(data: str) -> str:
    """Make a folder's name good from any other folder, for the run's recipe; a word for rendered data stays."""
    folder = Path(data)
    return str(folder.resolve()) if folder.exists() else data


def _parse_size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise typer.BadParameter(f"size {text!r}: write it as WIDTHxHEIGHT, such as 320x240")
    return int(width), int(height)


def _use_threads(threads: int) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)
