"""Damaged files of every kind that strangers may send: none may crash, hang, run code or fail without a sentence."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from tmnet_core.benchmarks.robustness.corpus import KINDS, hostile_files, write_corpus
from tmnet_core.benchmarks.robustness.report import StressRow

HANG = 10.0
_BUSY = 6
_START = 300.0
_MODULE = "tmnet_core.benchmarks.robustness.fuzz_worker"


def fuzz(
    mutations: int,
    *,
    seed: int = 0,
    kinds: Sequence[str] = KINDS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[StressRow]:
    """Open so many damaged files, spread over the kinds, in processes that may die of it."""
    each = -(-mutations // len(kinds))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for place, kind in enumerate(kinds):
            row = StressRow(what=f"opening damaged {kind} files", tried=0)
            corpus = write_corpus(Path(folder) / kind, kind)

            def tell(done: int, before: int = place * each) -> None:
                progress(min(before + done, mutations), mutations)

            _fuzz_kind(row, kind, each, seed, corpus, tell)
            rows.append(row)
    return rows


def _fuzz_kind(
    row: StressRow, kind: str, count: int, seed: int, corpus: list[Path], progress: Callable[[int], None]
) -> None:
    row.tried = count + len(hostile_files(kind))
    first, slowest = 0, 0.0

    def note(line: dict[str, Any]) -> None:
        nonlocal slowest
        slowest = max(slowest, line["seconds"])
        row.count(line["outcome"])
        if line["outcome"] not in {"opened", "refused"}:
            row.failures.append(f"{line['what']}: {line['outcome']}: {line['details']}")
        if line["seen"]:
            row.failures.append(f"{line['what']}: did what it must not: {line['seen']}")
        progress(line["end"] + 1)

    while first < row.tried:
        last, ending = _run_worker(kind, range(first, row.tried), seed, corpus, note)
        if ending is not None:
            row.count(ending.partition(" ")[0])
            row.failures.append(f"number {last} of seed {seed}: {ending}")
        first = last + 1
    row.detail = f"slowest {slowest:.2f} s"


def _run_worker(
    kind: str, numbers: range, seed: int, corpus: list[Path], note: Callable[[dict[str, Any]], None]
) -> tuple[int, str | None]:
    """Let one process open files until it is done, dies or hangs; returns where that was, and what of."""
    command = [sys.executable, "-X", "faulthandler", "-m", _MODULE, kind, str(corpus[0].parent)]
    command += [str(numbers.start), str(numbers.stop), str(seed), *map(str, corpus)]
    at = numbers.start - 1
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said)
        lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        follower = threading.Thread(target=_follow, args=(process, lines), daemon=True)
        follower.start()
        hung = False
        try:
            while (line := _next_line(lines, process, started=at >= numbers.start)) is not None:
                told = json.loads(line)
                at = told.get("begin", at)
                if "end" in told:
                    note(told)
        except TimeoutError:
            hung = True
            process.kill()
        status = process.wait()
        follower.join()
        if hung:
            return at, f"hung for more than {HANG:g} s"
        if status == 0:
            return numbers.stop - 1, None
        said.seek(0)
        details = said.read()[-2000:].decode(errors="replace")
        if at < numbers.start:
            raise RuntimeError(f"the fuzz worker for {kind} files does not start:\n{details}")
        return at, f"crashed with status {status}\n{details}"


def _next_line(
    lines: queue.SimpleQueue[bytes | None], process: subprocess.Popen[bytes], *, started: bool
) -> bytes | None:
    """Return what the worker says next, None once it has ended.

    Raises:
        TimeoutError: it took ten seconds of the processor, or a minute of a machine that has other things to do.
    """
    before = _cpu_seconds(process)
    deadline = time.perf_counter() + (_BUSY * HANG if started else _START)
    while True:
        try:
            return lines.get(timeout=min(HANG, 1.0))
        except queue.Empty:
            if time.perf_counter() > deadline or (started and _cpu_seconds(process) - before > HANG):
                raise TimeoutError from None


def _cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _follow(process: subprocess.Popen[bytes], lines: queue.SimpleQueue[bytes | None]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put(None)
