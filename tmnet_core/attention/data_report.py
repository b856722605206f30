"""`tmnet attention`: from a checkpoint and a data set to figures, plots and pictures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from tmnet_core.attention.contact_sheet import contact_sheet, most_different
from tmnet_core.attention.render import write_png
from tmnet_core.attention.survey import Shown, survey_clips
from tmnet_core.attention.survey_report import (
    SurveyReport,
    agreement_table,
    clip_figures,
    count_states,
    curve_figures,
    flow_overlap,
    measure,
)
from tmnet_core.benchmarks.machine import describe_machine
from tmnet_core.data.clip_sources import data_name
from tmnet_core.errors import TMNetError
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.training.scored_clips import Part, open_part


def report_on_data(
    checkpoint: Path,
    data: str,
    out: Path | None,
    *,
    command: str,
    part: Part = "auto",
    changes: Sequence[str] = (),
    key_frames: int = 3,
    shown: Shown = "answer",
    curve_steps: int = 0,
    keep_regions: bool = False,
    device: str = "auto",
    engine: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> SurveyReport:
    """Say how much of each branch's maps lies where things move, over a data set.

    Args:
        checkpoint: a checkpoint or an exported file.
        data: as `tmnet evaluate` takes it.
        out: a folder for `attention.json`, `attention.md`, `by-class.png` and `most-different.png`; made if need be.
        command: what to say how the figures were made.
        part: which clips.
        changes: `key=value` for the data section of a recipe.
        key_frames: glances a clip.
        shown: whose class's maps are compared with motion.
        curve_steps: of deletion and insertion curves at each clip's middle; 0 for none.
        keep_regions: whether to keep where things move beside the checkpoint, for live agreement.
        device: where the network runs.
        engine: what computes.
        progress: told (clips done, clips in all).
        stop: set from another thread, it ends the survey; the figures are of what was seen by then.

    Raises:
        CheckpointError, DataError, EngineError: also where too few clips have motion.
    """
    if out is not None:
        _make_folder(out)
    with closing(GlancePredictor.from_file(checkpoint, device, engine)) as predictor:
        opened = open_part(data, part, predictor.header, changes)
        clips = opened.clips
        survey = survey_clips(
            predictor,
            clips,
            key_frames=key_frames,
            shown=shown,
            curve_steps=curve_steps,
            progress=progress,
            stop=stop,
        )
        table = agreement_table(survey, "optical flow", data_name(data))
        measures = [measure(survey, table, "optical flow")]
        if any(one.exact is not None for one in survey.observations):
            exact = agreement_table(survey, "the renderer", data_name(data))
            measures.append(measure(survey, exact, "the renderer"))
        report = SurveyReport(
            command=command,
            machine=describe_machine(predictor.device),
            checkpoint=checkpoint.name,
            data=data_name(data),
            part=opened.part if opened.part == "validation" else "",
            clips=len({one.clip for one in survey.observations}),
            key_frames=key_frames,
            shown=shown,
            states=count_states(survey),
            measures=measures,
            flow_overlap=flow_overlap(survey),
            glance_and_clip=clip_figures(survey),
            curves=curve_figures(survey),
            unreadable=survey.unreadable,
            notes=list(opened.notes),
        )
        if keep_regions:
            table.others.save(checkpoint)
        if out is not None:
            report.write(out)
            _draw(report, out)
            frames = most_different(table)
            if frames:
                write_png(out / "most-different.png", contact_sheet(predictor, clips, frames, table, shown))
    return report


def _draw(report: SurveyReport, out: Path) -> None:
    from tmnet_core.figures.motion_agreement import draw_agreement
    from tmnet_core.figures.style import save_figure

    figure = draw_agreement(report.measures[0], f"{report.checkpoint} at {report.data}")
    save_figure(figure, out / "by-class.png")


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TMNetError(f"{out} cannot be made a folder: {error.strerror}") from None
