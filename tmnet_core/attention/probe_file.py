"""`tmnet probe`: one frame of a file without a part of it, and how far its maps can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from tmnet_core.attention.classes import class_index, shown_classes
from tmnet_core.attention.probe import Removal, check_map, probe, region_of_box
from tmnet_core.attention.render import read_frame
from tmnet_core.errors import TMNetError
from tmnet_core.live.frames import Glance
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.live.sources import VideoFileSource
from tmnet_core.models.branch import Branch


class ClassChange(BaseModel):
    """A class's probability by branch with and without a part of the frame."""

    name: str
    before: dict[str, float]
    after: dict[str, float]


class CheckAreas(BaseModel):
    """The areas under the deletion and insertion curve of a branch's own map, for its own probability."""

    name: str
    deletion: float
    insertion: float


class ProbeReport(BaseModel):
    """What one frame says without a part of it.

    Attributes:
        classes: those that were most probable before.
        checks: by branch; empty where they were not asked for.
    """

    video: str
    frame: int
    box: tuple[float, float, float, float]
    how: Removal
    classes: list[ClassChange]
    checks: dict[str, CheckAreas]


def probe_file(
    checkpoint: Path,
    video: Path,
    frame_index: int,
    box: tuple[float, float, float, float],
    *,
    how: Removal = "erase",
    class_name: str | None = None,
    top: int = 3,
    steps: int = 16,
    device: str = "auto",
    engine: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ProbeReport:
    """Look at one frame of a video with and without a box of it, and check both branches' maps.

    Args:
        checkpoint: a checkpoint or an exported file.
        video: a video file.
        frame_index: from 0.
        box: left, top, right and bottom in shares of the frame's width and height.
        how: what stands in the box then.
        class_name: the class whose maps are checked; each branch's own top class where None.
        top: classes to report.
        steps: of the deletion and insertion curves; 0 leaves them out.
        device: where the network runs.
        engine: what computes.
        progress: told (images done, images in all) of the curves.

    Raises:
        TMNetError: also where the video has no such frame, or the box holds nothing.
    """
    left, upper, right, lower = box
    words = " ".join(f"{side:g}" for side in box)
    if not (0 <= left < right <= 1 and 0 <= upper < lower <= 1):
        raise TMNetError(f"box {words}: it takes left < right and top < bottom, all from 0 to 1")
    with closing(VideoFileSource(video)) as source:
        frame = read_frame(source, frame_index)
    with closing(GlancePredictor.from_file(checkpoint, device, engine)) as predictor:
        pinned = None if class_name is None else class_index(predictor.classes, class_name)
        glance = predictor.glance(frame)
        region = region_of_box(glance.placement, *box)
        if not region.any():
            width, height = glance.placement.frame_size
            raise TMNetError(f"box {words}: it holds no pixel of a frame of {width}×{height}")
        probed = probe(predictor, glance, region, how)
        order = np.argsort(-probed.before[glance.answer], kind="stable")[:top]
        classes = [
            ClassChange(
                name=predictor.classes[k],
                before={str(branch): round(float(values[k]), 5) for branch, values in probed.before.items()},
                after={str(branch): round(float(values[k]), 5) for branch, values in probed.after.items()},
            )
            for k in order
        ]
        checks = _check_maps(predictor, glance, pinned, steps, progress) if steps else {}
    return ProbeReport(video=video.name, frame=frame_index, box=box, how=how, classes=classes, checks=checks)


def _check_maps(
    predictor: GlancePredictor,
    glance: Glance,
    pinned: int | None,
    steps: int,
    progress: Callable[[int, int], None],
) -> dict[str, CheckAreas]:
    shown = shown_classes(glance.probabilities, "own", pinned)
    checks: dict[str, CheckAreas] = {}
    for number, (branch, index) in enumerate(shown.items()):

        def told(done: int, total: int, number: int = number) -> None:
            progress(number * total + done, len(shown) * total)

        found = check_map(predictor, glance, glance.maps[branch][index], index, steps=steps, progress=told)
        if found is not None:
            checks[str(Branch(branch))] = CheckAreas(
                name=predictor.classes[index],
                deletion=round(found.deletion.area(branch), 4),
                insertion=round(found.insertion.area(branch), 4),
            )
    return checks
