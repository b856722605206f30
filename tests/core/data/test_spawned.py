"""`eval` stands for the work: its items are expressions."""

from tmnet_core.data.spawned import run_spawned

CRASH = "__import__('os')._exit(3)"


def crashed(item: str) -> str:
    return f"crashed: {item}"


def test_every_item_is_done_once() -> None:
    items = [f"{number} * {number}" for number in range(20)]
    for workers in (0, 2):
        done = dict(run_spawned(eval, items, workers, crashed=crashed))
        assert done == {f"{number} * {number}": number * number for number in range(20)}


def test_an_item_that_crashes_its_process_takes_no_other_along() -> None:
    items = ["1", "2", CRASH, "3", "4", "5", "6", "7"]
    done = list(run_spawned(eval, items, 2, crashed=crashed))
    assert sorted(item for item, _ in done) == sorted(items)
    assert dict(done) == {str(number): number for number in range(1, 8)} | {CRASH: f"crashed: {CRASH}"}


def test_closing_ends_the_processes() -> None:
    running = run_spawned(eval, ["1"] * 1000, 2, crashed=crashed)
    assert next(running) == ("1", 1)
    running.close()  # the fixture that watches for processes left running does the rest
