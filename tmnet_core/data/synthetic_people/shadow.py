"""The soft shadow that the figure casts on the ground."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tmnet_core.data.synthetic_people.camera import Camera
from tmnet_core.data.synthetic_people.scene import Scene
from tmnet_core.data.synthetic_people.skeleton import JOINT, Array, Skeleton
from tmnet_core.opencv import cv2

Image = npt.NDArray[np.uint8]
_SHIFT = 4
_SOFTNESS_M = 0.11
_BONES = [
    ("pelvis", "neck", 0.26), ("neck", "head", 0.17), ("left_hip", "left_knee", 0.14),
    ("right_hip", "right_knee", 0.14), ("left_knee", "left_ankle", 0.1), ("right_knee", "right_ankle", 0.1),
    ("left_ankle", "left_toe", 0.1), ("right_ankle", "right_toe", 0.1), ("left_shoulder", "left_elbow", 0.08),
    ("right_shoulder", "right_elbow", 0.08), ("left_elbow", "left_hand", 0.07), ("right_elbow", "right_hand", 0.07),
]  # fmt: skip
_ENDS = np.array([[JOINT[start], JOINT[end]] for start, end, _ in _BONES])
_WIDTHS_M = [width for _, _, width in _BONES]


@dataclass(frozen=True)
class CastShadows:
    """The shadow in every frame."""

    bones: list[list[list[list[int]]]]  # per frame and bone the two ends, fixed-point, relative to the box
    boxes: list[list[int]]  # x0, y0, x1, y1
    widths: list[int]  # pixels, per bone
    softness: int  # pixels
    darkest: int  # 0 to 255

    def draw(self, image: Image, index: int) -> None:
        """Darken the ground in place."""
        x0, y0, x1, y1 = self.boxes[index]
        if x0 >= x1 or y0 >= y1:
            return
        factor = np.full((y1 - y0, x1 - x0), 255, np.uint8)
        for (start, end), width in zip(self.bones[index], self.widths, strict=True):
            cv2.line(factor, start, end, self.darkest, width, cv2.LINE_8, _SHIFT)
        cv2.blur(factor, (2 * self.softness + 1, self.softness | 1), dst=factor)
        region = image[y0:y1, x0:x1]
        cv2.multiply(region, cv2.merge((factor, factor, factor)), dst=region, scale=1 / 255)


def cast_shadows(skeleton: Skeleton, camera: Camera, scene: Scene, motion: Array) -> CastShadows:
    """The shadows of N moments; `motion` (N, 3) is the camera's."""
    ground = skeleton.joints.copy()
    ground[..., 0] += scene.shadow[0] * skeleton.joints[..., 1]
    ground[..., 2] -= scene.shadow[1] * skeleton.joints[..., 1]
    ground[..., 1] = 0
    points = camera.project(ground) * motion[:, :1, None] + motion[:, None, 1:]
    softness = max(1, round(_SOFTNESS_M * camera.scale))
    pad = softness + round(_WIDTHS_M[0] * camera.scale)
    low = np.floor(points.min(axis=1)) - pad
    boxes = np.concatenate([low, np.ceil(points.max(axis=1)) + pad], axis=1)
    boxes = np.clip(boxes, 0, np.tile(camera.size, 2))
    bones = np.rint((points - boxes[:, None, :2]) * (1 << _SHIFT)).astype(int)[:, _ENDS]
    return CastShadows(
        bones=bones.tolist(),
        boxes=boxes.astype(int).tolist(),
        widths=[max(1, round(width * camera.scale)) for width in _WIDTHS_M],
        softness=softness,
        darkest=round(255 * (1 - scene.shadow_strength)),
    )
