"""Data sets: `synthesize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tmnet_core.cli.app import app


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
