"""What a training process is asked to do: by Ctrl-C, by the system that wants it to end, by files in its folder."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from tmnet_core.training.run_folder import RunFolder

# A scheduler that needs the machine sends SIGTERM some seconds before it kills.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Wish(IntEnum):
    """What is wanted of a training process; the greater one wins."""

    GO_ON = 0
    PAUSE = 1
    STOP = 2


def read_wish(run: RunFolder, *, interrupted: bool) -> Wish:
    """Return what signals and the run's request files ask for; a request to stop is cleared by that."""
    if interrupted or run.take_stop_request():
        return Wish.STOP
    return Wish.PAUSE if run.is_asked_to_pause() else Wish.GO_ON


@contextmanager
def catch_interrupt(*, patient: bool = False) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into an event that the loop looks at; a second one acts at once.

    `patient` takes further ones for the same: torchrun hands on a signal that its processes get themselves too.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    previous = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def request(signum: int, frame: object) -> None:
        event.set()
        if not patient:
            restore()

    for number in SIGNALS:
        signal.signal(number, request)
    try:
        yield event
    finally:
        restore()
