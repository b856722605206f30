import csv
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tmnet_core.config import Recipe
from tmnet_core.training.events import Ended, Event, Validated, current_events, read_events
from tmnet_core.training.logbook import Logbook
from tmnet_core.training.run_folder import RunFolder


def write(run: RunFolder, events: list[Event]) -> list[Event]:
    told: list[Event] = []
    with Logbook(run, told.append) as log:
        for event in events:
            log.tell(event)
    return told


def rows(run: RunFolder) -> list[dict[str, str]]:
    with run.metrics_file.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_a_killed_run_did_after_its_last_save_is_superseded_everywhere(tmp_path: Path, make_event) -> None:
    run = RunFolder.create(tmp_path, Recipe())
    first: list[Event] = [
        make_event.started(0),
        make_event.stepped(2, 3.0),
        make_event.validated(2, 0.2),
        make_event.stepped(4, 2.0),
        make_event.validated(4, 0.9),
    ]
    assert write(run, first) == first
    assert [row["iteration"] for row in rows(run)] == ["2", "4"]
    # Killed after the validation at 4, before its save: it goes on from 2.
    second: list[Event] = [
        make_event.started(2),
        make_event.stepped(4, 2.5),
        make_event.validated(4, 0.3),
        Ended(iteration=4, outcome="finished"),
    ]
    write(run, second)

    assert list(read_events(run.events_file)) == first + second
    assert current_events(run.events_file) == [*first[:3], *second]
    assert [(row["iteration"], row["RB+CB top1"]) for row in rows(run)] == [("2", "0.2"), ("4", "0.3")]
    board = EventAccumulator(str(run.tensorboard_folder)).Reload()
    assert [(point.step, point.value) for point in board.Scalars("loss/total")] == [(2, 3.0), (4, 2.5)]
    assert "finished at iteration 4" in run.log_file.read_text(encoding="utf-8").splitlines()[-1]


def test_figures_that_come_later_get_columns_of_their_own(tmp_path: Path, make_event) -> None:
    run = RunFolder.create(tmp_path, Recipe())
    later = Validated(iteration=4, metrics={"RB": {"top1": 0.5, "top5": 1.0, "map": 0.1}}, best=False)
    write(run, [make_event.started(0), make_event.validated(2, 0.2), later])
    assert [(row["RB top1"], row["RB+CB top1"]) for row in rows(run)] == [("", "0.2"), ("0.5", "")]
