from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tmnet_app.faults import CrashFile, FaultWatch, start_logging


@pytest.fixture
def watch():
    watch = FaultWatch()
    watch.install()
    yield watch
    watch.remove()


def test_a_fault_of_any_thread_is_told_once_with_its_details(qtbot, watch: FaultWatch, caplog) -> None:
    told: list[tuple[str, str]] = []
    watch.fault_caught.connect(lambda *what: told.append(what))

    def fail() -> None:
        raise ZeroDivisionError("division by zero")

    for _ in range(3):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    qtbot.waitUntil(lambda: bool(told))
    assert [sentence for sentence, _ in told] == ["Something went wrong inside TMNet: division by zero."]
    assert "in fail" in told[0][1]
    assert caplog.text.count("ZeroDivisionError") >= 3


def test_what_native_code_died_of_is_found_the_next_time(tmp_path: Path) -> None:
    program = (
        "import ctypes, pathlib, sys\nfrom tmnet_app.faults import CrashFile\n"
        "crashes = CrashFile(pathlib.Path(sys.argv[1]))\n"
        "def deep_inside():\n    ctypes.string_at(0)\n"
        "deep_inside() if sys.argv[2] == 'crash' else crashes.close()"
    )
    run = [sys.executable, "-c", program, str(tmp_path)]
    assert subprocess.run([*run, "end"], check=False).returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert subprocess.run([*run, "crash"], check=False).returncode != 0
    again = CrashFile(tmp_path)
    again.close()
    assert "deep_inside" in again.before
    third = CrashFile(tmp_path)
    third.close()
    assert third.before == ""
    assert list(tmp_path.iterdir()) == []


def test_the_log_rotates(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers.clear()
    try:
        path = start_logging(tmp_path)
        for number in range(400):
            logging.getLogger("x").warning("%s %s", number, "x" * 10_000)
        sizes = [file.stat().st_size for file in tmp_path.iterdir()]
        assert path in tmp_path.iterdir()
        assert len(sizes) == 4
        assert max(sizes) <= 1_000_000
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = before
