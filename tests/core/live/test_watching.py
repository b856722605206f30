from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tmnet_core.cli import app
from tmnet_core.data.preprocessing import Crop, Preprocessing
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.watching import watch
from tmnet_core.models.branch import Branch


class _Slow:
    """A network of 20 ms."""

    engine, classes, branches, header = "slow", ["a", "b"], (Branch.CB,), None
    closed = False

    def glance(self, frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        time.sleep(0.02)
        placement = Preprocessing().place(frame.image.shape[1], frame.image.shape[0])
        return Glance(frame, placement, {Branch.CB: np.array([0.4, 0.6], np.float32)}, {}, {}, time.perf_counter())

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("every_frame", [True, False])
def test_every_frame_skips_none_and_real_time_keeps_up(every_frame: bool) -> None:
    model, states = _Slow(), []
    watched = watch("pattern:64x48@200#80", model, 30.0, every_frame=every_frame, on_state=states.append)
    assert model.closed
    assert states == ["Opening", "Playing", "Ended"]
    assert watched.error == ""
    lost = watched.drops.capture + watched.drops.inference + watched.drops.display
    assert watched.glances + lost == 80
    assert (lost == 0) == every_frame
    if not every_frame:
        # The newest frame is at most one look old when the next look begins.
        assert sorted(watched.ages)[len(watched.ages) // 2] < 0.2


def test_a_source_that_cannot_be_opened_is_said() -> None:
    watched = watch("pattern:1x1", _Slow(), 30.0)
    assert "is no test pattern" in watched.error
    assert watched.glances == 0


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_the_command_writes_the_timing(
    suffix: str, make_checkpoint: Callable[..., tuple[Path, object, object]], tmp_path: Path
) -> None:
    checkpoint, _, _ = make_checkpoint()
    out = tmp_path / f"timing{suffix}"
    arguments = ["watch", str(checkpoint), "pattern:64x48@50#20", "--every-frame", "--timing", str(out)]
    done = CliRunner().invoke(app, [*arguments, "--engine", "torch", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert "Test pattern: 20 glances, median age" in done.output
    rows = list(csv.DictReader(out.open())) if suffix == ".csv" else json.loads(out.read_text())
    assert [int(row["frame"]) for row in rows] == list(range(20))
    assert all(float(row["shown_ms"]) >= float(row["glanced_ms"]) > 0 for row in rows)
