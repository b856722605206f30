"""Tables and figures of the paper from one call: train what is missing, score it, write the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tmnet_core.benchmarks.machine import describe_machine
from tmnet_core.config import load_recipe
from tmnet_core.data.clip_sources import open_validation_clips
from tmnet_core.data.clips import source_of
from tmnet_core.device import choose_device
from tmnet_core.reproduction.cost import Cost, measure_costs
from tmnet_core.reproduction.paper import FIGURE6
from tmnet_core.reproduction.plan import Plan
from tmnet_core.reproduction.plans import PLAN_NAMES, PlanName, Settings, make_plan
from tmnet_core.reproduction.report import Made, Picture, write_report, write_table
from tmnet_core.reproduction.results import Results, gather
from tmnet_core.reproduction.running import Outcome, Told, train_runs

if TYPE_CHECKING:
    from tmnet_core.figures.attention import SeenFrame


@dataclass(frozen=True)
class Reproduction:
    """The files that were written, and whether Ctrl-C cut the training short."""

    report: Path
    table: Path
    interrupted: bool


def reproduce(
    names: Sequence[PlanName],
    settings: Settings,
    out: Path,
    *,
    seeds: Sequence[int] = (0,),
    devices: Sequence[str] = ("auto",),
    threads: int = 0,
    command: str = "",
    tell: Callable[[Told], None] = lambda told: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Reproduction:
    """Make tables and figures; runs lie in `out`/runs, and what is there already is used again.

    Args:
        seeds: each line is trained once with each.
        devices: where runs are trained, side by side where there are several.
        tell: told how far training is.
        progress: told how many lines have been scored.

    Raises:
        TMNetError: where the settings do not fit, or data or a device are not there; what goes wrong with single
            lines is said in the report.
    """
    device, *_ = [choose_device(name) for name in devices]
    base = settings.base()
    validation = open_validation_clips(base.data)
    plans = [make_plan(name, settings) for name in names]
    recipes = {name: recipe for plan in plans for name, recipe in plan.recipes(seeds).items()}
    out.mkdir(parents=True, exist_ok=True)
    outcome = train_runs(recipes, out / "runs", devices, threads=threads, tell=tell)
    results = _gather_all(plans, seeds, outcome, device, progress)
    costs: dict[str, Cost] = {}
    pictures: dict[str, Picture] = {}
    for result in results:
        if result.plan.name in ("figure3", "figure4"):
            run = [line.line for line in result.lines if line.scores]
            costs |= measure_costs(run, len(validation.classes), device)
        picture = _draw(result, costs, device, out / f"{result.plan.name}.png")
        if picture is not None:
            pictures[result.plan.name] = picture
    name = "reproduction" if set(names) == set(PLAN_NAMES) else "-".join(names)
    made = Made(
        command=command,
        machine=describe_machine(device),
        seeds=seeds,
        recipe=base,
        shipped=load_recipe("quick" if settings.quick else "paper"),
        clips=len(validation),
        sources=len({source_of(validation, index) for index in range(len(validation))}),
    )
    report, table = out / f"{name}.md", out / f"{name}.csv"
    write_report(report, results, made, costs, pictures)
    write_table(table, results)
    return Reproduction(report, table, outcome.interrupted)


def _gather_all(
    plans: Sequence[Plan],
    seeds: Sequence[int],
    outcome: Outcome,
    device: torch.device,
    progress: Callable[[int, int], None],
) -> list[Results]:
    total = sum(len(plan.lines) for plan in plans)
    results: list[Results] = []
    for plan in plans:
        before = sum(len(result.lines) for result in results)

        def scored(done: int, of_plan: int, before: int = before) -> None:
            progress(before + done, total)

        results.append(gather(plan, seeds, outcome, device, scored))
    return results


def _draw(results: Results, costs: Mapping[str, Cost], device: torch.device, path: Path) -> Picture | None:
    """Draw a plan's picture; None where there is nothing to draw."""
    from tmnet_core.figures import reproduction as figures
    from tmnet_core.figures.attention import draw_attention
    from tmnet_core.figures.style import save_figure
    from tmnet_core.reproduction.one_frame import look_at_one_frame

    done = [line for line in results.lines if line.scores]
    if not done:
        return None
    caption = ""
    match results.plan.name:
        case "figure5":
            figure = figures.draw_alpha(results)
        case "figure3" | "figure4":
            figure = figures.draw_tradeoff(results, costs)
        case "figure6":
            seen = look_at_one_frame(done[0].runs[0], device)
            figure, caption = draw_attention(seen), _describe_frame(seen)
        case _:
            figure = figures.draw_lines(results)
    save_figure(figure, path)
    return Picture(path, caption)


def _describe_frame(seen: SeenFrame) -> str:
    """Set what the branches give the class of a frame beside what they give the paper's."""
    ours = ", ".join(
        f"{branch} {seen.probabilities[branch]:.3f} (the paper's {value})"
        for branch, value in FIGURE6.items()
        if branch in seen.probabilities
    )
    return f"What the class {seen.class_name} is given in this frame, by the first seed: {ours}."
