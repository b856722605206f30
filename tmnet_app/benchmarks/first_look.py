"""How long a newcomer waits: from starting `tmnet-app --demo` to the first answer on the screen.

Run as `python -m tmnet_app.benchmarks.first_look` it is what is timed: it opens the demo, and at the first glance that
was painted it prints the seconds since its process started, and ends.
"""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
from PySide6.QtWidgets import QApplication

from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.interleaved import Timings

REACH = 3.0


def measure_first_look(rounds: int) -> list[Figure]:
    """Return the time to the first look over that of importing torch, both from the start of a process."""
    torch = "import time, psutil, torch; print(time.time() - psutil.Process().create_time())"
    commands = {
        "demo": [sys.executable, "-m", "tmnet_app.benchmarks.first_look"],
        "torch": [sys.executable, "-c", torch],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    # The first turn is not counted: it reads the libraries from the disk.
    for number in range(rounds + 1):
        for name, command in commands.items():
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            if number:
                seconds[name].append(float(printed))
    timings = Timings({name: tuple(values) for name, values in seconds.items()})
    return [
        Figure(
            what="tmnet-app --demo: process start to first look / importing torch",
            value=timings.ratio("demo", "torch"),
            spread=timings.ratio_spread("demo", "torch"),
            limit=f"<= {REACH:g}",
            detail=f"{timings.median('demo'):.2f} s / {timings.median('torch'):.2f} s",
        )
    ]


def show_first_look() -> int:
    """Open the demo as `tmnet-app --demo` does and close it at the first painted glance; returns the exit status."""
    from tmnet_app.live_session import LiveSession
    from tmnet_app.main_window import MainWindow
    from tmnet_core.live.sources.remote import ReaderPool

    app = QApplication.instance() or QApplication(["tmnet-benchmark"])
    readers = ReaderPool()
    readers.prepare()
    window = MainWindow(LiveSession(open_frames=readers.open))

    def end_once_seen(captured: float) -> None:
        if window.session.moment is not None and window.session.moment.glance is not None:
            window.stage.painted.disconnect(end_once_seen)
            print(time.time() - psutil.Process().create_time())
            app.exit()

    window.stage.painted.connect(end_once_seen)
    window.show()
    window.session.start()
    window.prepare_graphs()
    window.opener.open_demo()
    app.exec()
    window.close()
    readers.close()
    return 0


if __name__ == "__main__":
    sys.exit(show_first_look())
