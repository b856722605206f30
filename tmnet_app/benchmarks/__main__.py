"""`python -m tmnet_app.benchmarks CASE --json FILE`; `tmnet bench` runs it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QApplication

from tmnet_app.benchmarks.drawing import measure_drawing
from tmnet_app.benchmarks.faults import stress_window
from tmnet_app.benchmarks.first_look import measure_first_look
from tmnet_app.benchmarks.lateness import measure_lateness
from tmnet_app.benchmarks.live import measure_live
from tmnet_app.benchmarks.opening import measure_opening
from tmnet_app.benchmarks.soak import measure_soak
from tmnet_app.benchmarks.training import measure_training
from tmnet_core.benchmarks.window import AppFigures, AppRows
from tmnet_core.files import replacing

_DRAWINGS = 30
# A case takes the options that it needs.
CASES: dict[str, Callable[[argparse.Namespace], AppFigures | AppRows]] = {
    "live": lambda options: AppFigures(figures=measure_live(options.rounds, options.seconds)),
    "lateness": lambda options: AppFigures(figures=measure_lateness(60 * options.minutes)),
    "training": lambda options: AppFigures(figures=measure_training(options.rounds, options.seconds)),
    "drawing": lambda options: AppFigures(figures=measure_drawing(max(options.rounds, _DRAWINGS))),
    "soak": lambda options: AppFigures(figures=measure_soak(options.minutes, options.frames)),
    "faults": lambda options: AppRows(rows=stress_window(options.rounds)),
    "opening": lambda options: AppFigures(figures=measure_opening(options.rounds)),
    "first-look": lambda options: AppFigures(figures=measure_first_look(options.rounds)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one case and write what it found as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tmnet_app.benchmarks", description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved turns")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a turn")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the soak")
    parser.add_argument("--frames", type=int, default=0, help="paints of a soak, in place of its length")
    options = parser.parse_args(arguments)
    app = QApplication.instance() or QApplication(["tmnet-benchmark"])
    result = CASES[options.case](options)
    with replacing(options.json) as temporary:
        temporary.write_text(result.model_dump_json(), encoding="utf-8")
    del app
    return 0


if __name__ == "__main__":
    sys.exit(main())
