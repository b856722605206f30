"""How good a network is, and how it learned: `evaluate`, `curves`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tmnet_core.cli.app import DATA_HELP, DataChanges, Device, Threads, app, this_command, use_threads


@app.command()
def evaluate(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A .safetensors checkpoint of TMNet, an exported .onnx file, or a run, whose last one is taken.",
        ),
    ],
    data: Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP)],
    set_: DataChanges = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="OTHER",
            help="Compare with this checkpoint, exported file or run on the same clips: top-1, paired by clip.",
        ),
    ] = None,
    part: Annotated[
        Literal["auto", "validation", "all"],
        typer.Option(
            help="Which clips: those kept for validation, all, or auto: the former where DATA was trained on."
        ),
    ] = "auto",
    key_frame: Annotated[
        Literal["spread", "beginning", "middle", "ending"],
        typer.Option(help="Where the glances are: all over a clip, or in one third of it (Table 4)."),
    ] = "spread",
    key_frames: Annotated[int, typer.Option(min=1, help="Glances per clip, spread over it or over the third.")] = 5,
    frames: Annotated[
        str, typer.Option(metavar="T,T,...", help="Look at T frames of a clip together, such as 1,2,4,8,16.")
    ] = "",
    whole_clips: Annotated[
        bool, typer.Option("--whole-clips", help="Look at clips of as many frames as in training.")
    ] = False,
    sampling: Annotated[
        Literal["trained", "interval", "even", "segments"],
        typer.Option(help="How the frames of a clip are taken; as in training if left out."),
    ] = "trained",
    crops: Annotated[
        int, typer.Option(min=1, max=10, help="1, or 10: corners and centre, each mirrored too, averaged.")
    ] = 1,
    by_class: Annotated[bool, typer.Option("--by-class", help="Print a table of the classes too.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Clips at once.")] = 16,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read clips.")] = 0,
    device: Device = "auto",
    threads: Threads = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write JSON, Markdown, class tables, confusion matrices as CSV and PNG."),
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as Markdown.")] = None,
) -> None:
    """Say how good one glance, or a clip, is: acc@1, acc@5, mAP of RB, CB and RB+CB, by class and confusion."""
    from tmnet_core.benchmarks.machine import describe_machine
    from tmnet_core.reporting import print_evaluations, progress_bar
    from tmnet_core.training.checkpoint_evaluation import evaluate_looks
    from tmnet_core.training.evaluation_report import EvaluationReport
    from tmnet_core.training.look import Look
    from tmnet_core.training.scored_network import frames_trained_on, scoring_device

    if crops not in (1, 10):
        raise typer.BadParameter(f"{crops} crops: there are 1 and 10", param_hint="--crops")
    use_threads(threads)
    checkpoint = _last_of_run(checkpoint)
    lengths = _parse_frames(frames) or ([frames_trained_on(checkpoint)] if whole_clips else [0])
    looks = [
        Look(
            frames=length,
            key_frame=None if key_frame == "spread" else key_frame,
            key_frames=key_frames,
            sampling=None if sampling == "trained" else sampling,
            crops=10 if crops == 10 else 1,
        )
        for length in lengths
    ]
    with progress_bar("Looking") as progress:
        evaluations = evaluate_looks(
            checkpoint,
            data,
            looks,
            against=None if against is None else _last_of_run(against),
            changes=set_ or [],
            part=part,
            batch=batch,
            workers=workers,
            device=device,
            progress=progress,
        )
    print_evaluations(evaluations, by_class=by_class)
    machine = describe_machine(scoring_device(checkpoint, device))
    report = EvaluationReport(command=this_command(), machine=machine, evaluations=evaluations)
    if json is not None:
        report.write_json(json)
    if markdown is not None:
        report.write_markdown(markdown)
    if out is not None:
        report.write_folder(out)
        print(f"written to {out}")


@app.command()
def curves(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Folders of runs, or names of runs.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="PNG", help="The picture to write; .svg and .pdf too.")],
) -> None:
    """Draw how runs learned: accuracy of one glance by branch, losses, learning rate."""
    from tmnet_core.figures.learning_curves import LearningCurves, draw_learning_curves
    from tmnet_core.figures.style import save_figure
    from tmnet_core.training.events import read_events
    from tmnet_core.training.run_folder import RunFolder, default_runs_folder

    found = {}
    for name in runs:
        path = Path(name) if Path(name).exists() else default_runs_folder() / name
        run = RunFolder.open(path if path.exists() else Path(name))
        found[run.path.resolve().name] = LearningCurves.of(read_events(run.events_file))
    save_figure(draw_learning_curves(found), out)


def _last_of_run(named: Path) -> Path:
    """Return the last checkpoint of the run that a folder or a name means; a file is what it is.

    The last one, not the best: the best was chosen on the validation clips.
    """
    from tmnet_core.training.run_folder import RunFolder, default_runs_folder

    if named.is_dir() or (not named.exists() and not named.suffix and (default_runs_folder() / named).is_dir()):
        return RunFolder.find(named, default_runs_folder()).last_checkpoint
    return named


def _parse_frames(text: str) -> list[int]:
    """Turn `1,2,4` into numbers."""
    parts = text.split(",") if text else []
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise typer.BadParameter(
            f"{text!r}: write numbers of frames with commas, such as 1,2,4,8,16", param_hint="--frames"
        )
    return [int(part) for part in parts]
