"""Backgrounds: outdoors, a room, a hall and clutter, with a stool in half of them. Painted once a clip."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tmnet_core.data.synthetic_people.appearance import Colour, mix, random_colour
from tmnet_core.data.synthetic_people.camera import CANVAS_MARGIN, Camera
from tmnet_core.data.synthetic_people.skeleton import Array
from tmnet_core.opencv import cv2

Image = npt.NDArray[np.uint8]
SCENES = ("outdoor", "room", "hall", "clutter")
_SEAT_HEIGHT_M = 0.43
_SEAT_BEHIND_M = 0.40
_SHIFT = 4
_WALL_TEXTURE = 0.035  # of the brightness


@dataclass(frozen=True)
class Scene:
    """The still part of a clip.

    `canvas` (H', W', 3) RGB reaches `margin` = (x, y) pixels beyond the picture on each side.
    """

    kind: str
    canvas: Image
    margin: tuple[int, int]
    has_stool: bool
    light: tuple[float, float]  # direction in the picture, towards the light
    tint: Array  # (3,) RGB factors of the light on the person
    shadow: tuple[float, float]  # metres to the right and to the back, per metre of height
    shadow_strength: float  # 0 to 1


@dataclass(frozen=True)
class _Painter:
    """Draws on the canvas in units: x and y in picture heights from the picture's top left corner."""

    canvas: Image
    camera: Camera
    margin: tuple[int, int]
    rng: np.random.Generator

    @property
    def left(self) -> float:
        return -self.margin[0] / self.camera.size[1]

    @property
    def right(self) -> float:
        return (self.camera.size[0] + self.margin[0]) / self.camera.size[1]

    def points(self, points: Array) -> npt.NDArray[np.int32]:
        pixels = points * self.camera.size[1] + np.array(self.margin)
        return np.asarray(np.rint(pixels * (1 << _SHIFT)), np.int32)

    def polygon(self, points: Array, colour: Colour) -> None:
        cv2.fillPoly(self.canvas, [self.points(points)], colour, cv2.LINE_AA, _SHIFT)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
        cv2.fillConvexPoly(self.canvas, self.points(corners), colour, cv2.LINE_AA, _SHIFT)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        outline = np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)
        cv2.fillConvexPoly(self.canvas, self.points(outline), colour, cv2.LINE_AA, _SHIFT)

    def line(self, start: tuple[float, float], end: tuple[float, float], width: float, colour: Colour) -> None:
        ends = self.points(np.array([start, end]))
        thickness = max(1, round(width * self.camera.size[1]))
        cv2.line(self.canvas, ends[0].tolist(), ends[1].tolist(), colour, thickness, cv2.LINE_AA, _SHIFT)

    def row(self, y: float) -> int:
        return int(np.clip(round(y * self.camera.size[1]) + self.margin[1], 0, len(self.canvas)))

    def gradient(self, top: float, bottom: float, upper: Colour, lower: Colour) -> None:
        first, last = self.row(top), self.row(bottom)
        blend = np.linspace(0, 1, max(last - first, 1))[: last - first, None, None]
        if first < last:
            column = ((1 - blend) * np.array(upper) + blend * np.array(lower)).astype(np.uint8)
            self.canvas[first:last] = cv2.repeat(column, 1, self.canvas.shape[1])

    def floor(self) -> float:
        """Where the wall meets the floor, in picture heights."""
        return self.camera.ground_row(float(self.rng.uniform(1.2, 4.0))) / self.camera.size[1]


def _shade(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(255.0, channel * factor) for channel in colour)
    return r, g, b


def _noise(rng: np.random.Generator, height: int, width: int, cells: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Smooth noise of zero mean: octaves of random grids with that many rows, half the strength each."""
    total = np.zeros((height, width), np.float32)
    for octave, rows in enumerate(cells):
        columns = max(2, rows * width // height)
        grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32) * 0.5**octave
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return total


def _hills(p: _Painter, base: float, height: float, colour: Colour) -> None:
    x = np.linspace(p.left, p.right, 40)
    waves = sum(
        p.rng.uniform(0.2, 1) / k * np.sin(2 * np.pi * (k * x * p.rng.uniform(0.35, 0.6) + p.rng.random()))
        for k in (1, 2, 4)
    )
    ridge = base - height * (0.9 + 0.5 * np.asarray(waves))
    bottom = np.array([[p.right, base + 0.1], [p.left, base + 0.1]])
    p.polygon(np.concatenate([np.stack([x, ridge], axis=1), bottom]), colour)


def _tree(p: _Painter, x: float, foot: float, height: float) -> None:
    leaf = mix((66, 112, 52), (132, 150, 62), float(p.rng.random()))
    p.line((x, foot), (x, foot - 0.5 * height), 0.05 * height, (98, 74, 54))
    if p.rng.random() < 0.3:
        for i in range(3):
            y, w = foot - (0.2 + 0.22 * i) * height, (0.26 - 0.06 * i) * height
            p.polygon(np.array([[x - w, y], [x + w, y], [x, y - 0.4 * height]]), _shade(leaf, 0.75 + 0.12 * i))
        return
    for factor, spread, count in ((0.72, 0.2, 4), (0.95, 0.16, 4), (1.15, 0.1, 3)):
        for dx, dy in p.rng.uniform(-1, 1, (count, 2)):
            r = 0.19 * height * (1.1 - 0.3 * abs(dx))
            lift = 0.04 * height * (factor > 0.8)
            left, top = x + spread * dx * height - lift, foot - (0.68 + 0.13 * dy) * height - lift
            p.ellipse(left, top, r, r, _shade(leaf, factor))


def _cloud(p: _Painter, sky: Colour) -> None:
    x, y, size = p.rng.uniform(p.left, p.right), p.rng.uniform(0, 0.3), p.rng.uniform(0.04, 0.09)
    for dx in np.linspace(-1.6, 1.6, 6):
        puff = size * (1 - 0.28 * abs(dx)) * p.rng.uniform(0.8, 1.1)
        p.ellipse(x + dx * size, y - 0.3 * puff, 1.3 * puff, 0.75 * puff, mix(sky, (255, 255, 255), 0.6))


def _house(p: _Painter, x: float, foot: float, size: float) -> None:
    wall = random_colour(p.rng, (0.05, 0.3), (0.65, 0.9))
    height = size * p.rng.uniform(0.6, 1.1)
    p.box(x, foot - height, size, height, wall)
    roof = np.array([[-0.08 * size, 0], [1.08 * size, 0], [0.5 * size, -0.5 * height]])
    p.polygon(np.add(roof, (x, foot - height)), random_colour(p.rng, (0.3, 0.6), (0.4, 0.65)))
    for i in range(2):
        p.box(x + (0.16 + 0.42 * i) * size, foot - 0.72 * height, 0.24 * size, 0.3 * height, (92, 110, 128))


def _outdoor(p: _Painter) -> float:
    horizon = p.camera.horizon / p.camera.size[1]
    ground = horizon + 0.015
    sky = mix((120, 172, 226), (196, 208, 222), float(p.rng.random()))
    p.gradient(-1, ground, _shade(sky, 0.92), mix(sky, (244, 240, 228), 0.75))
    for _ in range(int(p.rng.integers(1, 4))):
        _cloud(p, sky)
    far = mix((118, 146, 150), (150, 150, 120), float(p.rng.random()))
    _hills(p, ground, 0.16, mix(far, sky, 0.45))
    _hills(p, ground, 0.09, mix(far, (96, 124, 78), 0.5))
    for _ in range(int(p.rng.integers(0, 3))):
        _house(p, float(p.rng.uniform(p.left, p.right - 0.1)), ground + 0.02, float(p.rng.uniform(0.1, 0.2)))
    grass = mix((112, 142, 74), (158, 152, 96), float(p.rng.random()))
    p.gradient(ground, 2, mix(grass, sky, 0.25), _shade(grass, 0.82))
    for metres in np.sort(p.rng.uniform(2, 22, int(p.rng.integers(2, 7))))[::-1]:
        foot = p.camera.ground_row(float(metres)) / p.camera.size[1]
        tall = 4.5 * float(p.camera.scale_at(np.array(-metres))) / p.camera.size[1]
        _tree(p, float(p.rng.uniform(p.left, p.right)), foot, tall * float(p.rng.uniform(0.5, 1.0)))
    if p.rng.random() < 0.5:
        path = mix((206, 190, 160), (150, 150, 152), float(p.rng.random()))
        first, last = (p.camera.ground_row(m) / p.camera.size[1] for m in (0.9, -1.6))
        p.polygon(np.array([[p.left, first], [p.right, first], [p.right, last + 0.3], [p.left, last + 0.3]]), path)
    return ground


def _planks(p: _Painter, floor: float, colour: Colour) -> None:
    """A wooden floor: boards that run towards the vanishing point."""
    middle, horizon = (p.left + p.right) / 2, p.camera.horizon / p.camera.size[1]
    grow = (1.2 - horizon) / max(floor - horizon, 0.02)
    for x in np.arange(p.left - 1, p.right + 1, float(p.rng.uniform(0.07, 0.13))):
        p.line((x, floor), (middle + (x - middle) * grow, 1.2), 0.004, _shade(colour, 0.86))


def _tiles(p: _Painter, floor: float, colour: Colour) -> None:
    _planks(p, floor, colour)
    for metres in np.arange(-2, 4, 0.6):
        y = p.camera.ground_row(float(metres)) / p.camera.size[1]
        if y > floor:
            p.line((p.left, y), (p.right, y), 0.004, _shade(colour, 0.86))


def _indoor_floor(p: _Painter, floor: float) -> None:
    wood = p.rng.random() < 0.6
    boards, stone = (
        mix((176, 132, 92), (214, 180, 138), float(p.rng.random())),
        random_colour(p.rng, (0, 0.2), (0.5, 0.8)),
    )
    colour = boards if wood else stone
    p.gradient(floor, 2, _shade(colour, 0.84), colour)
    (_planks if wood else _tiles)(p, floor, colour)


def _picture(p: _Painter, x: float, y: float, width: float, height: float) -> None:
    p.box(x - 0.012, y - 0.012, width + 0.024, height + 0.024, random_colour(p.rng, (0.1, 0.5), (0.25, 0.6)))
    p.box(x, y, width, height, random_colour(p.rng, (0.1, 0.5), (0.6, 0.95)))
    motif = random_colour(p.rng, (0.3, 0.8), (0.5, 0.95))
    p.ellipse(x + 0.6 * width, y + 0.5 * height, 0.25 * width, 0.25 * height, motif)


def _window(p: _Painter, x: float, y: float, width: float, height: float) -> None:
    frame: Colour = (236, 234, 228)
    p.box(x - 0.015, y - 0.015, width + 0.03, height + 0.03, frame)
    p.box(x, y, width, 0.6 * height, (184, 216, 242))
    p.box(x, y + 0.6 * height, width, 0.4 * height, (150, 180, 136))
    p.box(x + 0.48 * width, y, 0.04 * width, height, frame)
    p.box(x, y + 0.47 * height, width, 0.03 * height, frame)


def _door(p: _Painter, x: float, floor: float) -> None:
    wood = random_colour(p.rng, (0.15, 0.45), (0.45, 0.8))
    height = 2.0 * p.camera.scale / p.camera.size[1] * 0.85
    width = 0.42 * height
    p.box(x - 0.014, floor - height - 0.014, width + 0.028, height + 0.014, _shade(wood, 0.7))
    p.box(x, floor - height, width, height, wood)
    for row in (0.08, 0.55):
        p.box(x + 0.14 * width, floor - (1 - row) * height, 0.72 * width, 0.36 * height, _shade(wood, 0.88))
    p.ellipse(x + 0.88 * width, floor - 0.48 * height, 0.01, 0.01, (222, 206, 150))


def _cupboard(p: _Painter, x: float, floor: float) -> None:
    colour = random_colour(p.rng, (0.1, 0.5), (0.4, 0.85))
    width, height = p.rng.uniform(0.18, 0.4), p.rng.uniform(0.14, 0.5)
    p.box(x, floor - height, width, height + 0.02, colour)
    drawers = int(p.rng.integers(1, 4))
    for row in range(drawers):
        y = floor - height + (row + 0.08) * height / drawers
        p.box(x + 0.012, y, width - 0.024, 0.84 * height / drawers, _shade(colour, 0.82))
    p.box(x, floor + 0.012, width, 0.014, _shade(colour, 0.5))


def _plant(p: _Painter, x: float, floor: float) -> None:
    p.box(x - 0.03, floor - 0.06, 0.06, 0.09, (176, 104, 74))
    for angle in p.rng.uniform(-1.1, 1.1, 9):
        tip = (x + 0.16 * np.sin(angle), floor - 0.06 - 0.2 * np.cos(angle))
        p.line((x, floor - 0.06), tip, 0.014, mix((54, 104, 58), (112, 156, 76), float(p.rng.random())))


def _furnish(p: _Painter, floor: float, top: float) -> None:
    slots = np.arange(p.left, p.right, 0.42) + p.rng.uniform(0, 0.15)
    for x in slots:
        kind = p.rng.random()
        at = float(x + p.rng.uniform(-0.04, 0.04))
        if kind < 0.22:
            _window(p, at, top + 0.1, 0.26, 0.3)
        elif kind < 0.42:
            _picture(p, at, top + 0.12, *p.rng.uniform(0.1, 0.22, 2))
        elif kind < 0.56:
            _door(p, at, floor)
        elif kind < 0.74:
            _cupboard(p, at, floor)
        elif kind < 0.84:
            _plant(p, at, floor + 0.01)


def _room(p: _Painter) -> float:
    floor = p.floor()
    wall = random_colour(p.rng, (0.04, 0.32), (0.7, 0.95))
    p.gradient(-1, floor, wall, _shade(wall, 0.92))
    if p.rng.random() < 0.4:
        for x in np.arange(p.left, p.right, float(p.rng.uniform(0.05, 0.1))):
            p.box(float(x), -1, 0.025, floor + 1, _shade(wall, 0.95))
    _indoor_floor(p, floor)
    p.box(p.left, floor - 0.025, p.right - p.left, 0.03, mix(wall, (250, 250, 246), 0.7))
    _furnish(p, floor, 0.02)
    return floor


def _bricks(p: _Painter, floor: float, mortar: Colour) -> None:
    height = float(p.rng.uniform(0.05, 0.08))
    for row, y in enumerate(np.arange(floor, -0.2, -height)):
        p.line((p.left, y), (p.right, y), 0.006, mortar)
        for x in np.arange(p.left + (row % 2) * height * 1.2, p.right, 2.4 * height):
            p.line((float(x), y), (float(x), y - height), 0.005, mortar)


def _hall(p: _Painter) -> float:
    """A sports hall: brick or boarded walls, a row of high windows, lines on the floor."""
    floor = p.floor()
    wall = mix((186, 118, 92), (206, 202, 190), float(p.rng.random()))
    p.gradient(-1, floor, _shade(wall, 0.95), wall)
    _bricks(p, floor, mix(wall, (232, 226, 216), 0.4))
    for x in np.arange(p.left, p.right, 0.34):
        _window(p, float(x) + 0.05, -0.02, 0.24, 0.16)
    if p.rng.random() < 0.5:
        p.box(p.left, floor - 0.22, p.right - p.left, 0.22, random_colour(p.rng, (0.2, 0.6), (0.5, 0.85)))
    _indoor_floor(p, floor)
    line = random_colour(p.rng, (0.0, 0.8), (0.75, 1.0))
    y = p.camera.ground_row(float(p.rng.uniform(0.4, 0.9))) / p.camera.size[1]
    p.box(p.left, y, p.right - p.left, 0.012, line)
    x = float(p.rng.uniform(p.left, p.right))
    p.line((x, floor), (x + float(p.rng.uniform(-0.4, 0.4)), 1.2), 0.014, line)
    for _ in range(int(p.rng.integers(0, 3))):
        _cupboard(p, float(p.rng.uniform(p.left, p.right)), floor)
    return floor


def _clutter(p: _Painter) -> float:
    """A wall painted with shapes, some things on the floor."""
    floor = p.floor()
    wall = random_colour(p.rng, (0.1, 0.5), (0.5, 0.9))
    p.gradient(-1, floor, wall, _shade(wall, 0.9))
    for _ in range(int(p.rng.integers(14, 30))):
        x, y = p.rng.uniform(p.left, p.right), p.rng.uniform(-0.15, floor)
        colour = mix(random_colour(p.rng, (0.1, 0.8), (0.35, 0.95)), wall, 0.25)
        size = float(p.rng.uniform(0.03, 0.16))
        kind = p.rng.integers(4)
        if kind == 0:
            p.ellipse(x, y, size, size * float(p.rng.uniform(0.4, 1)), colour)
        elif kind == 1:
            angle = p.rng.random() * np.pi + np.arange(4) * np.pi / 2
            p.polygon(np.array([x, y]) + size * np.stack([np.cos(angle), np.sin(angle) * 0.7], axis=1), colour)
        elif kind == 2:
            p.line((x, y), (x + float(p.rng.uniform(-0.3, 0.3)), y + float(p.rng.uniform(-0.3, 0.3))), 0.03, colour)
        else:
            p.polygon(np.array([x, y]) + p.rng.uniform(-1.3, 1.3, (3, 2)) * size, colour)
    ground = random_colour(p.rng, (0.05, 0.35), (0.45, 0.8))
    p.gradient(floor, 2, _shade(ground, 0.85), ground)
    for _ in range(int(p.rng.integers(1, 5))):
        x, size = float(p.rng.uniform(p.left, p.right)), float(p.rng.uniform(0.05, 0.14))
        box = random_colour(p.rng, (0.2, 0.6), (0.4, 0.9))
        p.box(x, floor - size, 1.2 * size, 1.15 * size, box)
        p.box(x, floor - size, 1.2 * size, 0.3 * size, _shade(box, 1.15))
    return floor


def _stool(p: _Painter, azimuth_deg: float, colour: Colour) -> None:
    """A stool just behind the person's first place, where they would sit."""
    angle = np.deg2rad(azimuth_deg)
    x, z = -_SEAT_BEHIND_M * np.sin(angle), -_SEAT_BEHIND_M * np.cos(angle)
    unit = p.camera.size[1]
    seat_x, seat_y = p.camera.project(np.array([x, _SEAT_HEIGHT_M, z])) / unit
    for dx, dz in ((-0.13, -0.1), (0.13, -0.1), (-0.15, 0.1), (0.15, 0.1)):
        foot = p.camera.project(np.array([x + 1.15 * dx, 0.0, z + dz])) / unit
        top = p.camera.project(np.array([x + dx, _SEAT_HEIGHT_M, z + dz])) / unit
        wood = _shade(colour, 0.7 if dz < 0 else 0.9)
        p.line((top[0], top[1]), (foot[0], foot[1]), 0.045 * p.camera.scale / unit, wood)
    radius = 0.2 * p.camera.scale / unit
    p.ellipse(seat_x, seat_y + 0.2 * radius, radius, 0.3 * radius, _shade(colour, 0.7))
    p.ellipse(seat_x, seat_y, radius, 0.28 * radius, colour)


def _stool_shadow(canvas: Image, p: _Painter, azimuth_deg: float, strength: float) -> None:
    angle = np.deg2rad(azimuth_deg)
    place = np.array([-_SEAT_BEHIND_M * np.sin(angle), 0.0, -_SEAT_BEHIND_M * np.cos(angle)])
    x, y = p.camera.project(place) + np.array(p.margin)
    radius = 0.26 * p.camera.scale
    top, bottom = int(max(y - radius, 0)), int(min(y + radius, len(canvas)))
    left, right = int(max(x - 2 * radius, 0)), int(min(x + 2 * radius, canvas.shape[1]))
    if top >= bottom or left >= right:
        return
    v, u = np.mgrid[top:bottom, left:right].astype(np.float32)
    blob = np.exp(-(((u - x) / radius) ** 2) - ((v - y) / (0.35 * radius)) ** 2)
    region = canvas[top:bottom, left:right]
    region[:] = (region * (1 - 0.8 * strength * blob[..., None])).astype(np.uint8)


def _finish(p: _Painter, floor: float, light_x: float) -> None:
    """Texture, and light that falls off across the picture."""
    height, width = p.canvas.shape[:2]
    texture = _WALL_TEXTURE * _noise(p.rng, height, width, (4, 10, 28, 80))
    texture[p.row(floor) :] *= 2.2
    across = np.linspace(-1, 1, width, dtype=np.float32) * light_x
    down = np.linspace(0.05, -0.05, height, dtype=np.float32)[:, None]
    factor = 1 + texture + float(p.rng.uniform(0.05, 0.16)) * across + down
    cv2.multiply(p.canvas, cv2.merge((factor, factor, factor)), dst=p.canvas, dtype=cv2.CV_8U)


_BACKGROUNDS: dict[str, Callable[[_Painter], float]] = {
    "outdoor": _outdoor, "room": _room, "hall": _hall, "clutter": _clutter,
}  # fmt: skip


def paint_scene(rng: np.random.Generator, camera: Camera, azimuth_deg: float) -> Scene:
    """A random scene; it knows the camera and where the person stands, never what they do."""
    width, height = camera.size
    margin = (round(CANVAS_MARGIN * width) + 2, round(CANVAS_MARGIN * height) + 2)
    canvas = np.empty((height + 2 * margin[1], width + 2 * margin[0], 3), np.uint8)
    kind = SCENES[int(rng.integers(len(SCENES)))]
    has_stool = bool(rng.random() < 0.5)
    light_x = float(rng.choice([-1.0, 1.0]))
    strength = float(rng.uniform(0.3, 0.5) if kind == "outdoor" else rng.uniform(0.18, 0.34))
    shadow = (-light_x * float(rng.uniform(0.15, 0.6)), float(rng.uniform(0.0, 0.5)))
    tint = rng.uniform(0.96, 1.06) * np.array([1.0, 1.0, 1.0]) + rng.uniform(-0.03, 0.03) * np.array([1.0, 0, -1.0])
    stool_colour = mix((150, 98, 62), random_colour(rng, (0.2, 0.7), (0.4, 0.8)), 0.4)
    painter = _Painter(canvas, camera, margin, rng)
    floor = _BACKGROUNDS[kind](painter)
    _finish(painter, floor, light_x)
    if has_stool:
        _stool_shadow(canvas, painter, azimuth_deg, strength)
        _stool(painter, azimuth_deg, stool_colour)
    blur = float(rng.uniform(0.2, 0.55)) * height / 120
    if blur > 0.3:
        canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), blur), np.uint8)
    return Scene(kind, canvas, margin, has_stool, (0.8 * light_x, -0.6), tint, shadow, strength)
