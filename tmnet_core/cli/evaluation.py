"""How good a network is: `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tmnet_core.cli.app import DATA_HELP, Checkpoint, Device, Threads, app, use_threads


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

    use_threads(threads)
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
