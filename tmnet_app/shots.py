"""Takes down what the pictures show at a moment, for recordings and snapshots."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtGui import QPalette

from tmnet_app.live_session import LiveSession, Moment
from tmnet_app.preferences import PaneName
from tmnet_app.recorder import Shot
from tmnet_app.views.attention_view import AttentionView
from tmnet_app.views.pane import Pane
from tmnet_app.views.stage import Stage
from tmnet_core.attention.composition import Composed, Composer, PaneContent, SecondContent, class_bars
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import ShownMap

ROWS = 3
_HEIGHTS = 240, 480


class ShotTaker:
    """Knows which panes belong to the picture, and says what they show."""

    def __init__(
        self, session: LiveSession, stage: Stage, panes: Sequence[PaneName], settings: AttentionSettings, *, heat: bool
    ) -> None:
        self._session, self._stage, self._panes = session, stage, tuple(panes)
        self._settings, self._heat = settings, heat
        # A picture alone leaves no place for a second network's.
        self._second = stage.second is not None and "input" in self._panes and len(self._panes) > 1

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
            second=self._second,
            settings=self._settings,
            ink="dark" if dark else "light",
        )

    def take(self, moment: Moment) -> Shot:
        """Return what is shown of this moment now."""
        classes, readout = self._stage.classes, moment.readout
        content = Composed(
            [self._pane(self._stage.panes[name], self._shown(name)) for name in self._panes],
            [] if readout is None else class_bars(readout, classes, ROWS),
            None,
            *self._words(moment),
            self._second_content(moment),
        )
        return Shot(
            moment.frame,
            moment.placement,
            moment.glance,
            self._stage.first.shown_by_branch,
            (self._session.playback.source, moment.placement.box),
            content,
            time.perf_counter(),
        )

    def _second_content(self, moment: Moment) -> SecondContent | None:
        second, said = self._stage.second, moment.second
        if not self._second or second is None or said is None or moment.second_readout is None:
            return None
        views = second.views
        return SecondContent(
            second.title,
            said.placement,
            [self._pane(views.panes[name], views.shown.get(name)) for name in self._panes if name != "input"],
            class_bars(moment.second_readout, views.classes, ROWS),
        )

    def _shown(self, name: PaneName) -> ShownMap | None:
        return None if name == "input" else self._stage.shown_maps.get(name)

    def _pane(self, pane: Pane, shown: ShownMap | None) -> PaneContent:
        heat = self._heat and isinstance(pane.view, AttentionView) and not pane.view.words
        return PaneContent(pane.title.name, pane.title.answer, shown if heat else None, pane.branch, pane.view.words)

    def _words(self, moment: Moment) -> tuple[str, str]:
        header = self._session.header
        caption = f"{self._session.playback.title} · frame {moment.frame.index} · {moment.frame.time:.2f} s"
        return caption, header.title if header else ""
