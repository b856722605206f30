"""Files damaged at random, and on purpose."""

from __future__ import annotations

import numpy as np

_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF)
_MOST_EDITS = 8
_HEAD = 512


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a copy with one to eight edits: to bits, bytes and numbers, pieces cut, doubled or moved, an early end.

    Half of the edits fall into the first bytes, where formats keep what the rest depends on.
    """
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, _MOST_EDITS + 1))):
        if not changed:
            changed += b"\0"
        end = len(changed) if rng.random() < 0.5 else min(len(changed), _HEAD)
        place = int(rng.integers(end))
        _EDITS[int(rng.integers(len(_EDITS)))](changed, place, rng)
    return bytes(changed)


def _flip(data: bytearray, place: int, rng: np.random.Generator) -> None:
    data[place] ^= 1 << int(rng.integers(8))


def _overwrite(data: bytearray, place: int, rng: np.random.Generator) -> None:
    data[place : place + 4] = rng.bytes(int(rng.integers(1, 5)))


def _number(data: bytearray, place: int, rng: np.random.Generator) -> None:
    width = int(rng.choice((1, 2, 4, 8)))
    value = _INTERESTING[int(rng.integers(len(_INTERESTING)))] & (1 << 8 * width) - 1
    data[place : place + width] = value.to_bytes(width, "little" if rng.random() < 0.5 else "big")


def _cut(data: bytearray, place: int, rng: np.random.Generator) -> None:
    del data[place : place + int(rng.integers(1, 65))]


def _double(data: bytearray, place: int, rng: np.random.Generator) -> None:
    data[place:place] = data[place : place + int(rng.integers(1, 65))]


def _move(data: bytearray, place: int, rng: np.random.Generator) -> None:
    other = int(rng.integers(len(data)))
    piece = data[other : other + int(rng.integers(1, 65))]
    data[place : place + len(piece)] = piece


def _fill(data: bytearray, place: int, rng: np.random.Generator) -> None:
    length = int(rng.integers(1, 257))
    data[place : place + length] = bytes([int(rng.choice((0, 0xFF, 0x20, 0x5B, 0x7B)))]) * length


def _end(data: bytearray, place: int, rng: np.random.Generator) -> None:
    del data[place:]


_EDITS = (_flip, _flip, _overwrite, _number, _number, _cut, _double, _move, _fill, _end)
