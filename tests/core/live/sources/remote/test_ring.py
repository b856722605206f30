from __future__ import annotations

import subprocess
import sys
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import pytest

from tmnet_core.errors import SourceError
from tmnet_core.live.sources.remote import ring as ring_module
from tmnet_core.live.sources.remote.ring import FrameRing
from tmnet_core.live.sources.source import new_image


def test_a_picture_goes_through_and_what_was_overwritten_does_not() -> None:
    owner = FrameRing.create(3 * 40 * 30)
    writer = FrameRing.attach(owner.name, owner.slot_bytes)
    rng = np.random.default_rng(0)
    for slot, size in [(0, (30, 40)), (1, (7, 5)), (0, (1, 1))]:
        picture = rng.integers(0, 256, (*size, 3), np.uint8)
        writer.begin(slot, *size)[:] = picture
        generation = writer.finish(slot)
        got = owner.copy(slot, generation, *size, new_image)
        assert np.array_equal(got, picture)
        assert owner.copy(slot, generation - 2, *size, new_image) is None
        writer.begin(slot, *size)
        assert owner.copy(slot, generation, *size, new_image) is None
        assert owner.copy(slot, generation + 1, *size, new_image) is not None
        writer.finish(slot)
    writer.close()
    owner.close()
    with pytest.raises(FileNotFoundError):
        SharedMemory(owner.name)


@pytest.mark.parametrize(("slot", "size"), [(-1, (1, 1)), (2, (1, 1)), (0, (0, 5)), (0, (-3, -3)), (0, (99, 99))])
def test_what_a_reader_claims_is_not_believed(slot: int, size: tuple[int, int]) -> None:
    owner = FrameRing.create(3 * 40 * 30)
    assert owner.copy(slot, 0, *size, new_image) is None
    owner.close()


def test_too_little_shared_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr(ring_module.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(SourceError, match="not enough shared memory"):
        FrameRing.create(3 * 640 * 480)


def test_a_process_that_attaches_leaves_the_memory_to_its_owner() -> None:
    owner = FrameRing.create(300)
    program = (
        "from tmnet_core.live.sources.remote.ring import FrameRing\n"
        f"ring = FrameRing.attach({owner.name!r}, {owner.slot_bytes})\n"
        "ring.begin(0, 10, 10)[:] = 7\nprint(ring.finish(0))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("2", "")
    assert (owner.copy(0, 2, 10, 10, new_image) == 7).all()
    owner.close()
