"""Opens damaged files one after another, `python -m tmnet_core.benchmarks.robustness.fuzz_worker`.

It says on its standard output which file it begins with and what came of it, a line of JSON each, so that whoever
started it knows what it died or hung on.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tmnet_core.benchmarks.robustness.corpus import CLASSES, SUFFIXES, hostile_files
from tmnet_core.benchmarks.robustness.mutation import mutate
from tmnet_core.errors import TMNetError

_FRAMES = 8
_MEMORY = 6 * 2**30
_DISK = 2**28
_FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "subprocess.Popen",
    "pickle.find_class",
    "socket.connect",
)


class Watch:
    """Notes what a file that is merely opened must never bring about."""

    def __init__(self, folder: Path) -> None:
        self.seen: list[str] = []
        self._folder = os.path.abspath(folder)
        self._on = False
        sys.addaudithook(self._note)

    def begin(self) -> None:
        """Watch from here on."""
        self.seen.clear()
        self._on = True

    def end(self) -> list[str]:
        """Return what was seen."""
        self._on = False
        return self.seen

    def _note(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event in _FORBIDDEN:
            self.seen.append(f"{event} {args!r}"[:300])
        elif event == "open" and isinstance(args[0], (str, bytes)) and args[2] & (os.O_WRONLY | os.O_RDWR):
            path = os.path.abspath(os.fsdecode(args[0]))
            if not path.startswith(self._folder) and path != os.devnull:
                self.seen.append(f"wrote {path}"[:300])


def _open_checkpoint(path: Path) -> None:
    from tmnet_core.live.predictor import GlancePredictor

    engine = "onnxruntime" if path.suffix == ".onnx" else "torch"
    predictor = GlancePredictor.from_file(path, "cpu", engine, threads=1)
    predictor.glance(np.zeros((48, 64, 3), np.uint8))
    predictor.close()


def _open_recipe(path: Path) -> None:
    from tmnet_core.config import dump_recipe, load_recipe

    dump_recipe(load_recipe(path))


def _open_split(path: Path) -> None:
    from tmnet_core.data.csv_annotations import csv_split

    csv_split(path, path.parent, 0.3, 0, skip_missing=True)


def _open_events(path: Path) -> None:
    from tmnet_core.training.events import current_events

    current_events(path)


def _open_video(path: Path) -> None:
    from tmnet_core.live.sources.video_file import VideoFileSource

    source = VideoFileSource(path)
    try:
        for _ in zip(range(_FRAMES), iter(source.read, None), strict=False):
            pass
        source.seek(len(source.times) // 2)
        source.read()
    finally:
        source.close()


OPENERS: dict[str, Callable[[Path], None]] = {
    "checkpoint": _open_checkpoint,
    "onnx": _open_checkpoint,
    "recipe": _open_recipe,
    "split": _open_split,
    "events": _open_events,
    "video": _open_video,
}


def prepare(kind: str, corpus: list[Path]) -> list[tuple[str, bytes]]:
    """Load what the kind needs by opening the good files, and return these."""
    for path in corpus:
        if kind == "split":
            for label, number in itertools.product(CLASSES, range(24)):
                (path.parent / label).mkdir(exist_ok=True)
                (path.parent / label / f"clip {number}.mp4").touch()
        OPENERS[kind](path)
    return [(path.suffix, path.read_bytes()) for path in corpus]


def damaged(kind: str, good: list[tuple[str, bytes]], number: int, seed: int) -> tuple[str, str, bytes]:
    """Return what the file of this number is, its suffix and content: first the hostile ones, then random damage."""
    hostile = list(hostile_files(kind).items())
    if number < len(hostile):
        return hostile[number][0], SUFFIXES[kind], hostile[number][1]
    rng = np.random.default_rng((seed, list(OPENERS).index(kind), number))
    suffix, data = good[int(rng.integers(len(good)))]
    return f"mutation {number} of seed {seed}", suffix, mutate(data, rng)


def run(kind: str, numbers: range, seed: int, folder: Path, corpus: list[Path]) -> None:
    """Open the damaged files of these numbers."""
    watch = Watch(folder)
    good = prepare(kind, corpus)
    for number in numbers:
        what, suffix, data = damaged(kind, good, number, seed)
        path = folder / f"damaged{suffix}"
        path.write_bytes(data)
        _say(begin=number, what=what)
        start = time.perf_counter()
        watch.begin()
        outcome, details = _try(OPENERS[kind], path)
        seen = watch.end()
        _say(end=number, what=what, outcome=outcome, details=details, seen=seen, seconds=time.perf_counter() - start)


def _try(open_file: Callable[[Path], None], path: Path) -> tuple[str, str]:
    try:
        open_file(path)
    except TMNetError as error:
        sentence = str(error)
        return ("refused", "") if sentence and "\n" not in sentence else ("no sentence", sentence)
    except Exception:
        return "unforeseen", traceback.format_exc()[-3000:]
    return "opened", ""


def _say(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Take the work from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=OPENERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("first", type=int)
    parser.add_argument("end", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("corpus", type=Path, nargs="+")
    options = parser.parse_args()
    if sys.platform != "win32":
        import resource

        # A file that asks for more than there is must be refused, not served.
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_DISK, _DISK))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if options.kind in {"checkpoint", "onnx"}:
        import torch

        torch.set_num_threads(1)
    run(options.kind, range(options.first, options.end), options.seed, options.folder, options.corpus)


if __name__ == "__main__":
    main()
