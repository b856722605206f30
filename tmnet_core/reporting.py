"""What the command line shows: progress bars and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from tmnet_core.training.events import Ended, Event, Started, Stepped, describe_event

if TYPE_CHECKING:
    from tmnet_core.attention.probe_file import ProbeReport
    from tmnet_core.attention.scan import Scan
    from tmnet_core.attention.survey_report import SurveyReport
    from tmnet_core.models.costs import Costs
    from tmnet_core.reproduction.running import Told
    from tmnet_core.training.checkpoint_evaluation import Evaluation
    from tmnet_core.training.run_list import RunSummary

# Progress goes to the error stream, so that figures on the output stream can be piped.
_progress_console = Console(stderr=True)
_console = Console()


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show that something of unknown length is under way."""
    with _progress_console.status(what):
        yield


class TrainingReport:
    """Shows a run's events: a bar with rate and remaining time, and a line for each validation."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=_progress_console,
        )
        self._task = self._progress.add_task("Training", total=None, figures="")

    def show(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Started():
                # Not before: a run that cannot begin has nothing to show beside its error.
                self._progress.start()
                self._progress.update(self._task, total=event.iterations, completed=event.iteration)
                self._print(f"{self._run}, {describe_event(event)}")
            case Stepped():
                memory = "" if event.memory_gib is None else f"  {event.memory_gib:.1f} GiB"
                figures = f"loss {event.loss:.3f}  {event.clips_per_second:.1f} clips/s{memory}"
                self._progress.update(self._task, completed=event.iteration, figures=figures)
            case Ended(outcome="failed"):
                pass  # the error says it
            case Ended(outcome="stopped"):
                self._print(f"stopped at iteration {event.iteration}; go on with: tmnet train --resume '{self._run}'")
            case _:
                self._print(describe_event(event))

    def _print(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress.live.is_started:
            self._progress.stop()


class RunsProgress:
    """Shows how far several runs are, with the remaining time of them all, and then the scoring of them."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=_progress_console,
        )
        self._task: TaskID | None = None
        self._scoring: TaskID | None = None

    def show(self, told: Told) -> None:
        """Show the training."""
        if self._task is None:
            self._task = self._add(told.total)
        text = f"run {told.number} of {told.count}, {told.run}"
        self._progress.update(self._task, completed=told.done, total=told.total, description=text)

    def show_scoring(self, done: int, total: int) -> None:
        """Show the scoring."""
        if self._scoring is None:
            self._scoring = self._add(total)
        self._progress.update(self._scoring, completed=done, description=f"scored {done} of {total} lines")

    def _add(self, total: int) -> TaskID:
        self._progress.start()
        return self._progress.add_task("", total=total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress.live.is_started:
            self._progress.stop()


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while the block runs; yields what is to be told (done, total)."""
    with Progress(console=_progress_console, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def print_evaluations(evaluations: Sequence[Evaluation], *, by_class: bool = False) -> None:
    """Print figures by look and branch, paired differences with their intervals, and on request every class."""
    from tmnet_core.training.evaluation_report import METRIC_TITLES, difference_sentences, figure_rows

    first = evaluations[0]
    caption = "\n".join([*(evaluation.caption for evaluation in evaluations), *first.notes, first.resampling])
    table = Table(title=f"{first.checkpoint} ({first.engine}) at {first.data}", caption=caption)
    for title in ("look", "branch"):
        table.add_column(title)
    for title in (*METRIC_TITLES.values(), "95 % of acc@1"):
        table.add_column(title, justify="right")
    for evaluation in evaluations:
        for row in figure_rows(evaluation):
            table.add_row(*row)
        table.add_section()
    _console.print(table)
    for evaluation in evaluations:
        for sentence in difference_sentences(evaluation):
            _console.print(f"{evaluation.look}, {sentence}")
        if by_class:
            _print_classes(evaluation)
        for video in evaluation.unreadable:
            _console.print(f"left out: {video}", markup=False)
    _print_comparisons(evaluations)


def _print_comparisons(evaluations: Sequence[Evaluation]) -> None:
    """Print how another network does on the same clips, where one was to be compared."""
    from tmnet_core.training.evaluation_report import COMPARISON_CAPTION, COMPARISON_TITLES, comparison_rows

    first = evaluations[0]
    if first.against is None:
        return
    other = first.against
    title = f"{first.checkpoint} against {other.name} ({other.engine}), {other.clips} clips"
    table = Table(title=title, caption=COMPARISON_CAPTION)
    for title in COMPARISON_TITLES:
        table.add_column(title, justify="left" if title in ("look", "branch") else "right")
    for evaluation in evaluations:
        for row in comparison_rows(evaluation):
            table.add_row(*row)
    _console.print(table)


def _print_classes(evaluation: Evaluation) -> None:
    """Print what the branch that answers makes of every class."""
    from tmnet_core.training.evaluation_report import class_rows

    branch = list(evaluation.classes)[-1]
    table = Table(title=f"Classes, {evaluation.look}, {branch}, in %")
    table.add_column("class")
    for title in ("glances", "accuracy", "average precision"):
        table.add_column(title, justify="right")
    table.add_column("mostly taken for")
    for name, _, *figures in class_rows(branch, evaluation.classes[branch]):
        table.add_row(name, *figures)
    _console.print(table)


def print_runs(runs: list[RunSummary]) -> None:
    """Print one row for each run, and under the table what is special about their recipes."""
    table = Table(caption="best: top-1 in %")
    for title in ("run", "state", "iteration", "best", "network", "data"):
        table.add_column(title, overflow="fold", justify="right" if title == "iteration" else "left")
    for run in runs:
        best = " ".join(f"{branch} {100 * values['top1']:.1f}" for branch, values in run.best.items())
        table.add_row(
            *map(escape, (run.name, run.state + (run.reason and f": {run.reason}"))),
            f"{run.iteration} / {run.iterations}",
            f"{best} at {run.best_iteration}" if best else "-",
            *map(escape, (run.network, Path(run.data).name)),
        )
    _console.print(table)
    for run in runs:
        changes = f", but {'; '.join(run.changes)}" if run.changes else ""
        left_out = f"; {run.left_out} videos could not be read" if run.left_out else ""
        _console.print(
            f"{run.name}: recipe {run.recipe}{changes}{left_out}", markup=False, highlight=False, soft_wrap=True
        )


def print_rows(rows: list[tuple[str, str]]) -> None:
    """Print labels and values in two columns."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(label, value)
    _console.print(table)


def print_costs(costs: Costs) -> None:
    """Print what the networks cost, and their parts beside what is published of them."""
    table = Table(
        title=f"Networks for {costs.classes} classes",
        caption="multiply-adds in 1e9; BB + RB of a clip is what TMNet-3D-B runs; - where a network cannot",
    )
    table.add_column("network", overflow="fold")
    for title in ("clip", "parameters", "one glance", "clip, BB + RB", "whole clip"):
        table.add_column(title, justify="right")
    for cost in costs.networks:
        adds = [_billions(count) for count in (cost.glance, cost.memory, cost.clip)]
        table.add_row(cost.network, f"{cost.frames}×{cost.size}²", f"{cost.parameters / 1e6:.2f} M", *adds)
    _console.print(table)

    table = Table(title="Parts beside their published figures", caption="multiply-adds in 1e9")
    table.add_column("part", overflow="fold")
    for title in ("input", "parameters", "published", "multiply-adds", "published"):
        table.add_column(title, justify="right", overflow="fold")
    table.add_column("source", overflow="fold")
    for part in costs.parts:
        table.add_row(
            part.part,
            f"{part.frames}×{part.size}²",
            f"{part.parameters / 1e6:.2f} M",
            f"{part.published_parameters:.4g} M",
            _billions(part.multiply_adds),
            f"{part.published_multiply_adds:.4g}",
            part.source,
        )
    _console.print(table)


def _billions(count: int | None) -> str:
    return "-" if count is None else f"{count / 1e9:.2f}"


def print_probe(report: ProbeReport) -> None:
    """Print probabilities with and without a part of a frame, and the areas under the curves of both maps."""
    table = Table(title=f"{report.video}, frame {report.frame}: with the box -> without it ({report.how})")
    table.add_column("class")
    for branch in report.classes[0].before:
        table.add_column(branch, justify="right")
    for change in report.classes:
        cells = [f"{before:.3f} -> {change.after[branch]:.3f}" for branch, before in change.before.items()]
        table.add_row(change.name, *cells)
    _console.print(table)
    for branch, check in report.checks.items():
        _console.print(
            f"{branch}'s map of {check.name}: area under deletion {check.deletion:.3f} (less is better), "
            f"insertion {check.insertion:.3f} (more is better)"
        )


def print_scan(scan: Scan, title: str) -> None:
    """Print a file's segments, and the frames that are the best and the worst to glance at."""
    every = f"{len(scan.frames)} frames looked at" + ("" if scan.complete else "; it ends before the film does")
    table = Table(title=f"{title}: {scan.duration:.1f} s, {every}")
    table.add_column("seconds", justify="right")
    table.add_column("answer")
    for column in ("mean", "surest frame", "least sure"):
        table.add_column(column, justify="right")
    segments = scan.segments()
    for one in segments:
        name = scan.classes[one.index]
        table.add_row(
            f"{one.start:.1f} to {one.end:.1f}", name, f"{one.probability:.2f}", str(one.best), str(one.worst)
        )
    _console.print(table)
    if segments:
        _console.print(f"the frame to glance at: {scan.best}; the one to avoid: {scan.worst}")


def print_attention(report: SurveyReport, *, by_class: bool) -> None:
    """Print motion agreement of both branches, in all and perhaps by class."""
    for measure in report.measures:
        table = Table(
            title=f"Motion agreement of {report.checkpoint} at {report.data}, motion by {measure.motion}",
            caption=f"{report.clips} clips, {report.key_frames} key frames each; 95 % intervals over source videos",
        )
        for column in ("class", "clips", "moving", "RB", "CB", "RB − CB", "a fixed centre"):
            table.add_column(column, justify="left" if column == "class" else "right")
        for row in (measure.overall, *(measure.classes if by_class else ())):
            figures = [str(row.agreement.get(name, "-")) for name in ("RB", "CB")]
            difference = str(row.difference or "-")
            table.add_row(
                row.name, str(row.clips), f"{row.moving:.0%}", *figures, difference, str(row.agreement["centre"])
            )
        _console.print(table)
        control = ", ".join(f"{name} {value}" for name, value in measure.shuffled.items())
        _console.print(f"control, maps against the motion of another clip: {control}")
    for note in report.notes:
        _console.print(note)
    for video in report.unreadable:
        _console.print(f"left out: {video}", markup=False)
