from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import os, sys
before = dict(os.environ)
from tmnet_core.opencv import cv2
changed = {name for name in before.keys() | os.environ.keys() if before.get(name) != os.environ.get(name)}
sys.exit(f"changed: {changed}" if changed else None)
"""


@pytest.mark.parametrize("already_set", [{}, {"QT_QPA_FONTDIR": "mine", "LD_LIBRARY_PATH": "mine"}])
def test_importing_opencv_leaves_the_environment_as_it_was(already_set: dict[str, str]) -> None:
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path), **already_set}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
