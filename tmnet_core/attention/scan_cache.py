"""Scans that were made before: looking at a film takes minutes, finding a scan again does not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import platformdirs

from tmnet_core.attention.scan import Scan
from tmnet_core.data.preprocessing import Crop
from tmnet_core.files import replacing
from tmnet_core.models.branch import Branch

KEPT = 200
_SUFFIX = ".scan.npz"
# Goes up when what is kept changes.
_VERSION = 1
_READ_OF_EACH_END = 1 << 16


class ScanCache:
    """Keeps the scans of one network; the network and each film are known by their content, whatever they are called.

    Args:
        checkpoint: the file that the network was loaded from.
        folder: where scans are kept; the user's cache where None.
    """

    def __init__(self, checkpoint: Path, folder: Path | None = None) -> None:
        with checkpoint.open("rb") as file:
            self._network = hashlib.file_digest(file, "sha256").hexdigest()
        self._folder = folder or platformdirs.user_cache_path("tmnet", appauthor=False) / "scans"

    def key(self, video: Path, every: int, *, mirror: bool, crop: Crop | None) -> str:
        """Return what a scan of a film is known by; OSError where the film cannot be read."""
        asked = [str(_VERSION), self._network, _identity(video), str(every), str(mirror), str(crop)]
        return hashlib.sha256("\0".join(asked).encode()).hexdigest()[:32]

    def load(self, key: str) -> Scan | None:
        """Return a scan that was kept, None where there is none; one that cannot be read is thrown away."""
        path = self._path(key)
        try:
            with np.load(path, allow_pickle=False) as kept:
                scan = Scan(
                    tuple(str(name) for name in kept["classes"]),
                    float(kept["duration"]),
                    kept["frames"],
                    kept["times"],
                    {branch: kept[branch.value].astype(np.float32) for branch in Branch if branch.value in kept},
                    complete=True,
                )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            path.unlink(missing_ok=True)
            return None
        # The cache forgets what was not used for longest.
        path.touch()
        return scan

    def keep(self, key: str, scan: Scan) -> None:
        """Keep a scan; a disk that takes none is no reason to lose what was seen."""
        arrays = {branch.value: values.astype(np.float16) for branch, values in scan.probabilities.items()}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with replacing(self._path(key)) as temporary, temporary.open("wb") as file:
                np.savez_compressed(
                    file,
                    classes=np.array(scan.classes),
                    duration=scan.duration,
                    frames=scan.frames,
                    times=scan.times,
                    **arrays,  # type: ignore[arg-type]
                )
            self._forget_oldest()
        except OSError:
            return

    def _forget_oldest(self) -> None:
        by_use = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in by_use[KEPT:]:
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"


def _identity(video: Path) -> str:
    """Tell films apart by size and both ends, without reading all of a large one."""
    size = video.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with video.open("rb") as file:
        digest.update(file.read(_READ_OF_EACH_END))
        file.seek(max(0, size - _READ_OF_EACH_END))
        digest.update(file.read())
    return digest.hexdigest()
