"""The program as a person starts it: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

WITHOUT_TORCH = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import tmnet_app.__main__ as program
app = QApplication([])
def look():
    window = app.activeWindow() or app.topLevelWidgets()[0]
    assert any(widget.isVisible() for widget in app.topLevelWidgets())
    assert "torch" not in sys.modules, "torch was imported before the window was shown"
    for widget in app.topLevelWidgets():
        widget.close()
QTimer.singleShot(300, look)
sys.exit(program.main([]))
"""

WITHOUT_CONSOLE = """
import sys
sys.stdout = sys.stderr = sys.stdin = None
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from tmnet_app.__main__ import main
app = QApplication([])
QTimer.singleShot(0, lambda: 1 / 0)
QTimer.singleShot(300, lambda: [widget.close() for widget in app.topLevelWidgets()])
sys.exit(main(["--theme", "dark"]))
"""

INTERRUPTED = """
import os, signal, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from tmnet_app.__main__ import main
app = QApplication([])
QTimer.singleShot(300, lambda: os.kill(os.getpid(), signal.SIGINT))
sys.exit(main([]))
"""

LINGERING = """
import sys, threading, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import tmnet_app.__main__ as program
app = QApplication([])
program._PATIENCE = float(sys.argv[1])
thread = threading.Thread(target=time.sleep, args=(float(sys.argv[2]),), daemon=True)
QTimer.singleShot(300, thread.start)
QTimer.singleShot(600, lambda: [widget.close() for widget in app.topLevelWidgets()])
status = program.main([])
print("still at work" if thread.is_alive() else "all threads ended")
sys.exit(status)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings and logs go below tmp_path."""
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    return {**os.environ, **home, "QT_QPA_PLATFORM": "offscreen"}


def run(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there torch must come first")
def test_the_window_is_there_before_torch(environment):
    done = run(WITHOUT_TORCH, environment)
    assert done.returncode == 0, done.stderr
    assert "QThread" not in done.stderr


def test_it_starts_without_a_console_and_logs_what_went_wrong(environment, tmp_path):
    assert run(WITHOUT_CONSOLE, environment).returncode == 0
    logs = list(tmp_path.rglob("tmnet-app.log"))
    if sys.platform == "linux":
        assert "ZeroDivisionError" in logs[0].read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to oneself")
def test_ctrl_c_closes_the_window(environment):
    assert signal.getsignal(signal.SIGINT) is not None
    done = run(INTERRUPTED, environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_screenshot_is_made_by_a_command(environment, make_video, tmp_path):
    shot = tmp_path / "shot.png"
    arguments = [str(make_video()), "--screenshot", str(shot), "--size", "900x600", "--theme", "dark", "--at", "0.3"]
    done = subprocess.run(
        [sys.executable, "-m", "tmnet_app", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    image = QImage(str(shot))
    assert (image.width(), image.height()) == (900, 600)


def test_a_screenshot_of_what_cannot_be_opened_fails_with_a_sentence(environment, tmp_path):
    arguments = [str(tmp_path / "none.mp4"), "--screenshot", str(tmp_path / "shot.png")]
    done = subprocess.run(
        [sys.executable, "-m", "tmnet_app", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "none.mp4" in done.stdout
    assert not (tmp_path / "shot.png").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only there is a display named by the environment")
def test_without_a_display_it_says_so() -> None:
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "-m", "tmnet_app"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("tmnet-app: there is no display")
    assert ended.stderr.count("\n") == 1


def test_an_unknown_panel_is_refused_by_name(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "tmnet_app", "--panel", "all", "--screenshot", "never.png"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "tmnet-app: there is no panel 'all'; choose one of speed, engine," in done.stderr


@pytest.mark.parametrize(("patience", "work", "said"), [("30", "3", "all threads ended"), ("0.5", "60", "")])
def test_no_thread_computes_on_while_python_takes_itself_apart(
    environment: dict[str, str], patience: str, work: str, said: str
) -> None:
    command = [sys.executable, "-c", LINGERING, patience, work]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == said
