"""One checkpoint at work: `info`, `glance`, `watch`, `export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tmnet_core.cli.app import (
    Checkpoint,
    Crop,
    Device,
    Engine,
    Mirror,
    Threads,
    Video,
    app,
    prepare_engine,
    use_threads,
)

Clip = Annotated[
    int, typer.Option(min=0, metavar="T", help="Look at clips of T frames, RB at the key frame; 0: at single frames.")
]


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
    video: Video,
    top: Annotated[int, typer.Option(min=1, help="Classes per branch.")] = 3,
    every: Annotated[
        int,
        typer.Option(
            min=0, help="Look at every n-th frame, or let a clip begin there; 0: at each frame, or clip after clip."
        ),
    ] = 0,
    mirror: Mirror = False,
    crop: Crop = None,
    device: Device = "auto",
    engine: Engine = "auto",
    batch: Annotated[int, typer.Option(min=1, help="Frames or clips that are looked at together.")] = 1,
    clip: Clip = 0,
    interval: Annotated[int, typer.Option(min=0, help="From one frame of a clip to the next; 0: as in training.")] = 0,
    threads: Threads = 0,
) -> None:
    """Look at each frame of a video alone, or at clips; one JSON line a look, none left out."""
    from tmnet_core.live.glance_file import FileLook, glance_file

    use_threads(threads)
    prepare_engine(checkpoint, device, engine, clip)
    look = FileLook(every, batch, clip, interval, mirror, crop)
    for line in glance_file(checkpoint, video, look, top=top, device=device, engine=engine):
        sys.stdout.write(line.model_dump_json(exclude_none=True) + "\n")


@app.command()
def watch(
    checkpoint: Checkpoint,
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="A video, a folder of images, an address, camera:0, screen or pattern."),
    ],
    seconds: Annotated[float, typer.Option(min=0.1, help="For how long.")] = 10.0,
    every_frame: Annotated[
        bool, typer.Option("--every-frame", help="Wait for each frame of a file; else the newest one wins.")
    ] = False,
    timing: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write when each frame was captured and looked at: CSV or JSON.")
    ] = None,
    device: Device = "auto",
    engine: Annotated[str, typer.Option(help="auto, or one of those that `tmnet glance` takes.")] = "auto",
    threads: Threads = 0,
) -> None:
    """Look at a source live, as the window does, and say how old frames were and which were dropped."""
    from tmnet_core.errors import SourceError
    from tmnet_core.live.predictor import GlancePredictor
    from tmnet_core.live.watching import watch as watch_source

    use_threads(threads)
    prepare_engine(checkpoint, device, engine)
    model = GlancePredictor.from_file(checkpoint, device, engine)
    watched = watch_source(source, model, seconds, every_frame=every_frame, on_state=print)
    if timing is not None:
        watched.timing.write(timing)
    if watched.error:
        raise SourceError(watched.error)
    print(watched.describe() + (f"; it gives {watched.gives}" if watched.gives else ""))


@app.command()
def export(
    checkpoint: Checkpoint,
    onnx: Annotated[Path | None, typer.Option(metavar="OUT", help="The .onnx file to write.")] = None,
    ncnn: Annotated[
        Path | None, typer.Option(metavar="OUT", help="The .param file to write for ncnn, a .bin file beside it.")
    ] = None,
    int8: Annotated[
        Path | None,
        typer.Option(metavar="CALIBRATION", help="Compute in 8 bits; a folder of videos or pictures to calibrate on."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Videos or pictures to check on; frames of rendered people if left out."),
    ] = None,
    clip: Clip = 0,
) -> None:
    """Write a network for other programs, checked against torch before it is put in place.

    An ONNX file has classes and preprocessing inside; the two files for ncnn are the network alone, in fp32.
    """
    from tmnet_core.errors import EngineError
    from tmnet_core.live.engines.export import check_out, export_checkpoint, export_to_ncnn
    from tmnet_core.live.engines.ncnn_export import SUFFIX

    if onnx is None and ncnn is None:
        raise EngineError("say what to write: --onnx OUT, --ncnn OUT or both")
    if onnx is None and int8 is not None:
        raise EngineError("int8 is for an ONNX file: add --onnx OUT, or leave out --int8")
    if ncnn is not None:
        if clip:
            raise EngineError(f"{ncnn}: ncnn looks at single frames; leave out the clip or ncnn")
        check_out(ncnn, SUFFIX)
    if onnx is not None:
        print(f"{onnx}: {export_checkpoint(checkpoint, onnx, calibration=int8, check=check, frames=clip)}")
    if ncnn is not None:
        print(f"{ncnn}: {export_to_ncnn(checkpoint, ncnn, exported=onnx if int8 is None else None, check=check)}")
