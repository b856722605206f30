import csv
import re
from pathlib import Path

from tmnet_core.reproduction.plans import PlanName, Settings
from tmnet_core.reproduction.reproduce import reproduce
from tmnet_core.reproduction.running import Told


def test_runs_are_trained_once_scored_and_reported(tmp_path: Path, tiny_settings: Settings) -> None:
    told: list[Told] = []
    made = reproduce(
        ["table3"], tiny_settings, tmp_path, seeds=[0, 1], devices=["cpu"], command="tmnet ...", tell=told.append
    )
    assert not made.interrupted
    assert {run.number for run in told} == {1, 2, 3, 4, 5, 6}
    assert told[-1].done == told[-1].total == 6 * 4 * 6 * 4  # runs × iterations × clips × frames
    report = made.report.read_text(encoding="utf-8")
    assert "    tmnet ...\n" in report
    assert "| middle | RB | " in report
    assert "| 74.12 | " in report
    assert ": “the best RB results are obtained when we use the center frame as RB's input” (IV-B.4" in report
    assert "Student's, of the variance over the 2 seeds and that over the 6 source videos" in report
    assert "(table3.png)" in report
    with made.table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    # Three lines, two seeds, three branches, four metrics.
    assert len(rows) == 3 * 2 * 3 * 4
    assert {row["paper"] for row in rows if (row["line"], row["branch"], row["metric"]) == ("middle", "RB", "map")} == {
        "73.77"
    }

    # All runs of these are there.
    told.clear()
    names: list[PlanName] = ["table4", "figure4", "figure6"]
    again = reproduce(names, tiny_settings, tmp_path, devices=["cpu"], tell=told.append)
    assert told == []
    assert again.report.name == "table4-figure4-figure6.md", "the report of another call stays"
    assert made.report.exists()
    report = again.report.read_text(encoding="utf-8")
    for name in names:
        assert f"({name}.png)" in report
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    assert "| trained middle, glance ending | RB+CB | " in report
    assert "multiply-adds, 1e9 | inputs/s" in report
    assert "**Not tested**: “the regression branch recognizes this action more confidently" in report
    assert re.search(r"is given in this frame, by the first seed: RB 0\.\d{3} \(the paper's 0\.616\), CB 0\.", report)


def test_what_cannot_run_says_why_and_the_rest_runs(tmp_path: Path, tiny_settings: Settings) -> None:
    # Sixteen frames are more than the clips have, and 32 and 64 are left out of a quick one.
    made = reproduce(["table1"], tiny_settings, tmp_path, devices=["cpu"])
    report = made.report.read_text(encoding="utf-8")
    assert (
        "| 16 frames | equal iterations | not run: clips too short: half of them have no more than 12 frames" in report
    )
    assert "not run: left out of --quick" in report
    assert "| 1 frame | equal frames | RB+CB | " in report
    assert "TSN, 3 frames | equal iterations | CB |" in report
