import psutil
import pytest

from tmnet_core.live.stage_meter import StageMeter, read_memory


def test_half_and_95_percent_of_the_last_frames_by_stage():
    meter = StageMeter()
    for value in range(1, 102):
        meter.note({"network": float(value), "show": 1.0})
    assert meter.quantiles == {"network": (51.0, 96.0), "show": (1.0, 1.0)}
    for _ in range(240):
        meter.note({"network": 2.0})
    assert meter.quantiles["network"] == (2.0, 2.0)
    meter.clear()
    assert meter.quantiles == {}


def test_memory_of_this_process():
    held = read_memory()
    assert held.host == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)
