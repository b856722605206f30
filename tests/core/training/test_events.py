from pathlib import Path

from tmnet_core.training.events import Ended, EventLog, Skipped, Stepped, read_events


def test_events_come_back_in_order(tmp_path: Path) -> None:
    events = [Skipped(iteration=1, video="a ü.mp4", reason="it is empty"), Ended(iteration=2, outcome="finished")]
    with EventLog(tmp_path / "events.jsonl") as log:
        for event in events:
            log.write(event)
    assert list(read_events(tmp_path / "events.jsonl")) == events


def test_a_line_is_on_disk_before_the_log_is_closed(tmp_path: Path) -> None:
    with EventLog(tmp_path / "events.jsonl") as log:
        log.write(Ended(iteration=2, outcome="stopped"))
        assert len(list(read_events(tmp_path / "events.jsonl"))) == 1


def test_what_is_no_event_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    good = Ended(iteration=3, outcome="finished").model_dump_json()
    path.write_bytes(b'not json\n{"kind":"unknown"}\n\xff\xfe\n' + good.encode() + b"\n" + good.encode()[:9])
    assert [event.iteration for event in read_events(path)] == [3]


def test_a_torn_last_line_does_not_swallow_the_next_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"kind":"ended","iter')
    with EventLog(path) as log:
        log.write(Ended(iteration=7, outcome="finished"))
    assert [event.iteration for event in read_events(path)] == [7]


def test_an_event_of_an_older_file_is_read_with_what_it_lacks_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(
        '{"time":1.0,"kind":"stepped","iteration":3,"epoch":0,"loss":1.0,"classification_loss":1.0,'
        '"regression_loss":null,"learning_rate":0.1,"clips_per_second":2.0}\n'
    )
    (event,) = read_events(path)
    assert isinstance(event, Stepped)
    assert event.memory_gib is None
