"""The headings of the training window."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from tmnet_app.theme import tabular


def heading(text: str, scale: float = 1.15) -> QLabel:
    """Return a heading."""
    label = QLabel(text)
    label.setFont(tabular(label.font(), scale=scale, bold=True))
    return label
