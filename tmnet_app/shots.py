"""Takes down what the pictures show at a moment, for recordings and snapshots."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtGui import QPalette

from tmnet_app.live_session import LiveSession, Moment
from tmnet_app.preferences import PaneName
from tmnet_app.recorder import Shot
from tmnet_app.views.attention_view import AttentionView
from tmnet_app.views.stage import Stage
from tmnet_core.attention.composition import ClassBars, Composed, Composer, PaneContent, class_bars
from tmnet_core.attention.settings import AttentionSettings

ROWS = 3
_HEIGHTS = 240, 480


class ShotTaker:
    """Knows which panes belong to the picture, and says what they show."""

    def __init__(
        self, session: LiveSession, stage: Stage, panes: Sequence[PaneName], settings: AttentionSettings, *, heat: bool
    ) -> None:
        self._session, self._stage, self._panes = session, stage, tuple(panes)
        self._settings, self._heat = settings, heat

    def composer(self, moment: Moment, *, agreement: bool) -> Composer:
        """Return what paints these panes for pictures of this moment's size, in the colours of the theme."""
        width, height = moment.placement.frame_size
        dark = self._stage.palette().color(QPalette.ColorRole.Window).lightness() < 128
        return Composer(
            (width, height),
            len(self._panes),
            height=min(_HEIGHTS[1], max(_HEIGHTS[0], height)),
            rows=ROWS,
            agreement=agreement,
            settings=self._settings,
            ink="dark" if dark else "light",
        )

    def take(self, moment: Moment) -> Shot:
        """Return what is shown of this moment now."""
        content = Composed([self._pane(name) for name in self._panes], self._bars(moment), None, *self._words(moment))
        return Shot(
            moment.frame,
            moment.placement,
            moment.glance,
            self._stage.first.shown_by_branch,
            (self._session.source, moment.placement.box),
            content,
            time.perf_counter(),
        )

    def _pane(self, name: PaneName) -> PaneContent:
        pane = self._stage.panes[name]
        heat = self._heat and isinstance(pane.view, AttentionView) and not pane.view.words
        shown = self._stage.shown_maps.get(name) if heat and name != "input" else None
        return PaneContent(pane.title.name, pane.title.answer, shown, pane.branch, pane.view.words)

    def _bars(self, moment: Moment) -> list[ClassBars]:
        return [] if moment.readout is None else class_bars(moment.readout, self._stage.classes, ROWS)

    def _words(self, moment: Moment) -> tuple[str, str]:
        header = self._session.header
        caption = f"{self._session.title} · frame {moment.frame.index} · {moment.frame.time:.2f} s"
        return caption, header.title if header else ""
