"""The camera: almost weak perspective, where the person stands in the picture, and a slow drift, pan and zoom."""

from dataclasses import dataclass

import numpy as np

from tmnet_core.data.synthetic_people.skeleton import Array

CANVAS_MARGIN = 0.14  # of the picture's size, on each side: what the camera may uncover
_MAX_SHIFT = 0.035  # of the picture's size
_MAX_ZOOM = 0.04


@dataclass(frozen=True)
class Camera:
    """A camera far away. Pixels are those of the picture before drift, pan and zoom."""

    size: tuple[int, int]  # width, height
    distance: float  # metres to the person's first place
    scale: float  # pixels a metre there
    foot_x: float
    foot_y: float
    eye_height: float  # metres above the ground
    drift: Array  # (2, 3): amplitude in pixels, Hz, phase of x and y
    pan: Array  # (2,) pixels a second
    zoom: tuple[float, float]  # factor at the beginning, change a second

    @property
    def horizon(self) -> float:
        """Row of the horizon."""
        return self.foot_y - self.scale * self.eye_height

    def scale_at(self, depth: Array) -> Array:
        """Pixels a metre at `depth` metres in front of the person's first place (towards the camera)."""
        return np.asarray(self.scale * self.distance / (self.distance - depth))

    def project(self, points: Array) -> Array:
        """(..., 3) world points (right, up, towards the camera) to (..., 2) pixels."""
        scale = self.scale_at(points[..., 2])
        x = self.foot_x + scale * points[..., 0]
        y = self.horizon + scale * (self.eye_height - points[..., 1])
        return np.stack([x, y], axis=-1)

    def ground_row(self, metres_behind: float) -> float:
        """Row of the ground that far behind the person."""
        return self.horizon + float(self.scale_at(np.array(-metres_behind))) * self.eye_height

    def motion(self, t: Array, duration: float) -> Array:
        """(N, 3) zoom and shift of x and y in pixels of the picture at times t (N,); never beyond the canvas."""
        centred = t[:, None] - duration / 2
        size = np.array(self.size)
        swing = self.drift[:, 0] * np.sin(2 * np.pi * (self.drift[:, 1] * t[:, None] + self.drift[:, 2]))
        shift = np.clip(swing + self.pan * centred, -_MAX_SHIFT * size, _MAX_SHIFT * size)
        zoom = np.clip(self.zoom[0] + self.zoom[1] * centred, 1 - _MAX_ZOOM, 1 + _MAX_ZOOM)
        return np.concatenate([zoom, shift + (1 - zoom) * size / 2], axis=1)


def sample_camera(rng: np.random.Generator, size: tuple[int, int], heading: float) -> Camera:
    """A camera that leaves room for every action: the person's size and place know nothing of the class.

    `heading` is the horizontal part of where the person faces (-1 left to 1 right): there is more room ahead.
    """
    width, height = size
    reference = min(height, 0.95 * width)
    person_px = float(rng.uniform(0.45, 0.55)) * reference
    room = 1.5 * person_px  # from the ground to the hands of the highest jump
    lowest, highest = 0.93 * height, min(0.93 * height, room + 0.06 * height)
    still = bool(rng.random() < 0.25)
    moving = 0.0 if still else 1.0
    drift = np.stack(
        [
            moving * rng.uniform(0, 0.012, 2) * reference,
            rng.uniform(0.2, 0.7, 2),
            rng.random(2),
        ],
        axis=1,
    )
    x = width * (0.5 - 0.16 * heading + float(rng.uniform(-0.07, 0.07)))
    return Camera(
        size=size,
        distance=float(rng.uniform(8, 14)),
        scale=person_px / 1.72,
        foot_x=x,
        foot_y=float(rng.uniform(highest, lowest)) if highest < lowest else lowest,
        eye_height=float(rng.uniform(1.0, 1.6)),
        drift=drift,
        pan=moving * rng.uniform(-0.03, 0.03, 2) * np.array([1, 0.4]) * reference,
        zoom=(1 + moving * float(rng.uniform(-0.02, 0.02)), moving * float(rng.uniform(-0.025, 0.025))),
    )
