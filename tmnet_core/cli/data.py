"""Data sets: `data check`, `data pack`, `synthesize`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tmnet_core.cli.app import DATA_HELP, DataChanges, app
from tmnet_core.data.spawned import DEFAULT_WORKERS

data_app = typer.Typer(no_args_is_help=True, help="Look over a data set, or pack it for fast reading.")
app.add_typer(data_app, name="data")

Data = Annotated[str, typer.Argument(metavar="DATA", help=DATA_HELP)]
Workers = Annotated[int, typer.Option(min=0, help="Processes; one for each core if left out, 0 for none.")]


@data_app.command()
def check(
    data: Data,
    set_: DataChanges = None,
    packets: Annotated[
        bool, typer.Option("--packets", help="Count the packets and decode the first frame only: faster, sees less.")
    ] = False,
    workers: Workers = DEFAULT_WORKERS,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an earlier call found.")] = False,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where findings are kept; in the user's cache if left out.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print all that was found as JSON.")] = False,
) -> None:
    """Open every file: classes, lengths, sizes, rates, unreadable files, lying headers; Ctrl-C, and again, goes on.

    The exit status is 1 where a file cannot be read or the data set cannot be used.
    """
    from tmnet_core.cli.data_tables import print_check
    from tmnet_core.config import load_data_section
    from tmnet_core.data.check import check_dataset, default_journal
    from tmnet_core.reporting import progress_bar

    section = load_data_section(data, set_ or [])
    kept = journal or default_journal(data)
    if fresh:
        kept.unlink(missing_ok=True)
    with _told_how_to_go_on(), progress_bar("Looking over") as progress:
        report = check_dataset(section, kept, workers=workers, decode=not packets, progress=progress)
    if json:
        print(report.model_dump_json(indent=2))
    else:
        print_check(report)
    if not report.sound:
        raise typer.Exit(1)


@data_app.command()
def pack(
    data: Data,
    set_: DataChanges = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to; beside DATA if left out, where training looks.")
    ] = None,
    short_side: Annotated[
        int, typer.Option(min=32, max=1080, help="Of the frames at most, in pixels; smaller ones are not enlarged.")
    ] = 256,
    raw: Annotated[
        bool, typer.Option("--raw", help="Keep pixels instead of JPEGs: faster to read, some 14 times as large.")
    ] = False,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the JPEGs.")] = 90,
    workers: Workers = DEFAULT_WORKERS,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, without what is there.")] = False,
) -> None:
    """Decode every video once into one file that training reads instead; Ctrl-C, and again, goes on."""
    from tmnet_core.config import load_data_section
    from tmnet_core.data.packed_frames import PackHeader
    from tmnet_core.data.packing import pack_dataset
    from tmnet_core.reporting import progress_bar

    section = load_data_section(data, [*(set_ or []), *([f"data.packed={str(out.absolute())!r}"] if out else [])])
    header = PackHeader(encoding="raw" if raw else "jpeg", quality=0 if raw else quality, short_side=short_side)
    with _told_how_to_go_on(), progress_bar("Packing") as progress:
        report = pack_dataset(section, header, workers=workers, fresh=fresh, progress=progress)
    print(
        f"{report.folder}: {report.frames} frames of {report.videos - len(report.unreadable)} videos, {report.header}, "
        f"{report.size / 2**20:.1f} MiB; {report.packed} videos packed now"
    )
    for sentence in report.unreadable:
        print(f"left out: {sentence}")


@contextmanager
def _told_how_to_go_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print("tmnet: stopped; the same command goes on from here", file=sys.stderr)
        raise typer.Exit(130) from None


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


def _parse_size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise typer.BadParameter(f"size {text!r}: write it as WIDTHxHEIGHT, such as 320x240")
    return int(width), int(height)
