"""Light and dark: the colours, and the little style sheet over Qt's Fusion."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from tmnet_app.preferences import ThemeName
from tmnet_core.assets import asset
from tmnet_core.attention.colours import BRANCH_RGB
from tmnet_core.models.branch import Branch

GRID = 8
BRANCH_COLOURS = {branch: QColor(*rgb) for branch, rgb in BRANCH_RGB.items()}
READABLE = 4.5


@dataclass(frozen=True)
class Scheme:
    """The colours of one theme, as #RRGGBB."""

    window: str
    base: str
    raised: str
    text: str
    muted: str
    line: str
    accent: str
    on_accent: str
    warning: str
    recording: str


DARK = Scheme(
    window="#1D1E21",
    base="#141517",
    raised="#2A2C30",
    text="#E8E9EB",
    muted="#A6A9B0",
    line="#3A3D43",
    accent="#A79BF5",
    on_accent="#141517",
    warning="#F2B8A0",
    recording="#FF7B72",
)
LIGHT = Scheme(
    window="#F5F5F7",
    base="#FFFFFF",
    raised="#E9E9ED",
    text="#1C1D20",
    muted="#5C6068",
    line="#CFD1D6",
    accent="#5546B8",
    on_accent="#FFFFFF",
    warning="#9C2F0B",
    recording="#C01C28",
)


def contrast(first: QColor, second: QColor) -> float:
    """Return the contrast ratio of WCAG 2, from 1 to 21."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: QColor, background: QColor) -> QColor:
    """Return the colour moved towards black or white until text in it can be read on the background."""
    step = QColor(colour)
    lighter = _luminance(background) < 0.18
    for _ in range(40):
        if contrast(step, background) >= READABLE:
            break
        step = step.lighter(106) if lighter else step.darker(106)
    return step


def branch_text(branch: Branch, palette: QPalette) -> QColor:
    """Return the branch's colour as text on the window."""
    return readable(BRANCH_COLOURS[branch], palette.color(QPalette.ColorRole.Window))


def muted(palette: QPalette) -> QColor:
    """Return the colour of text that stands back."""
    return palette.color(QPalette.ColorRole.PlaceholderText)


def line(palette: QPalette) -> QColor:
    """Return the colour of hairlines and of empty bars."""
    return palette.color(QPalette.ColorRole.Mid)


def tabular(font: QFont, *, scale: float = 1.0, bold: bool = False) -> QFont:
    """Return the font with digits of equal width, at another size if wished."""
    font = QFont(font)
    # Older Qt cannot switch font features; most of its default fonts have tabular digits anyway.
    if hasattr(QFont, "Tag"):
        font.setFeature(QFont.Tag("tnum"), 1)
    font.setPointSizeF(font.pointSizeF() * scale)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def palette_of(scheme: Scheme) -> QPalette:
    """Build the palette of a scheme."""
    roles = {
        QPalette.ColorRole.Window: scheme.window,
        QPalette.ColorRole.WindowText: scheme.text,
        QPalette.ColorRole.Base: scheme.base,
        QPalette.ColorRole.AlternateBase: scheme.raised,
        QPalette.ColorRole.Text: scheme.text,
        QPalette.ColorRole.PlaceholderText: scheme.muted,
        QPalette.ColorRole.Button: scheme.raised,
        QPalette.ColorRole.ButtonText: scheme.text,
        QPalette.ColorRole.ToolTipBase: scheme.raised,
        QPalette.ColorRole.ToolTipText: scheme.text,
        QPalette.ColorRole.Highlight: scheme.accent,
        QPalette.ColorRole.HighlightedText: scheme.on_accent,
        QPalette.ColorRole.Accent: scheme.accent,
        QPalette.ColorRole.Link: scheme.accent,
        QPalette.ColorRole.BrightText: scheme.warning,
        QPalette.ColorRole.Mid: scheme.line,
    }
    palette = QPalette(QColor(scheme.raised), QColor(scheme.window))
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    disabled = QColor(scheme.muted)
    disabled.setAlpha(130)
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, disabled)
    return palette


def apply_theme(app: QApplication, theme: ThemeName) -> None:
    """Dress the application; `system` follows the desktop's scheme as it is now."""
    schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}
    hints = QGuiApplication.styleHints()
    # Title bars and native dialogs follow this where the platform can; setting it came with Qt 6.8.
    hints.setColorScheme(schemes[theme])
    dark = theme == "dark" or (theme == "system" and hints.colorScheme() == Qt.ColorScheme.Dark)
    scheme = DARK if dark else LIGHT
    app.setStyle("Fusion")
    app.setPalette(palette_of(scheme))
    app.setStyleSheet(_style_sheet(scheme))


def _luminance(colour: QColor) -> float:
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = ((c / 12.92) if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _style_sheet(s: Scheme) -> str:
    def picture(name: str) -> str:
        return asset(f"icons/{name}.svg").as_posix()

    tick = "tick-white" if s.on_accent == LIGHT.on_accent else "tick-black"
    return f"""
    QToolTip {{ background: {s.raised}; color: {s.text}; border: 1px solid {s.line}; padding: 4px 6px; }}
    QToolButton, QPushButton {{
        background: transparent; color: {s.text}; border: 2px solid transparent; border-radius: 6px; padding: 4px 6px;
    }}
    QToolButton[popupMode="2"] {{ padding-right: 16px; }}
    QToolButton::menu-indicator {{ subcontrol-position: right center; width: 8px; right: 4px; }}
    QToolButton#menu {{ padding-right: 6px; }}
    QToolButton#menu::menu-indicator {{ image: none; }}
    QPushButton {{ background: {s.raised}; padding: 6px 14px; }}
    QToolButton:hover, QPushButton:hover {{ background: {s.line}; }}
    QToolButton:checked {{ background: {s.raised}; color: {s.accent}; }}
    QToolButton:focus, QPushButton:focus, QAbstractButton[choice="true"]:focus {{ border-color: {s.accent}; }}
    QToolButton[tab="true"] {{ background: transparent; color: {s.muted}; font-weight: 600; padding: 2px 5px; }}
    QToolButton[tab="true"]:checked {{ color: {s.text}; border-bottom-color: {s.accent}; border-radius: 0; }}
    QToolButton[tab="true"]:focus {{ border: 2px solid {s.accent}; border-radius: 6px; }}
    QToolButton[segment="true"] {{ border: 1px solid {s.line}; }}
    QToolButton[segment="true"]:checked {{ border-color: {s.accent}; }}
    QToolButton[segment="true"]:focus {{ border: 2px solid {s.accent}; padding: 3px 5px; }}
    QToolButton:disabled, QPushButton:disabled {{ color: {s.muted}; }}
    QPushButton[choice="true"] {{
        border: 2px solid {s.line}; border-radius: 10px; padding: 14px 16px; text-align: left; background: {s.base};
    }}
    QPushButton[choice="true"]:hover {{ border-color: {s.accent}; background: {s.base}; }}
    QLineEdit, QAbstractSpinBox {{
        background: {s.base}; border: 1px solid {s.line}; border-radius: 4px; padding: 3px 6px;
    }}
    QAbstractSpinBox {{ padding: 3px 0; }}
    QAbstractSpinBox > QLineEdit {{ border: 0; background: transparent; padding: 0 6px; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 18px; border: 0; background: transparent; }}
    QAbstractSpinBox::up-arrow {{ image: url({picture("arrow-up")}); width: 10px; height: 10px; }}
    QAbstractSpinBox::down-arrow {{ image: url({picture("arrow-down")}); width: 10px; height: 10px; }}
    QComboBox {{
        background: {s.base}; border: 1px solid {s.line}; border-radius: 4px; padding: 3px 6px; combobox-popup: 0;
    }}
    QComboBox::drop-down {{ border: 0; width: 22px; }}
    QComboBox::down-arrow {{ image: url({picture("arrow-down")}); width: 10px; height: 10px; }}
    QComboBox:focus {{ border-color: {s.accent}; }}
    QComboBox:disabled {{ color: {s.muted}; }}
    QComboBox > QLineEdit {{ border: 0; background: transparent; padding: 0; }}
    QComboBox QAbstractItemView {{ background: {s.base}; border: 1px solid {s.line}; padding: 2px; outline: 0; }}
    QComboBox QAbstractItemView::item {{ padding: 4px 6px; }}
    QComboBox QAbstractItemView::item:selected {{ background: {s.accent}; color: {s.on_accent}; }}
    QHeaderView::section {{
        background: {s.window}; color: {s.muted}; border: 0; border-bottom: 1px solid {s.line}; padding: 4px 6px;
    }}
    QHeaderView::up-arrow {{ image: url({picture("arrow-up")}); width: 10px; height: 10px; }}
    QHeaderView::down-arrow {{ image: url({picture("arrow-down")}); width: 10px; height: 10px; }}
    QTableView::item {{ padding: 0 3px; }}
    QCheckBox::indicator {{ width: 14px; height: 14px; border: 1px solid {s.muted}; border-radius: 3px; }}
    QCheckBox::indicator:checked {{ background: {s.accent}; border-color: {s.accent}; image: url({picture(tick)}); }}
    QCheckBox::indicator:focus {{ border-color: {s.accent}; }}
    QTabBar::close-button {{ image: url({picture("tab-close")}); width: 12px; height: 12px; margin: 2px; }}
    QTabBar::close-button:hover {{ background: {s.line}; border-radius: 4px; }}
    QLineEdit:focus, QAbstractSpinBox:focus {{ border-color: {s.accent}; }}
    QLineEdit:disabled, QAbstractSpinBox:disabled {{ color: {s.muted}; }}
    QPushButton[primary="true"] {{ background: {s.accent}; color: {s.on_accent}; font-weight: 600; }}
    QPushButton[primary="true"]:disabled {{ background: {s.raised}; color: {s.muted}; }}
    QPushButton[primary="true"]:focus {{ border-color: {s.text}; }}
    QLabel[problem="true"] {{ color: {s.warning}; }}
    QLabel[muted="true"] {{ color: {s.muted}; }}
    QToolButton#record:checked {{ border-color: {s.recording}; }}
    QLabel[recording="true"] {{ color: {s.recording}; font-weight: 600; }}
    QFrame[banner="true"] {{ background: {s.raised}; border-left: 4px solid {s.warning}; }}
    QFrame[card="true"] {{ background: {s.base}; border: 1px solid {s.line}; border-radius: 8px; }}
    QMenu {{ background: {s.base}; color: {s.text}; border: 1px solid {s.line}; padding: 4px; }}
    QMenu::item {{ padding: 6px 24px 6px 24px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {s.accent}; color: {s.on_accent}; }}
    QMenu::item:disabled {{ color: {s.muted}; background: transparent; }}
    QMenu::icon {{ padding-left: 8px; }}
    QMenu::separator {{ height: 1px; background: {s.line}; margin: 4px 8px; }}
    QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {s.line}; }}
    QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {s.accent}; }}
    QSlider::handle:horizontal {{
        width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; background: {s.text}; border: 0;
    }}
    QSlider:focus {{ border: 2px solid {s.accent}; border-radius: 6px; }}
    QSlider {{ border: 2px solid transparent; min-height: 24px; }}
    QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled {{ background: {s.line}; }}
    """
