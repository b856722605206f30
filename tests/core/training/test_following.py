import time
from pathlib import Path

import pytest

from tmnet_core.training.events import Ended, EventLog, Skipped, Stepped
from tmnet_core.training.following import EventFollower, last_event, last_lines


def step(iteration: int) -> Stepped:
    return Stepped(
        iteration=iteration,
        epoch=0,
        loss=1.0,
        classification_loss=0.5,
        regression_loss=None,
        learning_rate=0.1,
        clips_per_second=3.0,
    )


def iterations(follower: EventFollower) -> list[int]:
    return [event.iteration for event in follower.read()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evénts.jsonl"


def test_only_what_is_new_comes(path: Path) -> None:
    follower = EventFollower(path)
    assert iterations(follower) == []
    with EventLog(path) as log:
        log.write(step(1))
        assert iterations(follower) == [1]
        log.write(step(2))
        log.write(step(3))
        assert follower.behind
        assert iterations(follower) == [2, 3]
        assert not follower.behind
        assert iterations(follower) == []


def test_a_line_may_come_in_any_pieces(path: Path) -> None:
    whole = Skipped(iteration=1, video="Übung/🤾.mp4", reason="it is empty").model_dump_json().encode() + b"\n"
    assert "🤾".encode() in whole
    follower = EventFollower(path)
    for place in range(len(whole)):
        path.open("ab").write(whole[place : place + 1])
        found = follower.read()
        assert bool(found) == (place == len(whole) - 1)
    assert found[0].video == "Übung/🤾.mp4"


def test_stray_lines_and_a_torn_end_are_passed_over(path: Path) -> None:
    good = step(4).model_dump_json().encode() + b"\n"
    path.write_bytes(b"\xff\xfe\nTraceback\n{}\n" + good + good[:30])
    follower = EventFollower(path)
    assert iterations(follower) == [4]
    with EventLog(path) as log:
        log.write(step(5))
    assert iterations(follower) == [5]


def test_a_file_that_is_replaced_or_cut_is_read_anew(path: Path, tmp_path: Path) -> None:
    line = step(1).model_dump_json() + "\n"
    path.write_text(line * 3)
    follower = EventFollower(path)
    assert len(follower.read()) == 3
    path.write_text(line)
    assert (len(follower.read()), follower.restarts) == (1, 1)
    (tmp_path / "other").write_text(line * 5)
    (tmp_path / "other").replace(path)
    assert (len(follower.read()), follower.restarts) == (5, 2)
    path.unlink()
    assert follower.read() == []


def test_a_line_without_end_is_not_kept(path: Path) -> None:
    good = step(9).model_dump_json().encode() + b"\n"
    path.write_bytes(b"x" * 3_000_000 + b"\n" + good)
    follower = EventFollower(path)
    found: list[int] = []
    while follower.behind:
        found += iterations(follower)
        assert len(follower._rest) <= 2**18
    assert found == [9]


def test_a_long_file_comes_in_bites(path: Path) -> None:
    path.write_text("".join(step(i).model_dump_json() + "\n" for i in range(100_000)))
    follower = EventFollower(path)
    found, longest = 0, 0.0
    while follower.behind:
        start = time.perf_counter()
        found += len(follower.read())
        longest = max(longest, time.perf_counter() - start)
    assert found == 100_000
    assert longest < 0.5


def test_the_last_event_and_the_last_lines(path: Path, tmp_path: Path) -> None:
    assert last_event(path) is None
    with EventLog(path) as log:
        log.write(step(1))
        log.write(Ended(iteration=2, outcome="finished"))
    with path.open("ab") as file:
        file.write(b'{"kind": "step')
    assert last_event(path) == Ended(iteration=2, outcome="finished", time=last_event(path).time)

    log_file = tmp_path / "log.txt"
    assert last_lines(log_file, 3) == []
    log_file.write_bytes(b"y" * 500_000 + b"\n10 %\r50 %\r100 %\r\n\n" + "später".encode() + b"\xff\n")
    assert last_lines(log_file, 2) == ["100 %", "später\ufffd"]
