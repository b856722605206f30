"""Times and figures as a person reads them."""

from __future__ import annotations

import math

EN_DASH = "–"


def spell_time(seconds: float | None) -> str:
    """Return a duration as two units at most, an en dash where it is not known."""
    if seconds is None or not math.isfinite(seconds):
        return EN_DASH
    minutes, whole = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {whole:02} s" if minutes else f"{whole} s"


def percent(value: float | None) -> str:
    """Return a share in [0, 1] as percent, an en dash without one."""
    return EN_DASH if value is None else f"{100 * value:.1f} %"
