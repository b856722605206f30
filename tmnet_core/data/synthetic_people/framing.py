"""Keeps the figure inside the picture: how far it may walk, and where the camera looks."""

from dataclasses import replace

import numpy as np

from tmnet_core.data.synthetic_people.camera import Camera
from tmnet_core.data.synthetic_people.skeleton import Array, Body, Skeleton

_SHOULDER_ROOM_M = 0.4
_STRIDE_ROOM_M = 0.28  # what a stride adds along the way
_PADDING_M = 0.15  # from a joint to the figure's outline
_EDGE_PX = 2.0


def _box(camera: Camera, points: Array, padding_m: float) -> Array:
    """x0, y0, x1, y1 of (N, K, 3) points over all moments, before the camera's motion."""
    pixels = camera.project(points)
    pad = padding_m * camera.scale_at(points[..., 2])[..., None]
    low, high = (pixels - pad).min(axis=(0, 1)), (pixels + pad).max(axis=(0, 1))
    return np.concatenate([low, high])


def _overflow(camera: Camera, box: Array, motions: Array) -> Array:
    """How far the box leaves the picture on its left, top, right and bottom side at worst, 0 where it does not."""
    moved = motions[:, :1] * box + motions[:, [1, 2, 1, 2]]
    limit = np.array(camera.size) - _EDGE_PX
    low = np.maximum(_EDGE_PX - moved[:, :2], 0).max(axis=0)
    high = np.maximum(moved[:, 2:] - limit, 0).max(axis=0)
    return np.concatenate([low, high])


def walking_distance(camera: Camera, body: Body, azimuth_deg: float, wanted: float, motions: Array) -> float:
    """Metres, at most `wanted`, that the person can walk ahead without leaving the picture."""
    angle = np.deg2rad(azimuth_deg)
    distances = np.linspace(0, wanted, 25)
    for distance in distances[::-1]:
        x, z = distance * np.sin(angle), distance * np.cos(angle)
        room = _SHOULDER_ROOM_M + _STRIDE_ROOM_M * abs(np.sin(angle))
        toes = 2 * _STRIDE_ROOM_M * max(np.cos(angle), 0)
        points = np.array([[[x - room, 0.0, z + toes], [x + room, 0.0, z + toes], [x, body.height, z]]])
        if not _overflow(camera, _box(camera, points, _PADDING_M), motions).any():
            return float(distance)
    return 0.0


def fit(camera: Camera, skeleton: Skeleton, motions: Array) -> Camera:
    """The camera moved, or moved back, as little as it takes to see the whole figure all the time.

    Cameras are drawn with room for every action, so this changes few of them.
    """
    points = np.concatenate([skeleton.joints, skeleton.heels], axis=1)
    for _ in range(24):
        overflow = _overflow(camera, _box(camera, points, _PADDING_M), motions)
        if not overflow.any():
            break
        left, top, right, bottom = overflow
        camera = replace(
            camera,
            scale=camera.scale * (0.96 if left * right + top * bottom > 0 else 1.0),
            foot_x=camera.foot_x + 1.05 * (left - right),
            foot_y=camera.foot_y + 1.05 * (top - bottom),
        )
    return camera
