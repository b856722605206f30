"""One picture that says it all: panes with their maps, the top classes, agreement with motion, and a caption.

Painted without a display, for `tmnet render` and for what the app records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tmnet_core.attention.agreement import Agreement
from tmnet_core.attention.colours import BRANCH_RGB, blend_heat, contour_lines, palette
from tmnet_core.attention.lettering import BOLD, RGB, text_width, write
from tmnet_core.attention.motion import MotionState
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import NOTHING_WARM, MapName, ShownMap
from tmnet_core.data.preprocessing import Box, Image, Placement
from tmnet_core.live.frames import FloatArray, Frame
from tmnet_core.live.readout import Readout
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

_HEIGHT_AT_SCALE_1 = 240
_NARROWEST = 480
_ROW_HEIGHT = 34
_DIM = 0.62
_LINE_SHIFT = 4


@dataclass(frozen=True, slots=True)
class Ink:
    """The colours of a composition, RGB."""

    ground: RGB
    empty: RGB
    text: RGB
    muted: RGB
    line: RGB


DARK = Ink((0x1D, 0x1E, 0x21), (0x14, 0x15, 0x17), (0xE8, 0xE9, 0xEB), (0xA6, 0xA9, 0xB0), (0x3A, 0x3D, 0x43))
LIGHT = Ink((0xFF, 0xFF, 0xFF), (0xE9, 0xE9, 0xED), (0x1C, 0x1D, 0x20), (0x5C, 0x60, 0x68), (0xCF, 0xD1, 0xD6))


@dataclass(frozen=True, slots=True)
class PaneContent:
    """What one pane shows.

    Attributes:
        title: over the picture, such as `RB`.
        caption: beside the title, such as `walk 0.83`.
        shown: the map over the frame; None for the plain frame.
        branch: whose colour the title has.
        words: over the picture, where something is missing.
    """

    title: str
    caption: str = ""
    shown: ShownMap | None = None
    branch: Branch | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class ClassBars:
    """The probabilities of one class by branch."""

    name: str
    probabilities: Mapping[Branch, float]


@dataclass(frozen=True, slots=True)
class SecondContent:
    """What a second network says of the same frame, below the first.

    Attributes:
        title: which network it is.
        placement: what it sees of the frame.
        panes: its maps, one below each of the first one's.
        bars: its top classes, below the input.
    """

    title: str
    placement: Placement
    panes: Sequence[PaneContent]
    bars: Sequence[ClassBars] = ()


@dataclass(frozen=True, slots=True)
class Composed:
    """Everything beside the frame that one composition shows.

    Attributes:
        panes: from left to right; as many as the composer has places for.
        bars: the top classes, the first above; as many as the composer has rows for, or fewer.
        agreement: how the maps lie to motion; None where that was not looked for.
        caption: the line at the bottom, such as the source and the time.
        note: at the right end of that line.
        second: of a second network; None leaves its place empty, where there is one.
    """

    panes: Sequence[PaneContent]
    bars: Sequence[ClassBars] = ()
    agreement: Agreement | None = None
    caption: str = ""
    note: str = ""
    second: SecondContent | None = None


def class_bars(readout: Readout, classes: Sequence[str], count: int) -> list[ClassBars]:
    """Return the top classes, the one that leads first."""
    return [
        ClassBars(classes[k], {branch: float(values[k]) for branch, values in readout.probabilities.items()})
        for k in readout.order[:count]
    ]


def panes_of(
    shown: Mapping[MapName, ShownMap],
    probabilities: Mapping[Branch, FloatArray],
    classes: Sequence[str],
    names: Sequence[MapName] | None = None,
) -> list[PaneContent]:
    """Return a pane for each map, captioned with its class and what its branch gives it.

    Where `names` says which panes there are, those whose map is missing say that.
    """
    panes = []
    for name in shown if names is None else names:
        branch = {"rb": Branch.RB, "cb": Branch.CB, "both": Branch.FUSED}[name]
        if name not in shown:
            panes.append(PaneContent(str(branch), branch=branch, words=f"This checkpoint has no {branch}."))
            continue
        one = shown[name]
        title = "RB − CB" if one.difference else str(branch)
        probability = "" if one.difference else f" {probabilities[branch][one.index]:.2f}"
        panes.append(PaneContent(title, f"{classes[one.index]}{probability}", one, None if one.difference else branch))
    return panes


class Composer:
    """Paints compositions of one size, whatever the size of the frames: those of another shape get bars at the sides.

    Attributes:
        size: (width, height) of what is painted, in pixels; both even, as video wants them.

    Args:
        frame_size: (width, height) of the usual frame; only its shape counts.
        panes: how many pictures side by side.
        height: of each picture, in pixels; text grows with it.
        rows: classes below the pictures; none with 0.
        agreement: whether there is room for agreement with motion beside the classes.
        second: whether there is room for the maps of a second network below those of the first; the first pane is then
            the input, with the second network's classes below it.
        settings: colours of maps, opacity and contour.
        ink: of everything around the pictures.
    """

    def __init__(
        self,
        frame_size: tuple[int, int],
        panes: int,
        *,
        height: int = 240,
        rows: int = 3,
        agreement: bool = True,
        second: bool = False,
        settings: AttentionSettings | None = None,
        ink: Literal["dark", "light"] = "dark",
    ) -> None:
        self._settings = settings or AttentionSettings()
        self._ink = DARK if ink == "dark" else LIGHT
        self._layout = _lay_out(frame_size, panes, height, rows, agreement, second)
        self.size = self._layout.size

    def paint(self, frame: Frame, placement: Placement, content: Composed) -> Image:
        """Return a new height×width×3 uint8 RGB picture."""
        width, height = self.size
        canvas: Image = np.full((height, width, 3), self._ink.ground, np.uint8)
        self._paint_panes(canvas, self._layout.pictures, frame, placement, content.panes)
        if content.second is not None and self._layout.second:
            self._paint_second(canvas, self._layout.second, frame, content.second)
        for row, bars in zip(self._layout.rows, content.bars, strict=False):
            self._paint_bars(canvas, row, bars)
        if content.agreement is not None and self._layout.agreement is not None:
            self._write_agreement(canvas, self._layout.agreement, content.agreement)
        self._write_caption(canvas, content)
        return canvas

    def _paint_panes(
        self, canvas: Image, places: Sequence[Box], frame: Frame, placement: Placement, panes: Sequence[PaneContent]
    ) -> None:
        base, area = self._fit(frame.image)
        self._dim_outside(base, area, placement)
        for place, pane in zip(places, panes, strict=True):
            picture = canvas[place.top : place.bottom, place.left : place.right]
            self._paint_picture(picture, base, area, placement, pane)
            self._write_title(canvas, place, pane)

    def _paint_second(self, canvas: Image, places: Sequence[Box], frame: Frame, second: SecondContent) -> None:
        beside, *pictures = places
        self._paint_panes(canvas, pictures, frame, second.placement, second.panes)
        self._write_title(canvas, beside, PaneContent("Second", second.title))
        pitch = self._px(_ROW_HEIGHT)
        tops = range(beside.top, beside.bottom - pitch + 1, pitch)
        for top, bars in zip(tops, second.bars, strict=False):
            self._paint_bars(canvas, Box(beside.left, top, beside.right, top + pitch), bars)

    def _fit(self, image: Image) -> tuple[Image, Box]:
        """Return the frame within the size of a pane, whole and in its own shape, and where it lies there."""
        place = self._layout.pictures[0]
        height, width = image.shape[:2]
        scale = min(place.width / width, place.height / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        left, top = (place.width - size[0]) // 2, (place.height - size[1]) // 2
        area = Box(left, top, left + size[0], top + size[1])
        if size == (place.width, place.height):
            return np.asarray(resized, np.uint8), area
        base: Image = np.full((place.height, place.width, 3), self._ink.empty, np.uint8)
        base[area.top : area.bottom, area.left : area.right] = resized
        return base, area

    def _dim_outside(self, base: Image, area: Box, placement: Placement) -> None:
        box = _box_within(area, placement)
        if box.width >= area.width - 1 and box.height >= area.height - 1:
            return
        inside = base[box.top : box.bottom, box.left : box.right].copy()
        part = base[area.top : area.bottom, area.left : area.right]
        part[:] = cv2.convertScaleAbs(part, alpha=_DIM)
        base[box.top : box.bottom, box.left : box.right] = inside
        cv2.rectangle(base, (box.left, box.top), (box.right - 1, box.bottom - 1), (190, 190, 190), 1)

    def _paint_picture(self, picture: Image, base: Image, area: Box, placement: Placement, pane: PaneContent) -> None:
        picture[:] = base
        shown = pane.shown
        if shown is not None:
            box = _box_within(area, placement)
            inside = picture[box.top : box.bottom, box.left : box.right]
            values = placement.map_to_frame(shown.values)
            blend_heat(inside, values, shown.scale, shown.colours, self._settings.opacity)
            self._draw_contour(inside, values, shown)
        if placement.mirror:
            picture[:] = picture[:, ::-1].copy()
        if shown is not None:
            self._paint_legend(picture, shown)
        if pane.words:
            picture[:] = cv2.convertScaleAbs(picture, alpha=0.4)
            write(
                picture,
                pane.words,
                (self._px(12), picture.shape[0] // 2),
                self._px(13),
                DARK.text,
                room=picture.shape[1] - self._px(24),
            )

    def _draw_contour(self, inside: Image, values: FloatArray, shown: ShownMap) -> None:
        share = self._settings.contour
        if not share or shown.scale.empty:
            return
        height, width = inside.shape[:2]
        levels = (share, 1.0 - share) if shown.difference else (share,)
        lines = contour_lines(values, *map(shown.scale.value, levels))
        scaled = [np.round(line * (width, height) * (1 << _LINE_SHIFT)).astype(np.int32) for line in lines]
        # cv2 draws into memory that is one block.
        drawn = inside.copy()
        for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.polylines(drawn, scaled, False, colour, self._px(thickness), cv2.LINE_AA, _LINE_SHIFT)
        inside[:] = drawn

    def _paint_legend(self, picture: Image, shown: ShownMap) -> None:
        """The map's own colours with the values of both ends, in the lower right corner."""
        size, gap = self._px(10), self._px(5)
        ends = shown.scale.ends
        if shown.difference:
            ends = f"CB {ends[0]}", f"{ends[1]} RB"
        elif shown.scale.nothing_adds:
            ends = NOTHING_WARM, ""
        low, high = (text_width(end, size) for end in ends)
        bar = 0 if shown.scale.nothing_adds else self._px(56)
        total = low + high + bar + (2 if shown.scale.nothing_adds else 4) * gap
        bottom, right = picture.shape[0] - gap, picture.shape[1] - gap
        left, top = right - total, bottom - self._px(16)
        if left < 0 or top < 0:
            return
        plate = picture[top:bottom, left:right]
        plate[:] = cv2.convertScaleAbs(plate, alpha=0.35)
        base = bottom - self._px(4)
        write(picture, ends[0], (left + gap, base), size, DARK.text)
        if shown.scale.nothing_adds:
            return
        write(picture, ends[1], (right - gap - high, base), size, DARK.text)
        colours = cv2.resize(palette(shown.colours)[None], (bar, self._px(6)), interpolation=cv2.INTER_NEAREST)
        x, y = left + 2 * gap + low, top + self._px(5)
        picture[y : y + colours.shape[0], x : x + bar] = colours

    def _write_title(self, canvas: Image, place: Box, pane: PaneContent) -> None:
        base = place.top - self._px(7)
        colour = self._ink.text if pane.branch is None else self._readable(BRANCH_RGB[pane.branch])
        write(canvas, pane.title, (place.left, base), self._px(14), colour, weight=BOLD, room=place.width)
        used = text_width(pane.title, self._px(14), BOLD) + self._px(10)
        room = max(0, place.width - used)
        write(canvas, pane.caption, (place.left + used, base), self._px(13), self._ink.text, room=room)

    def _paint_bars(self, canvas: Image, row: Box, bars: ClassBars) -> None:
        size, small = self._px(13), self._px(10)
        name_width, number_width = min(round(row.width * 0.4), self._px(150)), self._px(28)
        middle = (row.top + row.bottom) // 2
        write(canvas, bars.name, (row.left, middle + size // 3), size, self._ink.text, room=name_width - self._px(8))
        left, right = row.left + name_width, row.right - number_width - self._px(6)
        pitch = (row.height - self._px(4)) / 3
        for place, branch in enumerate(Branch):
            if branch not in bars.probabilities:
                continue
            value = bars.probabilities[branch]
            y = round(row.top + self._px(2) + (place + 0.5) * pitch)
            half = max(1, self._px(2))
            canvas[y - half : y + half, left:right] = self._ink.line
            canvas[y - half : y + half, left : left + round(value * (right - left))] = BRANCH_RGB[branch]
            ink = self._ink.text if branch is Branch.FUSED else self._ink.muted
            write(canvas, f"{value:.2f}", (row.right, y + small // 3), small, ink, side="right")

    def _write_agreement(self, canvas: Image, area: Box, agreement: Agreement) -> None:
        size, small = self._px(15), self._px(10)
        x, y = area.left, area.top + self._px(12)
        write(canvas, "Motion agreement", (x, y), self._px(11), self._ink.muted, room=area.width)
        y += self._px(22)
        known = agreement.state is MotionState.MOVING and agreement.others is not None
        if not known:
            write(canvas, str(agreement), (x, y), self._px(13), self._ink.text, room=area.width)
            return
        for branch, found in agreement.branches.items():
            text = f"{branch} {found.agreement:+.3f}".replace("-", "−")
            write(canvas, text, (x, y), size, self._readable(BRANCH_RGB[branch]), weight=BOLD)
            x += text_width(text, size, BOLD) + self._px(14)
        x, y = area.left, y + self._px(18)
        centre = "" if agreement.centre is None else f"a fixed centre {agreement.centre.agreement:+.3f} · "
        line = f"{centre}{agreement.moving:.0%} of the box moves".replace("-", "−")
        write(canvas, line, (x, y), small, self._ink.muted, room=area.width)
        write(canvas, f"against {agreement.others}", (x, y + self._px(15)), small, self._ink.muted, room=area.width)

    def _write_caption(self, canvas: Image, content: Composed) -> None:
        area, size = self._layout.caption, self._px(11)
        base = area.bottom - self._px(5)
        note = min(text_width(content.note, size), area.width // 2) if content.note else 0
        write(canvas, content.note, (area.right, base), size, self._ink.muted, room=area.width // 2, side="right")
        write(canvas, content.caption, (area.left, base), size, self._ink.muted, room=area.width - note - self._px(12))

    def _readable(self, colour: RGB) -> RGB:
        """A branch's colour as text: darker on white."""
        if self._ink is DARK:
            return colour
        return tuple(round(0.68 * value) for value in colour)  # type: ignore[return-value]

    def _px(self, pixels: float) -> int:
        return max(1, round(pixels * self._layout.scale))


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything is painted, in pixels of the composition."""

    size: tuple[int, int]
    scale: float
    pictures: list[Box]
    second: list[Box] = field(default_factory=list)
    rows: list[Box] = field(default_factory=list)
    agreement: Box | None = None
    caption: Box = field(default_factory=lambda: Box(0, 0, 0, 0))


def _lay_out(frame_size: tuple[int, int], panes: int, height: int, rows: int, agreement: bool, second: bool) -> _Layout:
    scale = min(2.0, max(0.75, height / _HEIGHT_AT_SCALE_1))

    def px(pixels: float) -> int:
        return round(pixels * scale)

    gap, title, row_height = px(10), px(28), px(_ROW_HEIGHT)
    picture_width = max(2, round(height * frame_size[0] / frame_size[1]))
    pictures_width = panes * picture_width + (panes - 1) * gap
    width = max(pictures_width, px(_NARROWEST)) + 2 * gap
    left = (width - pictures_width) // 2
    pictures, lower = (
        [Box(x, top, x + picture_width, top + height) for x in range(left, left + pictures_width, picture_width + gap)]
        for top in (title, 2 * title + height)
    )
    below = (lower if second else pictures)[0].bottom + px(8)
    inner = Box(left if pictures_width >= px(_NARROWEST) else gap, below, 0, 0)
    right = width - inner.left
    beside = px(280) if agreement else 0
    bars_right = right - beside - (px(24) if agreement else 0)
    bars = [
        Box(inner.left, below + number * row_height, bars_right, below + (number + 1) * row_height)
        for number in range(rows)
    ]
    block = max(rows * row_height, px(76) if agreement else 0)
    area = Box(right - beside, below, right, below + block) if agreement else None
    caption = Box(inner.left, below + block, right, below + block + px(22))
    size = _even(width, caption.bottom + px(2))
    return _Layout(size, scale, pictures, lower if second else [], bars, area, caption)


def _even(width: int, height: int) -> tuple[int, int]:
    return width + width % 2, height + height % 2


def _box_within(area: Box, placement: Placement) -> Box:
    """Return where the network's box lies in the painted frame."""
    across, down = area.width / placement.frame_size[0], area.height / placement.frame_size[1]
    box = placement.box
    left, top = area.left + round(box.left * across), area.top + round(box.top * down)
    right, bottom = area.left + round(box.right * across), area.top + round(box.bottom * down)
    return Box(left, top, max(left + 1, right), max(top + 1, bottom))
