from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication

from tmnet_app.theme import DARK, LIGHT, apply_theme, branch_text, contrast, palette_of, tabular
from tmnet_core.models.branch import Branch

SCHEMES = pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])


def test_contrast_is_that_of_wcag():
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


@SCHEMES
def test_all_text_can_be_read(scheme):
    for text in (scheme.text, scheme.muted, scheme.accent, scheme.warning):
        for background in (scheme.window, scheme.base, scheme.raised):
            assert contrast(QColor(text), QColor(background)) >= 4.5, (text, background)
    assert contrast(QColor(scheme.on_accent), QColor(scheme.accent)) >= 4.5


@SCHEMES
@pytest.mark.parametrize("branch", list(Branch))
def test_the_branches_colours_can_be_read_as_text(scheme, branch):
    palette = palette_of(scheme)
    for role in (QPalette.ColorRole.Window, QPalette.ColorRole.Base):
        assert contrast(branch_text(branch, palette), palette.color(role)) >= 4.5


def test_themes_can_be_changed(qapp: QApplication):
    for name, scheme in (("dark", DARK), ("light", LIGHT)):
        apply_theme(qapp, name)
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(scheme.window)
    apply_theme(qapp, "system")


def test_digits_are_of_equal_width(qapp: QApplication):
    metrics = QFontMetricsF(tabular(qapp.font()))
    assert len({round(metrics.horizontalAdvance(digit), 3) for digit in "0123456789"}) == 1
