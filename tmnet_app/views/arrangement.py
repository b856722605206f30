"""Where panes and details go, so that the pictures become as large as they can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QRect

GAP = 8
SIDE = 328
WIDEST_SIDE = 560
BELOW = 224
BESIDE_FROM = 880
FOLD_WIDTH, FOLD_HEIGHT = 560, 460
_WORTH_IT = 1.06


@dataclass(frozen=True)
class Arrangement:
    """Rectangles of the panes, in their order, and of the details, None where they are folded away."""

    panes: tuple[QRect, ...]
    details: QRect | None

    @property
    def picture_width(self) -> int:
        """How wide each pane is."""
        return self.panes[0].width()


def arrange(
    width: int, height: int, aspect: float, count: int, title: int, *, details: bool, columns: int | None = None
) -> Arrangement:
    """Place `count` equal panes, each a title over a picture of this aspect (width / height), and the details.

    Beside the pictures is where details are looked for; below them, or in the empty quarter of a two by two, they
    go only where that makes the pictures clearly larger, or where the window is too narrow for a column.
    With `columns` the panes are a grid of so many.
    """
    if details and width >= FOLD_WIDTH and height >= FOLD_HEIGHT:
        candidates = _with_details(width, height, aspect, count, title, columns)
    else:
        area = QRect(0, 0, width, height)
        candidates = (Arrangement(panes, None) for panes in _blocks(area, aspect, count, title, columns))
    best = next(candidates)
    for candidate in candidates:
        if candidate.picture_width > best.picture_width * _WORTH_IT:
            best = candidate
    return best


def _with_details(
    width: int, height: int, aspect: float, count: int, title: int, columns: int | None
) -> Iterator[Arrangement]:
    if width >= BESIDE_FROM:
        room = QRect(0, 0, width - SIDE - 2 * GAP, height)
        for panes in _blocks(room, aspect, count, title, columns):
            # What the pictures leave over is shared out: the column first, then the margins.
            spare = room.width() - (max(pane.right() for pane in panes) - panes[0].left() + 1)
            more = min(spare, WIDEST_SIDE - SIDE)
            moved = tuple(pane.translated(-(more // 2), 0) for pane in panes)
            yield Arrangement(moved, QRect(width - SIDE - more, 0, SIDE + more, height))
    panes = _grid(QRect(0, 0, width, height - BELOW - 2 * GAP), aspect, count, columns or count, title)
    above = panes[0].top()
    top = panes[-1].bottom() + 1 - above + 2 * GAP
    yield Arrangement(tuple(pane.translated(0, -above) for pane in panes), QRect(0, top, width, height - top))
    if count == 3 and columns is None and width >= BESIDE_FROM:
        quarters = _grid(QRect(0, 0, width, height), aspect, 4, 2, title)
        yield Arrangement(quarters[:3], quarters[3])


def _blocks(area: QRect, aspect: float, count: int, title: int, columns: int | None) -> Iterator[tuple[QRect, ...]]:
    """Yield a row, a column, and of four a square, any other grid would leave a hole; or the grid asked for."""
    if columns is not None:
        yield _grid(area, aspect, count, columns, title)
        return
    yield _row(area, aspect, count, title)
    if count == 4:
        yield _grid(area, aspect, count, 2, title)
    if count > 1:
        yield _grid(area, aspect, count, 1, title)


def _row(area: QRect, aspect: float, count: int, title: int) -> tuple[QRect, ...]:
    return _grid(area, aspect, count, count, title)


def _grid(area: QRect, aspect: float, count: int, columns: int, title: int) -> tuple[QRect, ...]:
    """Cut equal panes, as large as the area allows, and centre the block of them."""
    rows = -(-count // columns)
    room = (area.width() - GAP * (columns - 1)) // columns, (area.height() - GAP * (rows - 1)) // rows - title
    width = max(1, min(room[0], int(room[1] * aspect)))
    height = max(1, round(width / aspect)) + title
    left = area.left() + (area.width() - columns * width - GAP * (columns - 1)) // 2
    top = area.top() + max(0, (area.height() - rows * height - GAP * (rows - 1)) // 2)
    places = (divmod(place, columns) for place in range(count))
    return tuple(
        QRect(left + column * (width + GAP), top + row * (height + GAP), width, height) for row, column in places
    )
