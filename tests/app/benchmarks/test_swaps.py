import time

from tmnet_app.benchmarks.stand_in_window import run_events
from tmnet_app.benchmarks.swaps import PaintIntervals, write_another
from tmnet_app.demo import find_demo
from tmnet_app.main_window import MainWindow
from tmnet_core.checkpoint import read_header


def test_a_stutter_is_seen_as_a_long_gap(playing: MainWindow) -> None:
    intervals = PaintIntervals(playing.stage.panes["input"].view)
    intervals.begin()
    run_events(0.5)
    smooth = intervals.milliseconds
    assert len(smooth) > 3
    intervals.begin()
    run_events(0.3)
    time.sleep(max(0.5, 2e-3 * max(smooth)))  # the window hangs
    run_events(0.3)
    assert max(intervals.milliseconds) > max(500, 1.5 * max(smooth))


def test_another_network_is_another_file_of_the_same_network(tmp_path) -> None:
    demo = find_demo().checkpoint
    for number in (1, 2):
        write_another(demo, tmp_path / f"{number}.safetensors", number)
    one, two = (tmp_path / f"{number}.safetensors" for number in (1, 2))
    assert one.read_bytes() != two.read_bytes()
    assert read_header(one).classes == read_header(demo).classes
