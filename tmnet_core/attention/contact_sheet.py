"""The key frames of a survey where RB's and CB's agreement with motion differ most, on one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tmnet_core.attention.agreement import compare
from tmnet_core.attention.classes import class_maps, shown_classes, shown_name
from tmnet_core.attention.colours import HeatScale
from tmnet_core.attention.composition import Composed, Composer, PaneContent, panes_of
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import AttentionMaps, ShownMap
from tmnet_core.attention.survey import Observation, Shown
from tmnet_core.attention.survey_report import AgreementTable
from tmnet_core.data.clips import ClipSource
from tmnet_core.data.preprocessing import Image
from tmnet_core.live.frames import Frame
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch

_EACH_WAY = 4
_PICTURE_HEIGHT = 200


def most_different(table: AgreementTable, count: int = _EACH_WAY) -> list[Observation]:
    """Return key frames where RB agrees more than CB, the most so first, then as many where CB does; one a clip."""
    if not {str(Branch.RB), str(Branch.CB)} <= table.inside.keys():
        return []
    difference = table.agreement(str(Branch.RB)) - table.agreement(str(Branch.CB))
    order = np.argsort(difference, kind="stable")
    first = [place for place in order[::-1] if difference[place] > 0]
    last = [place for place in order if difference[place] < 0]
    return [*_one_a_clip(table, first, count), *_one_a_clip(table, last, count)]


def contact_sheet(
    predictor: GlancePredictor, clips: ClipSource, chosen: Sequence[Observation], table: AgreementTable, shown: Shown
) -> Image:
    """Paint a row for each key frame: the frame, what moves, and both maps with their agreement."""
    composer = Composer((4, 3), 4, height=_PICTURE_HEIGHT, rows=0, ink="light")
    return np.concatenate([_paint(composer, predictor, clips, one, table, shown) for one in chosen])


def _paint(
    composer: Composer,
    predictor: GlancePredictor,
    clips: ClipSource,
    one: Observation,
    table: AgreementTable,
    shown: Shown,
) -> Image:
    frame = Frame(clips.read(one.clip, [one.frame])[0], one.frame, 0.0, 0.0)
    glance = predictor.glance(frame)
    truth = one.label if shown == "truth" else None
    classes = shown_classes(glance.probabilities, "own" if shown == "own" else "fused", truth)
    settings = AttentionSettings(shows="own" if shown == "own" else "fused")
    leader = int(glance.probabilities[glance.answer].argmax())
    maps = AttentionMaps().choose(
        glance, glance.probabilities, settings, leader=leader, pinned=-1 if truth is None else truth
    )
    maps.pop("both", None)
    region = one.region.astype(np.float32) / 255.0
    panes = panes_of(maps, glance.probabilities, [shown_name(name) for name in predictor.classes])
    moving = PaneContent("Motion", f"{region.mean():.0%} moves", ShownMap(region, HeatScale(0.0, 1.0), "viridis", 0))
    name = shown_name(clips.classes[one.label])
    content = Composed(
        [PaneContent("Input"), moving, *panes],
        agreement=compare(region, class_maps(glance, classes), table.others),
        caption=f"{name} · {clips.name(one.clip).rpartition('/')[2]} · frame {one.frame}",
    )
    return composer.paint(frame, glance.placement, content)


def _one_a_clip(table: AgreementTable, places: Sequence[int], count: int) -> list[Observation]:
    found: dict[int, Observation] = {}
    for place in places:
        one = table.observations[place]
        found.setdefault(one.clip, one)
        if len(found) == count:
            break
    return list(found.values())
