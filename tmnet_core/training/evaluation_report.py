"""Evaluations as files: JSON, Markdown, tables and pictures, each with the command that made it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from tmnet_core.benchmarks.machine import Machine
from tmnet_core.files import replacing
from tmnet_core.training.checkpoint_evaluation import ClassFigures, Evaluation
from tmnet_core.training.metrics import Interval

METRIC_TITLES = {"top1": "acc@1", "top5": "acc@5", "map": "mAP", "mean_class": "mean class"}
COMPARISON_TITLES = ("look", "branch", "acc@1", "other", "difference", "95 %", "same")
COMPARISON_CAPTION = "acc@1 in %, differences paired by clip; same: glances that both give the same class."


class EvaluationReport(BaseModel):
    """What `tmnet evaluate` found, and how to find it again.

    Attributes:
        command: the command line.
        evaluations: one for each way of looking at the clips.
    """

    command: str
    machine: Machine
    evaluations: list[Evaluation]

    def write_json(self, path: Path) -> None:
        """Write everything, for programs."""
        _write(path, self.model_dump_json(indent=2) + "\n")

    def write_markdown(self, path: Path) -> None:
        """Write the tables, for people."""
        _write(path, self.markdown())

    def write_folder(self, folder: Path) -> list[Path]:
        """Write all there is into a folder, which is made if need be; return the files.

        For each look and branch there is a confusion matrix as CSV and as PNG, and a CSV of all classes.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.write_json(folder / "evaluation.json")
        self.write_markdown(folder / "evaluation.md")
        written = [folder / "evaluation.json", folder / "evaluation.md"]
        for evaluation in self.evaluations:
            of_look = f"-{evaluation.look.replace(' ', '-')}" if len(self.evaluations) > 1 else ""
            written.append(folder / f"classes{of_look}.csv")
            _write_classes(written[-1], evaluation)
            for branch in evaluation.confusion:
                written.append(folder / f"confusion{of_look}-{branch}.csv")
                _write_confusion(written[-1], evaluation, branch)
                written.append(written[-1].with_suffix(".png"))
                draw_confusion_picture(written[-1], evaluation, branch)
        return written

    def markdown(self) -> str:
        """Return the figures as tables: all looks, differences between branches, and the classes of each branch."""
        first = self.evaluations[0]
        lines = [f"# {first.checkpoint} at {first.data}", "", f"    {self.command}", "", f"{self.machine}", ""]
        lines += _table(
            ["look", "branch", *METRIC_TITLES.values(), "95 % of acc@1"],
            [row for evaluation in self.evaluations for row in figure_rows(evaluation)],
        )
        lines += [f"{evaluation.title}: {evaluation.caption}.\n" for evaluation in self.evaluations]
        lines += [f"{note}\n" for note in first.notes]
        lines += [f"{first.resampling}\n"]
        for evaluation in self.evaluations:
            lines += [f"- {evaluation.look}, {sentence}" for sentence in difference_sentences(evaluation)]
        compared = [row for evaluation in self.evaluations for row in comparison_rows(evaluation)]
        if first.against is not None:
            other = first.against
            lines += ["", f"## Against {other.name} ({other.engine}), {other.clips} clips", ""]
            lines += [*_table(COMPARISON_TITLES, compared), COMPARISON_CAPTION]
        for evaluation in self.evaluations:
            lines += ["", f"## Classes, {evaluation.look}", ""]
            lines += _table(
                ["class", "branch", "glances", "accuracy", "average precision", "mostly taken for"],
                [row for branch in evaluation.classes for row in class_rows(branch, evaluation.classes[branch])],
            )
            lines += [f"Left out: {reason}\n" for reason in evaluation.unreadable]
        return "\n".join(lines).rstrip() + "\n"


def figure_rows(evaluation: Evaluation) -> list[list[str]]:
    """Return one row of text a branch: look, branch, the metrics, and the interval, in percent."""
    rows = []
    for branch, values in evaluation.metrics.items():
        figures = [f"{100 * values[key]:.1f}" for key in METRIC_TITLES]
        rows.append([evaluation.look, branch, *figures, _written(evaluation.top1_intervals[branch], ".1f")])
    return rows


def comparison_rows(evaluation: Evaluation) -> list[list[str]]:
    """Return one row of text a branch of what another network was compared in, as `COMPARISON_TITLES` says."""
    other = evaluation.against
    if other is None:
        return []
    rows = []
    for branch, difference in other.differences.items():
        theirs = other.top1[branch]
        figures = [f"{100 * share:.1f}" for share in (theirs + difference.mean, theirs)]
        ends = _written(difference.interval, "+.1f")
        same = f"{100 * other.same_answers[branch]:.1f}"
        rows.append([evaluation.look, branch, *figures, f"{100 * difference.mean:+.1f}", ends, same])
    return rows


def class_rows(branch: str, classes: Sequence[ClassFigures]) -> list[list[str]]:
    """Return one row of text a class."""
    return [
        [c.name, branch, str(c.glances), _percent(c.accuracy), _percent(c.average_precision), c.mistaken_for]
        for c in classes
    ]


def difference_sentences(evaluation: Evaluation) -> list[str]:
    """Say how far the branches are apart."""
    sentences = []
    for name, difference in evaluation.differences.items():
        ends = _written(difference.interval, "+.1f")
        sentences.append(f"{name}: {100 * difference.mean:+.1f} points of acc@1, {ends}")
    return sentences


def draw_confusion_picture(path: Path, evaluation: Evaluation, branch: str) -> None:
    """Draw a branch's confusion matrix into a file."""
    from tmnet_core.figures.confusion import draw_confusion
    from tmnet_core.figures.style import save_figure

    top1 = 100 * evaluation.metrics[branch]["top1"]
    title = f"{branch}, {evaluation.look}: {top1:.1f} % right\n{evaluation.checkpoint} at {evaluation.data}"
    names = [c.name for c in evaluation.classes[branch]]
    save_figure(draw_confusion(evaluation.confusion[branch], names, title), path)


def _written(interval: Interval | None, form: str) -> str:
    if interval is None:
        return "no interval: one source video"
    return " to ".join(format(100 * end, form) for end in interval)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write_classes(path: Path, evaluation: Evaluation) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["branch", "class", "glances", "accuracy", "average_precision", "mistaken_for"])
        for branch, classes in evaluation.classes.items():
            writer.writerows(
                [branch, c.name, c.glances, c.accuracy, c.average_precision, c.mistaken_for] for c in classes
            )


def _write_confusion(path: Path, evaluation: Evaluation, branch: str) -> None:
    names = [c.name for c in evaluation.classes[branch]]
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["true \\ answered", *names])
        writer.writerows([name, *row] for name, row in zip(names, evaluation.confusion[branch], strict=True))
