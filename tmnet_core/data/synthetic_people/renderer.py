"""Renders one labelled clip of one person: pixels, joints, masks and exact motion."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from tmnet_core.data.synthetic_people.actions import CLASSES, pose_curves
from tmnet_core.data.synthetic_people.shot import SUBSETS, Shot, draw_setting, plan
from tmnet_core.data.synthetic_people.skeleton import JOINT_NAMES
from tmnet_core.errors import DataError

Subset = Literal["train", "validation"]
MINIMUM_SIDE_PX = 64


@dataclass(frozen=True)
class RenderedClip:
    """A labelled clip.

    `frames` (T, H, W, 3) uint8 RGB; `joints` (T, J, 2) pixels, x and y, in the middle of the exposure. On request:
    `masks` (T, H, W), the figure at that moment, and `motion` (T, H, W), how many pixels the visible point of the
    figure moves until the next frame, the camera's own motion excluded, 0 on the background.
    """

    frames: npt.NDArray[np.uint8]
    joints: npt.NDArray[np.float32]
    joint_names: tuple[str, ...]
    masks: npt.NDArray[np.bool_] | None
    motion: npt.NDArray[np.float32] | None
    label: int
    class_name: str
    seed: int
    subject: str
    has_stool: bool
    scene: str
    azimuth_deg: float


def render_clip(
    action: str | int,
    seed: int,
    *,
    frames: int = 32,
    size: tuple[int, int] = (160, 120),
    fps: float = 25,
    subset: Subset = "train",
    indices: Sequence[int] | None = None,
    ground_truth: bool = False,
) -> RenderedClip:
    """Render a clip of `frames` frames, or only those of its frames that `indices` names.

    `action` is a name of `CLASSES` or its position; `size` is (width, height), at least 64 pixels each. A frame has
    the same pixels alone as within its clip. The same seed shows the same person in the same scene whatever the
    action. `ground_truth` adds masks and motion.
    """
    label = _label(action)
    _check(seed, frames, size, subset)
    chosen = np.arange(frames) if indices is None else np.asarray(indices, dtype=np.int64)
    if len(chosen) == 0 or chosen.min() < 0 or chosen.max() >= frames:
        raise DataError(f"Frames {list(chosen)} cannot be rendered: the clip has frames 0 to {frames - 1}.")
    take = plan(draw_setting(seed, subset, size), partial(pose_curves, CLASSES[label]), frames, fps)
    shot = Shot(take, seed, subset)
    pixels, joints = shot.render(chosen)
    masks, motion = shot.ground_truth(chosen) if ground_truth else (None, None)
    return RenderedClip(
        frames=pixels,
        joints=joints,
        joint_names=JOINT_NAMES,
        masks=masks,
        motion=motion,
        label=label,
        class_name=CLASSES[label],
        seed=seed,
        subject=take.setting.subject_name,
        has_stool=shot.scene.has_stool,
        scene=shot.scene.kind,
        azimuth_deg=take.setting.azimuth_deg,
    )


def _label(action: str | int) -> int:
    if isinstance(action, str):
        if action not in CLASSES:
            raise DataError(f"There is no synthetic action {action!r}; there are {', '.join(CLASSES)}.")
        return CLASSES.index(action)
    if not 0 <= action < len(CLASSES):
        raise DataError(f"There is no synthetic action number {action}; there are 0 to {len(CLASSES) - 1}.")
    return int(action)


def _check(seed: int, frames: int, size: tuple[int, int], subset: str) -> None:
    if seed < 0:
        raise DataError(f"The seed {seed} is negative; seeds are 0 or more.")
    if frames < 1:
        raise DataError(f"A clip of {frames} frames cannot be rendered; it takes at least 1.")
    if min(size) < MINIMUM_SIDE_PX:
        raise DataError(f"A picture of {size[0]}×{size[1]} is too small; each side takes {MINIMUM_SIDE_PX} pixels.")
    if subset not in SUBSETS:
        raise DataError(f"There is no subset {subset!r}; there are {' and '.join(SUBSETS)}.")
