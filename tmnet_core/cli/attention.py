"""What the branches look at: `attention`, `render`, `probe`, `scan`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from tmnet_core.cli.app import (
    DATA_HELP,
    Checkpoint,
    Crop,
    DataChanges,
    Device,
    Engine,
    Mirror,
    Threads,
    Video,
    app,
    prepare_engine,
    this_command,
    use_threads,
)


@app.command()
def attention(
    checkpoint: Checkpoint,
    data: Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP)],
    set_: DataChanges = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="Write JSON, Markdown, a plot and the frames that differ."),
    ] = None,
    part: Annotated[
        Literal["auto", "validation", "all"],
        typer.Option(help="Which clips: those kept for validation, all, or auto, as evaluate takes it."),
    ] = "auto",
    key_frames: Annotated[int, typer.Option(min=1, help="Glances per clip, spread over it.")] = 3,
    shown: Annotated[
        Literal["answer", "own", "truth"],
        typer.Option(help="Maps of RB+CB's answer, of each branch's own answer, or of the true class."),
    ] = "answer",
    curves: Annotated[int, typer.Option(min=0, help="Steps of deletion and insertion curves; 0 for none.")] = 0,
    keep_regions: Annotated[
        bool, typer.Option("--keep-regions", help="Keep where things move beside the checkpoint, for live agreement.")
    ] = False,
    by_class: Annotated[bool, typer.Option("--by-class", help="Print a table of the classes too.")] = False,
    device: Device = "auto",
    engine: Engine = "auto",
    threads: Threads = 0,
) -> None:
    """Say whether RB looks where things move, more than CB does: motion agreement over a data set."""
    from tmnet_core.attention.data_report import report_on_data
    from tmnet_core.reporting import print_attention, progress_bar

    use_threads(threads)
    prepare_engine(checkpoint, device, engine)
    with progress_bar("Looking") as progress, _ctrl_c_stops() as stop:
        report = report_on_data(
            checkpoint,
            data,
            out,
            command=this_command(),
            part=part,
            changes=set_ or [],
            key_frames=key_frames,
            shown=shown,
            curve_steps=curves,
            keep_regions=keep_regions,
            device=device,
            engine=engine,
            progress=progress,
            stop=stop,
        )
    print_attention(report, by_class=by_class)
    if stop.is_set():
        raise typer.Exit(130)


@app.command()
def render(
    checkpoint: Checkpoint,
    video: Video,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The .mp4 to write; with --frame, the .png.")],
    frame: Annotated[
        int | None, typer.Option(min=0, help="Write the paper's Fig. 6 of this frame alone, as a picture.")
    ] = None,
    second: Annotated[
        Path | None, typer.Option(metavar="CHECKPOINT", help="A second network, whose maps are shown below.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was seen in each frame to a .csv or .jsonl too.")
    ] = None,
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="NAME", help="Show the maps of this class, not of the answer's.")
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="Show each branch's map of its own top class.")] = False,
    third: Annotated[
        Literal["none", "sum", "difference"], typer.Option(help="A third map: RB+CB, or RB minus CB.")
    ] = "none",
    scale: Annotated[
        Literal["shared", "own", "min-max"],
        typer.Option(help="From zero on for all maps alike, or for each; or from each one's least to greatest value."),
    ] = "shared",
    colours: Annotated[
        Literal["inferno", "magma", "plasma", "viridis", "cividis"], typer.Option(help="Colour map.")
    ] = "inferno",
    opacity: Annotated[float, typer.Option(min=0.1, max=1.0, help="Of the warmest places over the frame.")] = 0.6,
    contour: Annotated[
        float, typer.Option(min=0.0, max=0.95, help="Share of the scale where a line is drawn; 0 for none.")
    ] = 0.0,
    smoothing: Annotated[
        float, typer.Option(min=0.0, help="Seconds over which probabilities are averaged; the table has each frame's.")
    ] = 0.3,
    map_smoothing: Annotated[float, typer.Option(min=0.0, max=2.0, help="Seconds over which maps are averaged.")] = 0.0,
    height: Annotated[int, typer.Option(min=64, max=2160, help="Of each picture, in pixels.")] = 240,
    top: Annotated[int, typer.Option(min=0, max=10, help="Classes below the pictures.")] = 3,
    agreement: Annotated[
        bool, typer.Option("--agreement/--no-agreement", help="Say how much of each map lies where things move.")
    ] = True,
    light: Annotated[bool, typer.Option("--light", help="White surroundings, as for print.")] = False,
    mirror: Mirror = False,
    crop: Crop = None,
    device: Device = "auto",
    engine: Engine = "auto",
    threads: Threads = 0,
) -> None:
    """Write a video with both branches' maps, classes and agreement beside each frame; none is left out."""
    from tmnet_core.attention.render import RenderOptions, render_figure, render_file
    from tmnet_core.attention.settings import AttentionSettings
    from tmnet_core.reporting import progress_bar

    use_threads(threads)
    for path in filter(None, (checkpoint, second)):
        prepare_engine(path, device, engine)
    settings = AttentionSettings(
        shows="own" if own else "fused",
        third="difference" if third == "difference" else "sum",
        scale=scale,
        opacity=opacity,
        colours=colours,
        contour=contour,
        smoothing=map_smoothing,
    )
    figure = frame is not None
    options = RenderOptions(
        settings=settings,
        class_name=class_name,
        third=third != "none",
        height=height,
        top=0 if figure else top,
        agreement=agreement and not figure,
        mirror=mirror,
        crop=crop,
        ink="light" if light or figure else "dark",
        smoothing=smoothing,
    )
    if frame is not None and second is not None:
        raise typer.BadParameter("a figure is of one network; leave out --frame or --second")
    if frame is not None:
        print(render_figure(checkpoint, video, out, frame, options, device=device, engine=engine))
        return
    with progress_bar("Rendering") as progress, _ctrl_c_stops() as stop:
        done = render_file(
            checkpoint,
            video,
            out,
            options,
            second=second,
            table=table,
            device=device,
            engine=engine,
            progress=progress,
            stop=stop,
        )
    print(done)
    if done.stopped:
        raise typer.Exit(130)


@app.command()
def probe(
    checkpoint: Checkpoint,
    video: Video,
    frame: Annotated[int, typer.Option(min=0, help="Which frame, from 0.")] = 0,
    box: Annotated[
        tuple[float, float, float, float],
        typer.Option(metavar="LEFT TOP RIGHT BOTTOM", help="What is taken away, in shares of width and height."),
    ] = (0.25, 0.25, 0.75, 0.75),
    how: Annotated[Literal["erase", "blur", "mean"], typer.Option(help="What stands there then.")] = "erase",
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="NAME", help="Check the maps of this class.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Classes.")] = 3,
    steps: Annotated[int, typer.Option(min=0, help="Of the deletion and insertion curves; 0 for none.")] = 16,
    device: Device = "auto",
    engine: Engine = "auto",
    threads: Threads = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take a part of a frame away, and check each branch's map by deletion and insertion curves."""
    from tmnet_core.attention.probe_file import probe_file
    from tmnet_core.reporting import print_probe, progress_bar

    use_threads(threads)
    prepare_engine(checkpoint, device, engine)
    with progress_bar("Looking") as progress:
        report = probe_file(
            checkpoint,
            video,
            frame,
            box,
            how=how,
            class_name=class_name,
            top=top,
            steps=steps,
            device=device,
            engine=engine,
            progress=progress,
        )
    if json:
        print(report.model_dump_json(indent=2))
    else:
        print_probe(report)


@app.command()
def scan(
    checkpoint: Checkpoint,
    video: Video,
    every: Annotated[
        int | None, typer.Option(min=1, help="Look at every n-th frame; about 4 a second if left out.")
    ] = None,
    mirror: Mirror = False,
    crop: Crop = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Look again, also where a scan was kept.")] = False,
    device: Device = "auto",
    engine: Engine = "auto",
    threads: Threads = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with every frame that was looked at.")] = False,
) -> None:
    """Say what happens when in a video: segments with one answer each, and which frame to glance at."""
    from contextlib import closing

    from tmnet_core.attention.scan_cache import ScanCache
    from tmnet_core.attention.scanning import scan_file
    from tmnet_core.live.predictor import GlancePredictor
    from tmnet_core.reporting import print_scan, progress_bar

    use_threads(threads)
    prepare_engine(checkpoint, device, engine)
    with (
        closing(GlancePredictor.from_file(checkpoint, device, engine)) as predictor,
        progress_bar("Scanning") as progress,
        _ctrl_c_stops() as stop,
    ):
        found = scan_file(
            predictor,
            video,
            every=every,
            mirror=mirror,
            crop=crop,
            cache=None if fresh else ScanCache(checkpoint),
            progress=progress,
            stop=stop,
        )
    if json:
        print(found.to_json())
    else:
        print_scan(found, video.name)
    if stop.is_set():
        raise typer.Exit(130)


@contextmanager
def _ctrl_c_stops() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets, so that what was made is kept."""
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
