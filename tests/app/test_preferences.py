from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings

from tmnet_app.preferences import Preferences, PreferenceStore, remember


def store_at(path: Path) -> PreferenceStore:
    return PreferenceStore(QSettings(str(path), QSettings.Format.IniFormat))


def test_everything_comes_back(tmp_path):
    path = tmp_path / "settings.ini"
    saved = Preferences(theme="dark", smoothing=1.25, panes=["rb"], recent_sources=["/ä b.mp4", "camera:0"])
    store_at(path).save(saved)
    assert store_at(path).load() == saved


def test_a_record_that_cannot_be_read_is_set_aside(tmp_path):
    path = tmp_path / "settings.ini"
    settings = QSettings(str(path), QSettings.Format.IniFormat)
    settings.setValue("preferences", '{"smoothing": "very"}')
    settings.sync()
    store = store_at(path)
    assert store.load() == Preferences()
    assert store.set_aside
    assert "very" in path.read_text()


def test_a_file_that_cannot_be_read_is_set_aside(tmp_path):
    path = tmp_path / "settings.ini"
    path.write_bytes(b"[preferences\nnonsense\x00\xff")
    store = store_at(path)
    assert store.load() == Preferences()
    assert store.set_aside
    store.save(Preferences(loop=False))
    assert store_at(path).load().loop is False
    assert (tmp_path / "settings.ini.unreadable").exists()


def test_recent_items_are_kept_once_newest_first_and_few():
    recent: list[str] = []
    for name in [*"abcdefghijklm", "c"]:
        recent = remember(recent, name)
    assert recent[:3] == ["c", "m", "l"]
    assert len(recent) == 10
    assert recent.count("c") == 1
