"""Where the files that ship with the project are."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def asset(relative: str) -> Path:
    """Return the path of a shipped file: in an installed wheel inside the package, in a checkout in `assets/`."""
    installed = _PACKAGE / "assets"
    return (installed if installed.is_dir() else _PACKAGE.parent / "assets") / relative
