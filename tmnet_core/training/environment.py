"""On what a run was made: versions, device, the state of the working folder, seed, command."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from tmnet_core import __version__
from tmnet_core.device import describe_device
from tmnet_core.files import replacing

PACKAGES = ("torchvision", "numpy", "opencv-python", "av")


def describe_environment(device: torch.device, seed: int) -> dict[str, Any]:
    """Return what someone needs to know who wants this process's numbers again, as JSON values."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(sys.orig_argv),
        "folder": str(Path.cwd()),
        "seed": seed,
        "tmnet": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{package: _version(package) for package in PACKAGES},
        "os": platform.platform(),
        "machine": platform.machine(),
        "device": describe_device(device),
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "cudnn": torch.backends.cudnn.version() if device.type == "cuda" else None,  # type: ignore[no-untyped-call]
        "threads": torch.get_num_threads(),
        "git": git_state(Path.cwd()),
    }


def record_environment(path: Path, environment: dict[str, Any]) -> None:
    """Write the environment of this process; those of the ones that the run was begun with follow as `earlier`."""
    earlier: list[dict[str, Any]] = []
    if path.exists():
        try:
            last = json.loads(path.read_text(encoding="utf-8"))
            earlier = [*last.pop("earlier", []), last]
        except (ValueError, AttributeError, TypeError):
            earlier = []
    with replacing(path) as temporary:
        text = json.dumps({**environment, "earlier": earlier}, indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return commit, branch and changed files of a folder's git repository; None where there is none, or no git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    changed = _git(folder, "status", "--porcelain")
    return {"commit": commit, "branch": branch, "changed": changed.splitlines() if changed else []}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.rstrip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
