"""The drawn figure: convex hulls of ellipsoids, projected for all moments at once, painted from back to front.

A part (a thigh, a shirt) is the hull of three ellipsoids, so its outline is a convex polygon in closed form: in
every direction the hull's outermost point is that of the outermost ellipse. Shading is a stack of smaller copies
of the outline, each shifted towards the light.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tmnet_core.data.synthetic_people.appearance import Colour, Subject, mix
from tmnet_core.data.synthetic_people.camera import Camera
from tmnet_core.data.synthetic_people.skeleton import JOINT, Array, Skeleton
from tmnet_core.opencv import cv2

SHIFT = 4  # fractional bits of polygon coordinates
_VERTICES = 16
_BORDER_PX = np.float32(0.3)  # cv2 fills a polygon's border, too
_PIXELS_A_LAYER = 0.14 / 3  # metres across a thigh, pixels a layer
_TRUNK, _HIPS, _FACE = range(3)
_EYE_COLOUR: Colour = (44, 34, 34)
_EYE = 0.1  # of half the head
_FULL_EYE_PX = 0.9
_FACING_AWAY = 0.25  # towards the camera, less than this share of a direction
_THIN_PX = 1.7

Image = npt.NDArray[np.uint8]
Array32 = npt.NDArray[np.float32]
Stroke = tuple[int, tuple[float, float, float]]  # which outline, in which colour
Landmark = dict[str, float]


@dataclass(frozen=True)
class _Ellipsoid:
    """Centre as weights of landmarks; half axes in metres along forward, left and up of a body frame."""

    centre: Landmark
    axes: tuple[float, float, float]
    frame: int = _TRUNK


@dataclass
class _Group:
    """Parts painted together: layer by layer, so that neighbours of one colour merge without a seam."""

    depth: Landmark  # sorted by the depth of this landmark
    bias: float = 0.0  # metres towards the camera
    coats: list[tuple[Colour, list[int]]] = field(default_factory=list)
    facing: Landmark | None = None  # painted only while this direction points to the camera


class Figure:
    """One person, ready to be drawn. Built once a clip."""

    def __init__(self, subject: Subject, pixels_a_metre: float, light: tuple[float, float], tint: Array) -> None:
        """`light`: the direction to the light in the picture; `tint`: its RGB factors."""
        self._subject = subject
        self._pixels_a_metre = pixels_a_metre
        self._ellipsoids: list[_Ellipsoid] = []
        self._groups: list[_Group] = []
        self._light = np.array(light)
        self._tint = tint
        layers = int(np.clip(round(pixels_a_metre * _PIXELS_A_LAYER), 3, 7))
        self._scales = np.linspace(1.0, 0.35, layers)
        self._brightness = np.interp(self._scales, [0.35, 0.8, 1.0], [1.1, 0.95, 0.7])
        self._build()
        self._compile()

    def _compile(self) -> None:
        """Turn the description into matrices over the landmarks."""
        self._centres = _weights([e.centre for e in self._ellipsoids])
        self._axes = np.array([e.axes for e in self._ellipsoids]) ** 2
        self._frames = np.array([e.frame for e in self._ellipsoids])
        self._radius = np.array([min(e.axes) for e in self._ellipsoids])
        self._depths = _weights([group.depth for group in self._groups])
        self._biases = np.array([group.bias for group in self._groups])
        self._facings = _weights([group.facing or {} for group in self._groups])
        self._turns_away = np.array([group.facing is not None for group in self._groups])
        self._strokes = [self._paint_list(group) for group in self._groups]

    # -- the body -------------------------------------------------------------------------------------------

    def _part(self, *ellipsoids: _Ellipsoid) -> int:
        self._ellipsoids += [ellipsoids[min(i, len(ellipsoids) - 1)] for i in range(3)]
        return len(self._ellipsoids) // 3 - 1

    def _limb(self, start: str, end: str, radii: tuple[float, ...], until: float = 1.0, begin: float = 0.0) -> int:
        """A part along a bone; three radii are at the beginning, at 35 % and at the end of the bone."""

        def ball(at: float, radius: float) -> _Ellipsoid:
            return _Ellipsoid({start: 1 - at, end: at}, (radius, radius, radius))

        def girth(at: float) -> float:
            return float(np.interp(at, [0, 0.35, 1], radii))

        middle = min(max(0.35, begin), until)
        return self._part(*(ball(at, girth(at)) for at in (begin, middle, until)))

    def _build(self) -> None:
        self._build_trunk()
        for side in ("left", "right"):
            self._build_arm(side)
            self._build_leg(side)
        self._build_head()

    def _build_trunk(self) -> None:
        s, b = self._subject, self._subject.body
        h, g = b.height, b.height * b.girth
        wide = b.shoulder_half_width
        waist_width = (0.066 if b.female else 0.082) * g
        hip_width = b.hip_half_width + (0.045 if b.female else 0.036) * g
        trunk = b.trunk
        shoulders = _Ellipsoid({"neck": 1, "trunk_up": -0.033 * h}, (0.04 * g, wide + 0.012 * g, 0.025 * g))
        chest = _Ellipsoid(
            {"neck": 1, "trunk_up": -0.36 * trunk, "trunk_forward": (0.012 if b.female else 0.004) * h},
            (0.066 * g, wide * 0.9, 0.03 * g),
        )
        waist = _Ellipsoid({"neck": 0.36, "pelvis": 0.64}, (0.054 * g, waist_width, 0.03 * g))
        hips = _Ellipsoid({"pelvis": 1, "hips_up": 0.012 * h}, (0.062 * g, hip_width, 0.03 * g), _HIPS)
        seat = _Ellipsoid(
            {"pelvis": 1, "hips_up": -0.035 * h, "hips_forward": -0.006 * h},
            (0.06 * g, hip_width * 0.95, 0.03 * g),
            _HIPS,
        )
        neck = self._limb("neck", "head", (0.034 * g, 0.03 * g, 0.03 * g), until=0.7)
        belly, hem, shirt = self._part(hips, seat), self._part(waist, hips), self._part(shoulders, chest, waist)
        coats: list[tuple[Colour, list[int]]] = [(s.skin, [neck]), (s.bottom, [belly]), (s.top, [hem, shirt])]
        if s.stripe is not None:
            low = _Ellipsoid({"neck": 1, "trunk_up": -0.5 * trunk}, (0.06 * g, wide * 0.8, 0.01 * g))
            coats.append((s.stripe, [self._part(chest, low)]))
        self._groups.append(_Group({"neck": 0.5, "pelvis": 0.5}, 0.0, coats))
        if s.legwear == "skirt":
            hem_ball = 0.068 * g
            knees = [
                _Ellipsoid({f"{side}_hip": 0.42, f"{side}_knee": 0.58}, (hem_ball, hem_ball, 0.02 * g), _HIPS)
                for side in ("left", "right")
            ]
            skirt = self._part(hips, *knees)
            lap = {"left_hip": 0.25, "left_knee": 0.25, "right_hip": 0.25, "right_knee": 0.25}
            self._groups.append(_Group(lap, 0.05, [(s.bottom, [skirt])]))

    def _build_arm(self, side: str) -> None:
        s, g = self._subject, self._subject.body.height * self._subject.body.girth
        shoulder, elbow, wrist, hand = (f"{side}_{name}" for name in ("shoulder", "elbow", "wrist", "hand"))
        radii = (0.034 * g, 0.031 * g, 0.024 * g)
        low = (0.025 * g, 0.025 * g, 0.0165 * g)
        palm = self._limb(wrist, hand, (0.0165 * g, 0.024 * g, 0.014 * g), until=0.9, begin=0.05)
        if s.sleeves == "long":
            sleeve = self._limb(shoulder, elbow, (0.038 * g, 0.035 * g, 0.029 * g))
            cuff = self._limb(elbow, wrist, (0.029 * g, 0.028 * g, 0.022 * g), until=0.94)
            coats = [(s.skin, [palm]), (s.top, [sleeve, cuff])]
        else:
            coats = [(s.skin, [self._limb(shoulder, elbow, radii), self._limb(elbow, wrist, low), palm])]
        if s.sleeves == "short":
            loose = (0.037 * g, 0.036 * g, 0.034 * g)
            coats.append((s.top, [self._limb(shoulder, elbow, loose, until=0.48)]))
        self._groups.append(_Group({shoulder: 0.2, elbow: 0.4, wrist: 0.4}, 0.10, coats))

    def _build_leg(self, side: str) -> None:
        s, g = self._subject, self._subject.body.height * self._subject.body.girth
        b = s.body
        hip, knee, ankle, toe, heel = (f"{side}_{name}" for name in ("hip", "knee", "ankle", "toe", "heel"))
        sole = 0.016 * b.height
        shoe = self._part(
            _Ellipsoid({heel: 0.86, toe: 0.14, "up": sole * 1.25}, (sole * 1.3,) * 3),
            _Ellipsoid({ankle: 0.8, toe: 0.2, "up": -0.2 * sole}, (sole * 1.35,) * 3),
            _Ellipsoid({toe: 0.93, heel: 0.07, "up": sole * 0.95}, (sole * 0.95,) * 3),
        )
        if s.legwear == "trousers":
            leg = self._limb(hip, knee, (0.055 * g, 0.054 * g, 0.039 * g))
            calf = self._limb(knee, ankle, (0.039 * g, 0.038 * g, 0.03 * g), until=0.95)
            coats = [(s.shoes, [shoe]), (s.bottom, [leg, calf])]
        else:
            thigh = self._limb(hip, knee, (0.052 * g, 0.050 * g, 0.034 * g))
            shin = self._limb(knee, ankle, (0.034 * g, 0.036 * g, 0.021 * g))
            coats = [(s.skin, [thigh, shin]), (s.shoes, [shoe])]
        if s.legwear == "shorts":
            coats.append((s.bottom, [self._limb(hip, knee, (0.056 * g, 0.055 * g, 0.047 * g), until=0.66)]))
        self._groups.append(_Group({hip: 0.34, knee: 0.36, ankle: 0.3}, -0.04, coats))

    def _build_head(self) -> None:
        s, b = self._subject, self._subject.body
        r = 0.5 * b.head

        def on_head(forward: float, left: float, up: float, axes: tuple[float, float, float]) -> _Ellipsoid:
            centre = {"head": 1.0, "face_forward": forward * r, "face_left": left * r, "face_up": up * r}
            return _Ellipsoid(centre, (axes[0] * r, axes[1] * r, axes[2] * r), _FACE)

        if s.hair_style != "short":
            back = on_head(-0.3, 0, 0.1, (0.72, 0.8, 0.8))
            long, bun = on_head(-0.5, 0, -1.35, (0.34, 0.66, 0.3)), on_head(-0.95, 0, 0.5, (0.4, 0.4, 0.4))
            part = self._part(back, long if s.hair_style == "long" else bun)
            self._groups.append(_Group({"head": 1, "face_forward": -0.1}, -0.02, [(s.hair, [part])]))
        skull = self._part(on_head(0, 0, 0.02, (0.86, 0.74, 1.0)), on_head(0.18, 0, -0.3, (0.6, 0.56, 0.68)))
        hair = self._part(on_head(-0.16, 0, 0.26, (0.86, 0.84, 0.82)), on_head(0.05, 0, 0.45, (0.8, 0.78, 0.64)))
        face = self._part(
            on_head(0.34, 0, -0.02, (0.56, 0.62, 0.55)),
            on_head(0.3, 0, -0.5, (0.48, 0.42, 0.46)),
            on_head(0.92, 0, -0.2, (0.12, 0.12, 0.12)),
        )
        self._groups.append(_Group({"head": 1}, 0.04, [(s.skin, [skull]), (s.hair, [hair]), (s.skin, [face])]))
        # An eye smaller than a pixel is painted as one: paint it as pale as it would look.
        share = float(np.clip(_EYE * r * self._pixels_a_metre / _FULL_EYE_PX, 0.35, 1))
        eye_colour = mix(s.skin, _EYE_COLOUR, share)
        for side in (-1.0, 1.0):
            eye = self._part(on_head(0.84, 0.3 * side, 0.1, (0.9 * _EYE, _EYE, 1.2 * _EYE)))
            outward = {"face_forward": 1.0, "face_left": 0.45 * side}
            self._groups.append(_Group({"head": 1}, 0.05, [(eye_colour, [eye])], outward))
        mouth = self._part(on_head(0.74, 0.17, -0.56, (0.06,) * 3), on_head(0.74, -0.17, -0.56, (0.06,) * 3))
        lips = (s.skin[0] * 0.72, s.skin[1] * 0.5, s.skin[2] * 0.5)
        self._groups.append(_Group({"head": 1}, 0.05, [(lips, [mouth])], {"face_forward": 1.0}))

    # -- drawing --------------------------------------------------------------------------------------------

    def _paint_list(self, group: _Group) -> list[Stroke]:
        """Strokes in the order of painting; parts of one coat go layer by layer."""
        strokes = []
        count = len(self._scales)
        for colour, parts in group.coats:
            layers = self._used_layers(parts) if group.facing is None else [0]
            for layer in layers:
                factor = self._brightness[layer] if group.facing is None else 1.0
                r, g, b = np.clip(np.array(colour) * factor * self._tint, 0, 255)
                strokes += [(part * count + layer, (float(r), float(g), float(b))) for part in parts]
        return strokes

    def _used_layers(self, parts: list[int]) -> list[int]:
        """A part only two or three pixels wide needs no more than a rim and a middle."""
        thickest = max(self._ellipsoids[3 * part + i].axes[0] for part in parts for i in range(3))
        return [0, 1] if thickest * self._pixels_a_metre < _THIN_PX else list(range(len(self._scales)))

    def place(self, skeleton: Skeleton, camera: Camera, motion: Array) -> "PlacedFigure":
        """The outlines of N moments in pixels; `motion` (3, N): zoom, x and y shift of the camera."""
        zoom, dx, dy = motion
        landmarks = landmark_points(skeleton)
        centres = np.matmul(self._centres, landmarks)
        frames = np.stack([skeleton.trunk, skeleton.hips, skeleton.face], axis=1)[..., :2] * np.array([1.0, -1.0])
        outer = np.stack([frames[..., 0] ** 2, frames[..., 0] * frames[..., 1], frames[..., 1] ** 2], axis=-1)
        shape = np.empty((len(landmarks), len(self._axes), 3))
        for frame in range(3):
            chosen = self._frames == frame
            shape[:, chosen] = np.matmul(self._axes[chosen], outer[:, frame])
        scale = camera.scale_at(centres[..., 2]) * zoom[:, None]
        pixels = camera.project(centres) * zoom[:, None, None] + np.stack([dx, dy], axis=-1)[:, None]
        shape *= scale[..., None] ** 2
        half = np.sqrt(shape[..., [0, 2]])
        bounds = np.concatenate([(pixels - half).min(axis=1), (pixels + half).max(axis=1)], axis=1)
        return PlacedFigure(
            outlines=self._outlines(pixels.astype(np.float32), shape.astype(np.float32), scale * self._radius),
            order=self._order(landmarks),
            strokes=self._strokes,
            layers=len(self._scales),
            ends=pixels.reshape(len(pixels), -1, 3, 2)[:, :, [0, 2]],
            bounds=bounds,
        )

    def _outlines(self, centres: Array32, shape: Array32, radius: Array) -> Array32:
        """(N, P x L, V, 2) pixels of parts and shading layers."""
        n, parts, layers = len(centres), len(self._ellipsoids) // 3, len(self._scales)
        angles = np.linspace(0, 2 * np.pi, _VERTICES, endpoint=False, dtype=np.float32)
        nx, ny = np.cos(angles), np.sin(angles)
        x, y = (centres[..., axis].reshape(n, parts, 3, 1) for axis in range(2))
        xx, xy, yy = (shape[..., axis].reshape(n, parts, 3, 1) for axis in range(3))
        reach_x, reach_y = xx * nx + xy * ny, xy * nx + yy * ny
        extent = np.sqrt(np.maximum(reach_x * nx + reach_y * ny, 1e-6))
        support = x * nx + y * ny + extent
        # The three ellipsoids of a part: along each direction, the outermost one makes the outline.
        second = support[:, :, 1] > support[:, :, 0]
        third = support[:, :, 2] > np.maximum(support[:, :, 0], support[:, :, 1])

        def outermost(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
            return np.where(third, values[:, :, 2], np.where(second, values[:, :, 1], values[:, :, 0]))

        lit = np.float32(0.45) * outermost(radius.astype(np.float32).reshape(n, parts, 3, 1))
        points = np.empty((n, parts, layers, _VERTICES, 2), np.float32)
        for axis, (core, reach) in enumerate(((x, reach_x), (y, reach_y))):
            middle, rim = outermost(core), outermost(reach / extent) - _BORDER_PX * (nx, ny)[axis]
            shift = lit * np.float32(self._light[axis])
            for layer, k in enumerate(self._scales.tolist()):
                points[:, :, layer, :, axis] = middle + k * rim + (1 - k) * shift
        return points.reshape(n, parts * layers, _VERTICES, 2)

    def _order(self, landmarks: Array) -> list[list[int]]:
        """Groups from back to front for every moment, without those that face away."""
        depth = np.matmul(landmarks[..., 2], self._depths.T) + self._biases
        hidden = (np.matmul(landmarks[..., 2], self._facings.T) < _FACING_AWAY) & self._turns_away
        order = np.argsort(depth, axis=1, kind="stable").tolist()
        return [[group for group in groups if not away[group]] for groups, away in zip(order, hidden, strict=True)]


def fixed_point(outlines: Array32) -> npt.NDArray[np.int32]:
    """Pixels as the integers that cv2 draws with `SHIFT`."""
    return np.asarray(np.rint(outlines * np.float32(1 << SHIFT)), np.int32)


@dataclass(frozen=True)
class PlacedFigure:
    """Outlines of a figure in N moments, in pixels."""

    outlines: Array32  # (N, P x L, V, 2)
    order: list[list[int]]  # groups from back to front
    strokes: list[list[Stroke]]  # per group
    layers: int
    ends: Array  # (N, P, 2, 2), the two ends of every part
    bounds: Array  # (N, 4) x0, y0, x1, y1

    def draw(self, image: Image, moment: int, polygons: npt.NDArray[np.int32]) -> None:
        """Paint the figure onto an RGB image in place, with `polygons` (P x L, V, 2) for its outlines."""
        outlines, fill = list(polygons), cv2.fillConvexPoly
        for group in self.order[moment]:
            for outline, colour in self.strokes[group]:
                fill(image, outlines[outline], colour, 8, SHIFT)

    def draw_parts(self, image: Image, moment: int) -> None:
        """Write the number of the visible part + 1 into a one-channel image, in place."""
        polygons = fixed_point(self.outlines[moment])
        for group in self.order[moment]:
            for outline, _ in self.strokes[group]:
                part, layer = divmod(outline, self.layers)
                if layer == 0:
                    cv2.fillConvexPoly(image, polygons[outline], part + 1, 8, SHIFT)


_VECTORS = (
    "trunk_forward", "trunk_left", "trunk_up", "hips_forward", "hips_left", "hips_up",
    "face_forward", "face_left", "face_up", "up",
)  # fmt: skip
_LANDMARKS = {name: i for i, name in enumerate((*JOINT, "left_heel", "right_heel", *_VECTORS))}


def landmark_points(skeleton: Skeleton) -> Array:
    """(N, K, 3) everything that a centre is a weighted sum of: joints, heels, and unit directions."""
    up = np.zeros((len(skeleton.joints), 1, 3))
    up[..., 1] = 1
    return np.concatenate([skeleton.joints, skeleton.heels, skeleton.trunk, skeleton.hips, skeleton.face, up], axis=1)


def _weights(sums: list[Landmark]) -> Array:
    """(M, K) matrix that takes landmarks to weighted sums of them."""
    matrix = np.zeros((len(sums), len(_LANDMARKS)))
    for row, names in zip(matrix, sums, strict=True):
        for name, weight in names.items():
            row[_LANDMARKS[name]] = weight
    return matrix
