"""In place of a training process: writes the events that a test asks for, and misbehaves as it asks.

Run as `scripted_child.py RUN WORD...`; the words are done one after another. It imports nothing of the project, so it
starts at once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

RUN = Path(sys.argv[1])
EVENTS = RUN / "events.jsonl"


def write(data: bytes) -> None:
    with EVENTS.open("ab") as file:
        file.write(data)


def event(kind: str, **values: object) -> bytes:
    return json.dumps({"kind": kind, "time": time.time(), **values}, ensure_ascii=False).encode() + b"\n"


def started(iteration: int = 0, iterations: int = 1000) -> bytes:
    about = {"device": "CPU", "classes": 3, "clips": 12, "validation_clips": 6, "weights": "none"}
    return event("started", iteration=iteration, iterations=iterations, **about)


def stepped(iteration: int) -> bytes:
    losses = {"loss": 1 + 1 / iteration, "classification_loss": 1.0, "regression_loss": 1 / iteration}
    return event("stepped", iteration=iteration, epoch=0, **losses, learning_rate=0.1, clips_per_second=5.0)


def validated(iteration: int) -> bytes:
    figures = {"top1": 0.5, "top5": 1.0, "map": 0.5, "mean_class": 0.5}
    metrics = dict.fromkeys(("RB", "CB", "RB+CB"), figures)
    return event("validated", iteration=iteration, metrics=metrics, best=True)


def do(word: str) -> None:
    match word.partition("="):
        case ("started", _, _):
            write(started())
        case ("steps", _, count):
            write(b"".join(stepped(i) for i in range(1, int(count) + 1)))
        case ("validated", _, iteration):
            write(validated(int(iteration)))
        case ("stray", _, _):
            write(b"not an event\n\xff\xfe\n{}\n" + b'{"kind": "unknown"}\n')
        case ("split", _, _):
            line = event("skipped", iteration=1, video="Übung/\U0001f93e.mp4", reason="it is empty")
            middle = line.index("\U0001f93e".encode()) + 2
            write(line[:middle])
            time.sleep(0.3)
            write(line[middle:])
        case ("torn", _, _):
            write(stepped(7)[:25])
        case ("print", _, text):
            print(text, flush=True)
        case ("endless", _, _):
            while True:
                print("x" * 10_000)
        case ("deaf", _, _):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case ("child", _, words):
            subprocess.Popen([sys.executable, __file__, str(RUN), *words.split(",")], start_new_session=True)
        case ("orphan", _, _):
            # A grandchild whose parent is gone.
            subprocess.run([sys.executable, __file__, str(RUN), "child=deaf,hold"], check=True)
        case ("hold", _, _):
            time.sleep(600)
        case ("obey", _, _):
            obey()
        case ("finished", _, iteration):
            write(event("ended", iteration=int(iteration), outcome="finished", reason=""))
        case ("failed", _, reason):
            write(event("ended", iteration=3, outcome="failed", reason=reason))
        case ("kill", _, _):
            os.kill(os.getpid(), signal.SIGKILL)
        case ("crash", _, text):
            raise RuntimeError(text)


def obey() -> None:
    """Step until asked to stop; wait while asked to pause."""
    iteration, waiting = 0, False
    while not (RUN / "stop").exists():
        if (RUN / "pause").exists() != waiting:
            waiting = not waiting
            write(event("paused" if waiting else "continued", iteration=iteration))
        if not waiting:
            iteration += 1
            write(stepped(iteration))
        time.sleep(0.02)
    (RUN / "stop").unlink()
    write(event("ended", iteration=iteration, outcome="stopped", reason="asked to stop"))


for word in sys.argv[2:]:
    do(word)
