"""The paper's tables and figures again: `reproduce`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tmnet_core.cli.app import DATA_HELP, Threads, app, this_command, use_for_training

ALL = "all"


@app.command()
def reproduce(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="table1 to table5, figure3 to figure6, the ablations that the paper leaves out; or all.",
        ),
    ],
    data: Annotated[str, typer.Option(help=DATA_HELP)],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="For report, figures, and the runs, which are kept.")],
    backbone: Annotated[str, typer.Option(help="The 2D network; the recipe's if left out.")] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Start from the recipe quick, not paper, and shorten the longest sweeps.")
    ] = False,
    seeds: Annotated[str, typer.Option(metavar="N,N,...", help="Each cell is trained once with each.")] = "0",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value of every run.")
    ] = None,
    devices: Annotated[
        str,
        typer.Option(
            metavar="DEVICE,...",
            help="Where runs are trained, if not as training.device says; several share them, such as cuda:0,cuda:1.",
        ),
    ] = "",
    threads: Threads = 0,
) -> None:
    """Train what a table or figure needs and set it beside the paper's numbers; Ctrl-C keeps all, and it goes on."""
    from tmnet_core.reporting import RunsProgress
    from tmnet_core.reproduction.plans import PLAN_NAMES, Settings
    from tmnet_core.reproduction.reproduce import reproduce as make

    use_for_training(threads)
    for name in names:
        if name not in (*PLAN_NAMES, ALL):
            raise typer.BadParameter(f"{name!r}: choose among {', '.join(PLAN_NAMES)}, {ALL}", param_hint="NAME")
    settings = Settings(_absolute(data), backbone, quick, tuple(set_ or ()))
    with RunsProgress() as shown:
        made = make(
            [plan for plan in PLAN_NAMES if plan in names or ALL in names],
            settings,
            out,
            seeds=_parse_seeds(seeds),
            devices=(devices or settings.base().training.device).split(","),
            threads=threads,
            command=this_command(),
            tell=shown.show,
            progress=shown.show_scoring,
        )
    print(made.report)
    if made.interrupted:
        print("interrupted: the report is of what is finished; the same command goes on", file=sys.stderr)
        raise typer.Exit(130)


def _parse_seeds(text: str) -> list[int]:
    """Turn `0,1,2` into numbers, each once."""
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise typer.BadParameter(f"{text!r}: write seeds with commas, such as 0,1,2", param_hint="--seeds")
    return list(dict.fromkeys(int(part) for part in parts))


def _absolute(data: str) -> str:
    """Make a folder's name good from any other folder; a word for rendered data stays."""
    folder = Path(data)
    return str(folder.resolve()) if folder.exists() else data
