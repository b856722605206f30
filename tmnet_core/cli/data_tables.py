"""What `tmnet data` prints."""

from __future__ import annotations

import statistics

from rich.console import Console
from rich.table import Table

from tmnet_core.data.check import DatasetReport
from tmnet_core.data.clip_lengths import describe_short
from tmnet_core.data.sampling import ClipSampling

# Of a list; --json has all.
_LONGEST = 20


def print_check(report: DatasetReport) -> None:
    """Print what was found in a data set: a table of classes, the sizes and rates, and what is wrong."""
    console = Console()
    console.print(_classes(report))
    readable = len(report.videos) - len(report.unreadable)
    console.print(f"{readable} of {len(report.videos)} files can be read: {report.seconds / 60:.1f} minutes")
    console.print(f"sizes: {_counted(report.sizes)}", highlight=False, soft_wrap=True)
    console.print(f"frames/s: {_counted(report.rates)}", highlight=False, soft_wrap=True)
    lengths = [video.frames for video in report.videos if not video.error]
    if short := describe_short(lengths, ClipSampling()):
        console.print(f"{short}, in the paper's clip", highlight=False, soft_wrap=True)
    if report.not_named:
        console.print(f"{report.not_named} more files are in the folder that the annotations do not name")
    lists = [
        ("cannot be read", [video.error for video in report.unreadable]),
        ("headers that lie", [f"{video.path} {' and '.join(video.lies)}" for video in report.lying]),
        ("flaws", [f"{video.path} {' and '.join(video.flaws)}" for video in report.flawed]),
        ("the data set as a whole", report.problems),
    ]
    for title, lines in lists:
        if lines:
            console.print(f"\n[bold]{title}[/bold] ({len(lines)})")
            for line in lines[:_LONGEST]:
                console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
            if len(lines) > _LONGEST:
                console.print(f"  and {len(lines) - _LONGEST} more; --json names all of them")


def _classes(report: DatasetReport) -> Table:
    form = f", {report.form}" + f" split {report.split}" * (report.form in {"ucf101", "hmdb51"}) if report.form else ""
    table = Table(title=f"{report.root}{form}", title_justify="left", show_footer=True)
    table.add_column("class", footer=f"{len(report.classes)} classes", no_wrap=True)
    columns = _columns(report)
    for title, values in columns.items():
        table.add_column(title, footer=str(sum(values)), justify="right")
    lengths = sorted(video.frames for video in report.videos if not video.error)
    table.add_column("frames", footer=f"{lengths[0]} to {lengths[-1]}" if lengths else "", justify="right")
    table.add_column("median", footer=f"{statistics.median(lengths):g}" if lengths else "", justify="right")
    for place, entry in enumerate(report.classes):
        shortest, median, longest = entry.frames
        length = (f"{shortest} to {longest}", f"{median:g}") if longest else ("", "")
        table.add_row(entry.name, *(str(values[place]) for values in columns.values()), *length)
    return table


def _columns(report: DatasetReport) -> dict[str, list[int]]:
    """Return counts by class; of what is wrong only what there is."""
    sides = {
        "train": [entry.training for entry in report.classes],
        "validate": [entry.validation for entry in report.classes],
    }
    wrong = {
        "unreadable": [entry.unreadable for entry in report.classes],
        "lying": [entry.lying for entry in report.classes],
        "flawed": [entry.flawed for entry in report.classes],
    }
    return sides | {title: values for title, values in wrong.items() if any(values)}


def _counted(counts: dict[str, int]) -> str:
    shown = [f"{value} ({count})" for value, count in list(counts.items())[:8]]
    return ", ".join(shown) + (f" and {len(counts) - 8} others" if len(counts) > 8 else "")
