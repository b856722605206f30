"""The same work on many files in spawned processes, one of which may crash without taking the others along."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# So many items a process are handed out ahead, and at most so many are done in vain when it ends.
_AHEAD = 2
# One for each core; more than that are held up by the disk.
DEFAULT_WORKERS = min(16, os.cpu_count() or 1)


def run_spawned(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, *, crashed: Callable[[Item], Result]
) -> Generator[tuple[Item, Result], None, None]:
    """Yield each item with what `work` makes of it, as they get done; without workers in this process.

    Ctrl-C, or closing the iterator, lets the items begun get done, drops the others, and ends the processes. Where a
    process dies, as in a decoder that crashes, the items it may have died of are done again one by one, and `crashed`
    gives the result of each that kills its process again.
    """
    waiting = deque(items)
    if workers < 1:
        for item in waiting:
            yield item, work(item)
        return
    while waiting:
        suspects = yield from _run_until_broken(work, waiting, workers)
        for item in suspects:
            alone = deque([item])
            if (yield from _run_until_broken(work, alone, 1)):
                yield item, crashed(item)


def _run_until_broken(
    work: Callable[[Item], Result], waiting: deque[Item], workers: int
) -> Generator[tuple[Item, Result], None, list[Item]]:
    """Take items from `waiting` and yield them done; return those that were under way when a process died."""
    running: dict[Future[Result], Item] = {}
    with _processes(workers) as pool:
        while waiting or running:
            try:
                while waiting and len(running) < _AHEAD * workers:
                    running[pool.submit(work, waiting[0])] = waiting[0]
                    waiting.popleft()
            except BrokenProcessPool:
                return list(running.values())
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                try:
                    result = future.result()
                except BrokenProcessPool:
                    return list(running.values())
                yield running.pop(future), result
    return []


@contextmanager
def _processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    # Spawned: a forked process can hang in OpenCV or FFmpeg, and inherits locks of every thread there is.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    # Ctrl-C reaches the whole process group; the parent decides what to finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def end_with_parent() -> None:
    """End this spawned process as soon as its parent is gone, be it killed: nobody else would tell it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
