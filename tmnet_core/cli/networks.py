"""The networks as such: `models`."""

from __future__ import annotations

from typing import Annotated

import typer

from tmnet_core.cli.app import app


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
