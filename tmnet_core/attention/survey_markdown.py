"""A survey's report for people."""

from __future__ import annotations

from tmnet_core.attention.survey_report import CENTRE, AgreementRow, Mean, MotionMeasure, SurveyReport


def survey_markdown(report: SurveyReport) -> str:
    """Return the report as Markdown: what was asked, tables, and the command."""
    states = ", ".join(f"{count} {state}" for state, count in report.states.items())
    lines = [
        f"# Motion agreement of {report.checkpoint} at {report.data}",
        "",
        f"    {report.command}",
        "",
        f"{report.machine}. {report.clips} {report.part} clips, {report.key_frames} key frames each "
        f"({states}); maps of {_whose(report.shown)}. Agreement is the share of a map's mass inside the moving region, "
        "less its share inside those of the other clips, brought to the same size; means over clips with 95 % "
        "intervals, their source videos resampled: they speak of other videos, not of another network or seed.",
        "",
    ]
    for measure in report.measures:
        lines += _measure(measure)
    if report.flow_overlap is not None:
        lines += [
            f"The region by optical flow overlaps the renderer's by {report.flow_overlap:.2f} (intersection over "
            "union, mean over key frames with motion).",
            "",
        ]
    if report.glance_and_clip is not None:
        figures = report.glance_and_clip
        lines += [
            "## One glance and the clip around it",
            "",
            f"{figures.clips} clips; CB over 8 frames, of which the one is one, which speaks for CB.",
            "",
            "| one frame's | with | RB | CB | RB − CB |",
            "|---|---|---|---|---|",
            f"| map | mean of CB's maps, correlation | {_values(figures.map_correlation, figures.map_difference)} |",
            f"| feature | F_cls of the clip, cosine | {_values(figures.cosine, figures.cosine_difference)} |",
            "",
            f"RB+CB of one frame and CB over the clip give the same answer in {figures.same_answer:.0%} of the clips.",
            "",
        ]
    if report.curves is not None:
        curves = report.curves
        lines += [
            "## Deletion and insertion",
            "",
            f"{curves.clips} clips, each branch's own map and probability; areas under the curves.",
            "",
            "| | RB | CB |",
            "|---|---|---|",
            f"| deletion, less is better | {_values(curves.deletion)} |",
            f"| insertion, more is better | {_values(curves.insertion)} |",
            "",
        ]
    lines += [f"{note}\n" for note in report.notes]
    lines += [f"Left out: {sentence}" for sentence in report.unreadable]
    return "\n".join(lines).rstrip() + "\n"


def _measure(measure: MotionMeasure) -> list[str]:
    shuffled = ", ".join(f"{name} {value}" for name, value in measure.shuffled.items())
    overall = measure.overall
    active = ", ".join(f"{name} {share:.0%}" for name, share in overall.active.items())
    plain = ", ".join(f"{name} {value}" for name, value in overall.plain.items())
    inside = ", ".join(f"{name} {share:.3f}" for name, share in overall.inside.items())
    head = [
        f"## Motion by {measure.motion}",
        "",
        "| class | clips | moving | RB | CB | RB − CB | a fixed centre |",
        "|---|---:|---:|---|---|---|---|",
    ]
    rows = [_row(row, bold=row is overall) for row in (overall, *measure.classes)]
    return [
        *head,
        *rows,
        "",
        f"Without bringing them to the same size: {plain}; RB − CB {overall.plain_difference or '-'}. With nothing "
        f"taken off: {inside}. Warmer than half is {active} of the box. Control, maps against the motion of another "
        f"clip: {shuffled}.",
        "",
    ]


def _row(row: AgreementRow, *, bold: bool) -> str:
    name = f"**{row.name}**" if bold else row.name
    cells = _cells({key: row.agreement[key] for key in row.agreement if key != CENTRE}, row.difference)
    return f"| {name} | {row.clips} | {row.moving:.0%} | {cells} | {row.agreement[CENTRE]} |"


def _cells(branches: dict[str, Mean], difference: Mean | None) -> str:
    return f"{_pair(branches)} | {difference or '-'}"


def _pair(branches: dict[str, Mean]) -> str:
    return " | ".join(str(branches.get(name, "-")) for name in ("RB", "CB"))


def _values(branches: dict[str, Mean], *differences: Mean | None) -> str:
    values = [branches[name].unsigned if name in branches else "-" for name in ("RB", "CB")]
    return " | ".join([*values, *(str(difference or "-") for difference in differences)])


def _whose(shown: str) -> str:
    return {"answer": "RB+CB's answer", "own": "each branch's own answer", "truth": "the true class"}[shown]
