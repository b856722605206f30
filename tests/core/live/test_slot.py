from __future__ import annotations

import threading

from tmnet_core.live.slot import LatestSlot


def test_the_newest_wins_and_drops_are_counted() -> None:
    slot = LatestSlot[int]()
    for item in (0, 1, 2):
        slot.put(item)
    assert slot.dropped == 2
    assert slot.take(0) == 2
    assert slot.take(0) is None
    slot.put(3)
    assert slot.dropped == 2


def test_peek_leaves_the_item() -> None:
    slot = LatestSlot[str]()
    assert slot.peek() is None
    slot.put("a")
    assert (slot.peek(), slot.take(0), slot.peek()) == ("a", "a", None)


def test_take_waits_for_an_item_from_another_thread() -> None:
    slot = LatestSlot[int]()
    got: list[int | None] = []
    taker = threading.Thread(target=lambda: got.append(slot.take(10.0)))
    taker.start()
    slot.put(7)
    taker.join(10.0)
    assert got == [7]


def test_close_wakes_everybody_and_takes_nothing_more() -> None:
    slot = LatestSlot[int]()
    got: list[int | None] = []
    takers = [threading.Thread(target=lambda: got.append(slot.take())) for _ in range(3)]
    for taker in takers:
        taker.start()
    slot.close()
    for taker in takers:
        taker.join(10.0)
    assert got == [None] * 3
    slot.put(1)
    assert slot.take() is None
