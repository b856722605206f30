"""What the source is doing, in words: for the status line, the input pane, and whoever waits for it to open."""

from __future__ import annotations

from tmnet_app.live_session import LiveSession
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.sources import short_name


def describe_source(session: LiveSession, now: float) -> str:
    """Return one line, such as `Stalled for 4 s: no picture comes · Desk camera`."""
    if session.playback.opening:
        return f"Opening {short_name(session.playback.opening)} …"
    status = session.playback.status
    if status.state is PlaybackState.CLOSED:
        return "Nothing is open yet"
    words = [status.describe(now), session.playback.title]
    if status.state is PlaybackState.RECONNECTING:
        words.append(status.reason)
    return " · ".join(filter(None, words))


def words_over_picture(session: LiveSession, now: float) -> str:
    """Return what to write over a picture that is not what happens now; empty while all is well."""
    status = session.playback.status
    if status.state is PlaybackState.STALLED:
        return status.describe(now)
    if status.state is PlaybackState.RECONNECTING:
        return f"{status.describe(now)}\n{status.reason}"
    if status.state is PlaybackState.FAILED:
        return f"{status.reason}\nPlay tries again."
    return ""
