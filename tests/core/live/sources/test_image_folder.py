from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from tmnet_core.errors import SourceError
from tmnet_core.live.sources import ImageFolderSource, PatternSource, open_source, read_pattern_number
from tmnet_core.opencv import cv2


def _write(path: Path, number: int, size: str = "160x120") -> None:
    source = PatternSource(f"pattern:{size}")
    source.seek(number)
    cv2.imencode(path.suffix, cv2.cvtColor(source.read().image, cv2.COLOR_RGB2BGR))[1].tofile(path)


def test_images_come_in_natural_order_whatever_their_size(tmp_path: Path) -> None:
    folder = tmp_path / "bilder ü"
    folder.mkdir()
    for number in (1, 2, 10):
        _write(folder / f"{number}.png", number, "160x120" if number < 10 else "101x77")
    _write(folder / "3.JPG", 3)
    (folder / "4.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture")
    source = open_source(folder)
    assert isinstance(source, ImageFolderSource)
    assert (source.title, source.frames, source.width, source.height) == ("bilder ü", 5, 160, 120)
    frames = list(iter(source.read, None))
    assert [read_pattern_number(frame.image) for frame in frames] == [1, 2, 3, 10]
    assert [frame.index for frame in frames] == [0, 1, 2, 4]
    source.seek(3)
    assert source.read().index == 4
    with pytest.raises(IndexError):
        source.seek(5)
    source.close()


def test_a_folder_without_readable_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="it is a folder without images"):
        open_source(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(SourceError, match="none of its 1 images can be read"):
        open_source(tmp_path)


def test_an_image_that_claims_to_be_huge_is_not_unpacked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1_000_000))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    (tmp_path / "0.png").write_bytes(bomb)
    _write(tmp_path / "1.png", 1)
    source = open_source(tmp_path)
    assert source.read().index == 1
    source.close()
    assert np.prod((source.width, source.height)) == 160 * 120
    capfd.readouterr()
