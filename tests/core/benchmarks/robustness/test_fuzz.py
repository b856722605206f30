"""A short form of `tmnet stress fuzz --count 10000`."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from tmnet_core.benchmarks.robustness import fuzz as fuzz_module
from tmnet_core.benchmarks.robustness.corpus import KINDS, hostile_files
from tmnet_core.benchmarks.robustness.fuzz import fuzz
from tmnet_core.benchmarks.robustness.fuzz_worker import OPENERS, Watch
from tmnet_core.benchmarks.robustness.mutation import mutate

# Exporting an ONNX file takes longer than all the rest; the engines' tests open damaged ones.
_QUICK = tuple(kind for kind in KINDS if kind != "onnx")


def test_damaged_and_hostile_files_are_opened_or_refused_with_a_sentence() -> None:
    rows = fuzz(60, seed=7, kinds=_QUICK)
    assert [row.failures for row in rows] == [[]] * len(_QUICK)
    assert all(set(row.outcomes) <= {"opened", "refused"} for row in rows)
    assert [sum(row.outcomes.values()) for row in rows] == [12 + len(hostile_files(kind)) for kind in _QUICK]
    assert not Path("CODE_WAS_RUN").exists()


def test_a_file_that_kills_or_hangs_its_reader_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A worker that dies of its file 3 and hangs on file 5.
    (tmp_path / "worker.py").write_text(
        "import json, os, sys, time\n"
        "for number in range(int(sys.argv[3]), int(sys.argv[4])):\n"
        "    print(json.dumps({'begin': number, 'what': 'x'}), flush=True)\n"
        "    number != 3 or os.abort()\n"
        "    number != 5 or time.sleep(600)\n"
        "    end = {'end': number, 'what': 'x', 'outcome': 'opened', 'details': '', 'seen': [], 'seconds': 0.1}\n"
        "    print(json.dumps(end), flush=True)\n"
    )
    monkeypatch.setattr(fuzz_module, "_MODULE", "worker")
    monkeypatch.setattr(fuzz_module, "HANG", 1.0)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    (row,) = fuzz(5, kinds=["events"])
    assert row.outcomes == {"opened": 6, "crashed": 1, "hung": 1}
    assert [failure.split(":")[0] for failure in row.failures] == ["number 3 of seed 0", "number 5 of seed 0"]


def test_the_watch_sees_what_a_file_must_not_do(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.begin()
    (tmp_path / "inside").write_text("")
    assert watch.end() == []
    watch.begin()
    with open(os.devnull, "w"):
        pass
    pickle.loads(pickle.dumps(Path("x")))
    assert [seen.split()[0] for seen in watch.end()] == ["pickle.find_class"]
    watch.begin()
    outside = tmp_path.parent / "outside"
    outside.write_text("")
    assert watch.end() == [f"wrote {outside}"]


def test_damage_is_the_same_for_the_same_seed_and_differs_from_the_file() -> None:
    data = bytes(range(256)) * 8
    one, same, other = (mutate(data, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == same != other
    assert data not in {one, other}
    assert mutate(b"", np.random.default_rng(0)) is not None


def test_every_kind_has_an_opener() -> None:
    assert set(OPENERS) == set(KINDS)
