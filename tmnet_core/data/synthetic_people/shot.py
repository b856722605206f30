"""A shot: one person in front of one scene and one camera, whose frames can be rendered in any order."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tmnet_core.data.synthetic_people.actions import Style, sample_style
from tmnet_core.data.synthetic_people.appearance import Subject, sample_subject
from tmnet_core.data.synthetic_people.camera import Camera, sample_camera
from tmnet_core.data.synthetic_people.figure import Figure, PlacedFigure, fixed_point
from tmnet_core.data.synthetic_people.framing import fit, walking_distance
from tmnet_core.data.synthetic_people.ground_truth import masks_and_motion
from tmnet_core.data.synthetic_people.scene import Scene, paint_scene
from tmnet_core.data.synthetic_people.sensor import add_noise
from tmnet_core.data.synthetic_people.shadow import cast_shadows
from tmnet_core.data.synthetic_people.skeleton import Array, Pose, Skeleton, forward_kinematics
from tmnet_core.opencv import cv2

SUBSETS = ("train", "validation")
SUBJECTS = {"train": 2000, "validation": 500}
Indices = npt.NDArray[np.int64]
Performance = Callable[[Array, float, Style], Pose]  # poses at times, in a shot of that many seconds, in a style

# Sub-frames of an exposure for pictures of less than that many rows, powers of two: a large picture shows the steps.
_SUBFRAMES = {240: 4, 480: 8, 1 << 30: 16}
_STREAMS = ("subject", "setting", "background")


@dataclass(frozen=True)
class Setting:
    """Everything that is drawn at random for a shot, besides the painted background."""

    subject_name: str
    subject: Subject
    azimuth_deg: float
    camera: Camera
    style: Style
    shutter_s: float
    noise: float  # standard deviation in grey levels


def _stream(name: str, subset: str, seed: int) -> np.random.Generator:
    """Random numbers that no other subset, stream or seed shares."""
    return np.random.default_rng([_STREAMS.index(name), SUBSETS.index(subset), seed])


def draw_setting(seed: int, subset: str, size: tuple[int, int]) -> Setting:
    """The setting of a seed; it knows nothing of the action."""
    rng = _stream("setting", subset, seed)
    number = int(rng.integers(SUBJECTS[subset]))
    azimuth = float(rng.uniform(-100, 100))
    return Setting(
        subject_name=f"{subset[0]}{number:04d}",
        subject=sample_subject(_stream("subject", subset, number)),
        azimuth_deg=azimuth,
        camera=sample_camera(rng, size, float(np.sin(np.deg2rad(azimuth)))),
        style=sample_style(rng),
        shutter_s=float(rng.uniform(0.025, 0.050)),
        noise=float(rng.uniform(1.5, 4.5)),
    )


@dataclass(frozen=True)
class Take:
    """A setting and what is performed in it, seen by a camera that keeps all of it in the picture."""

    setting: Setting
    performance: Performance
    camera: Camera
    frames: int
    fps: float
    stride: float = 1.0  # factor on the distance walked

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.fps

    def times(self, indices: Indices) -> Array:
        """Seconds of the middle of the frames' exposures."""
        return np.asarray((indices + 0.5) / self.fps, np.float64)

    def pose(self, t: Array) -> Pose:
        """The poses at times t (N,)."""
        pose = self.performance(t, self.duration, self.setting.style)
        return replace(pose, travel=pose.travel * self.stride)

    def skeleton(self, t: Array) -> Skeleton:
        """The skeletons at times t (N,)."""
        return forward_kinematics(self.setting.subject.body, self.pose(t), self.setting.azimuth_deg)

    def motion(self, t: Array) -> Array:
        """(N, 3) zoom and shift of the camera at times t (N,)."""
        return self.camera.motion(t, self.duration)


def plan(setting: Setting, performance: Performance, frames: int, fps: float) -> Take:
    """Shorten the way and move the camera as far as the figure has to stay in the picture."""
    take = Take(setting, performance, setting.camera, frames, fps)
    t = np.concatenate([[0.0], take.times(np.arange(frames)), [take.duration]])
    motions = take.motion(t)
    wanted = float(take.pose(t).travel.max())
    if wanted > 0:
        possible = walking_distance(setting.camera, setting.subject.body, setting.azimuth_deg, wanted, motions)
        take = replace(take, stride=possible / wanted)
    return replace(take, camera=fit(setting.camera, take.skeleton(t), motions))


class Shot:
    """A planned take with its painted scene and its figure."""

    def __init__(self, take: Take, seed: int, subset: str) -> None:
        self.take = take
        self._seed = seed
        background = _stream("background", subset, seed)
        self.scene: Scene = paint_scene(background, take.camera, take.setting.azimuth_deg)
        self._figure = Figure(take.setting.subject, take.camera.scale, self.scene.light, self.scene.tint)

    def render(self, indices: Indices) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """Frames (N, H, W, 3) uint8 RGB with these numbers, and joints (N, J, 2) in pixels."""
        take, (width, height) = self.take, self.take.camera.size
        middle = take.times(indices)
        motion = take.motion(middle)
        half = take.setting.shutter_s / 2
        moments = take.skeleton(np.concatenate([middle, middle - half, middle + half]))
        now, exposed = moments[: len(middle)], moments[len(middle) :]
        exposure = _expose(self._figure.place(exposed, take.camera, np.tile(motion.T, 2)), take.camera)
        shadow = cast_shadows(now, take.camera, self.scene, motion)
        out = np.empty((len(indices), height, width, 3), np.uint8)
        for i, frame in enumerate(out):
            self._pan(frame, motion[i])
            shadow.draw(frame, i)
            exposure.draw(frame, i)
            add_noise(frame, take.setting.noise, self._seed, int(indices[i]))
        joints = take.camera.project(now.joints) * motion[:, :1, None] + motion[:, None, 1:]
        return out, joints.astype(np.float32)

    def ground_truth(self, indices: Indices) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
        """Masks (N, H, W) and motion until the next frame (N, H, W) in pixels."""
        take, middle = self.take, self.take.times(indices)
        motion = take.motion(middle).T
        now = self._figure.place(take.skeleton(middle), take.camera, motion)
        later = self._figure.place(take.skeleton(middle + 1 / take.fps), take.camera, motion)
        return masks_and_motion(now, later, take.camera.size)

    def _pan(self, frame: npt.NDArray[np.uint8], motion: Array) -> None:
        zoom, dx, dy = motion
        margin, (width, height) = self.scene.margin, self.take.camera.size
        # The inverse map is what cv2 wants: from picture to canvas.
        warp = np.array([[1, 0, margin[0] * zoom - dx], [0, 1, margin[1] * zoom - dy]]) / zoom
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(
            self.scene.canvas, warp, (width, height), dst=frame, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )


@dataclass(frozen=True)
class _Exposure:
    """The sub-frames of every frame."""

    placed: PlacedFigure  # the frames when the shutter opens, then when it closes
    polygons: npt.NDArray[np.int32]  # (N, S, P x L, V, 2)
    limits: list[list[int]]  # x0, y0, x1, y1 around all sub-frames of a frame

    def draw(self, frame: npt.NDArray[np.uint8], index: int) -> None:
        """Paint the mean of the sub-frames of one frame, in place."""
        x0, y0, x1, y1 = self.limits[index]
        count = self.polygons.shape[1]
        total = np.full((y1 - y0, x1 - x0, 3), count // 2, np.uint16)
        for polygons in self.polygons[index]:
            sub = frame.copy()
            self.placed.draw(sub, index, polygons)
            total += sub[y0:y1, x0:x1]
        frame[y0:y1, x0:x1] = total >> (count.bit_length() - 1)


def _expose(placed: PlacedFigure, camera: Camera) -> _Exposure:
    """Outlines when the shutter opens and closes, and straight lines between the two."""
    count = next(n for rows, n in _SUBFRAMES.items() if camera.size[1] < rows)
    weights = ((np.arange(count, dtype=np.float32) + 0.5) / count).reshape(1, -1, 1, 1, 1)
    first, last = np.split(placed.outlines[:, None], 2)
    polygons = fixed_point(first + weights * (last - first) + _jitter(count).reshape(1, count, 1, 1, 2))
    low = np.floor(np.minimum(*np.split(placed.bounds[:, :2], 2))) - 2
    high = np.ceil(np.maximum(*np.split(placed.bounds[:, 2:], 2))) + 3
    limits = np.clip(np.concatenate([low, high], axis=1), 0, np.tile(camera.size, 2))
    return _Exposure(placed, polygons, limits.astype(int).tolist())


def _jitter(count: int) -> npt.NDArray[np.float32]:
    """(count, 2) places in a pixel, one a sub-frame: their mean is anti-aliased even where nothing moves."""
    steps = np.arange(count)
    # Neighbouring rows a good way apart, as the rotated grid of multi-sampling has them.
    rows = steps * (count // 2 - 1) % count if count > 4 else np.array([1, 3, 0, 2])
    return ((np.stack([steps, rows], axis=1) + 0.5) / count - 0.5).astype(np.float32)
