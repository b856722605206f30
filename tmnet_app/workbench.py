"""The tools around the pictures: connects what looks into attention with the window's actions and preferences."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tmnet_app.actions import Actions
from tmnet_app.closer_look import CloserLook
from tmnet_app.comparison import Comparison
from tmnet_app.exports import Exports
from tmnet_app.file_timeline import FileTimeline
from tmnet_app.live_session import LiveSession, Moment
from tmnet_app.preferences import Preferences
from tmnet_app.probing import Probing
from tmnet_app.views.attention_controls import AttentionControls
from tmnet_app.views.stage import Stage
from tmnet_app.views.status_line import StatusLine
from tmnet_app.views.transport_bar import TransportBar
from tmnet_app.whole_file import WholeFile


class Workbench(QObject):
    """Owns the tools; the window places their views and knows nothing else of them."""

    def __init__(
        self,
        session: LiveSession,
        stage: Stage,
        transport: TransportBar,
        status: StatusLine,
        actions: Actions,
        preferences: Preferences,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._stage, self._transport = session, stage, transport
        self._actions, self._preferences = actions, preferences
        self.controls = AttentionControls(preferences.attention_views, window)
        self.controls.changed.connect(self._show_attention_anew)
        self.closer_look = CloserLook(session, stage, self)
        self.probing = Probing(session, stage, self)
        panels = stage.details.panels
        panels.turn_to(preferences.panel)
        panels.chosen.connect(self._remember_panel)
        self.comparison = Comparison(session, stage, actions, window)
        second = self.comparison.second
        self.exports = Exports(session, stage, transport, actions, preferences, self.closer_look, second, window)
        self.whole_file = WholeFile(session, stage, status, actions, preferences, second, window)
        self.timeline = FileTimeline(session, transport, actions, preferences, window)
        for said in (self.exports.said, self.whole_file.said, self.timeline.said, self.comparison.said):
            said.connect(status.show_message)
        triggered: dict[str, Callable[[], object]] = {
            "attention_settings": lambda: self.controls.open_over(transport.buttons["attention_settings"]),
            "fill": lambda: stage.toggle_alone(stage.alone or stage.pane_under_pointer),
        }
        for name, slot in triggered.items():
            actions[name].triggered.connect(slot)

    def follow(self, moment: Moment) -> None:
        """Take up a moment, once the pictures show it."""
        self.closer_look.follow(moment)
        self.probing.follow(moment)
        self.exports.follow(moment)

    def close(self) -> None:
        """Stop the threads."""
        self.closer_look.close()
        self.probing.close()
        self.timeline.close()
        self.exports.close()
        self.whole_file.close()
        self.comparison.close()
        self.comparison.second.wait()

    def _remember_panel(self, name: str) -> None:
        self._preferences.panel = name

    def leave(self) -> bool:
        """Go one step back towards the plain view; False where there is nothing to leave."""
        if self._stage.alone is not None:
            self._stage.show_alone(None)
        elif self._stage.details.bars.pinned >= 0:
            self._stage.details.bars.pin(-1)
        else:
            return False
        return True

    def _show_attention_anew(self) -> None:
        self._stage.set_attention(self._preferences.attention_views, visible=self._preferences.attention)
        self._session.show_again()
