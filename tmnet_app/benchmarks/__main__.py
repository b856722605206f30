"""`python -m tmnet_app.benchmarks CASE --json FILE`; `tmnet bench` runs it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QApplication

from tmnet_app.benchmarks.first_look import measure_first_look
from tmnet_app.benchmarks.live import measure_live
from tmnet_app.benchmarks.soak import measure_soak
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.window import AppFigures
from tmnet_core.files import replacing

# A case takes the options that it needs.
CASES: dict[str, Callable[[argparse.Namespace], list[Figure]]] = {
    "live": lambda options: measure_live(options.rounds, options.seconds),
    "soak": lambda options: measure_soak(options.minutes),
    "first-look": lambda options: measure_first_look(options.rounds),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one case and write its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tmnet_app.benchmarks", description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved turns")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a turn")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the soak")
    options = parser.parse_args(arguments)
    app = QApplication.instance() or QApplication(["tmnet-benchmark"])
    figures = CASES[options.case](options)
    with replacing(options.json) as temporary:
        temporary.write_text(AppFigures(figures=figures).model_dump_json(), encoding="utf-8")
    del app
    return 0


if __name__ == "__main__":
    sys.exit(main())
