"""The headings of the training window, and sentences about what is wrong."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from tmnet_app.theme import tabular


def heading(text: str, scale: float = 1.15) -> QLabel:
    """Return a heading."""
    label = QLabel(text)
    label.setFont(tabular(label.font(), scale=scale, bold=True))
    return label


def mark_problem(label: QLabel, wrong: bool) -> None:
    """Let a label's sentence stand out as a problem, or not."""
    if bool(label.property("problem")) != wrong:
        label.setProperty("problem", wrong)
        # Else the style sheet would not look at the property again.
        label.style().unpolish(label)
        label.style().polish(label)
