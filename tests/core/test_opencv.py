from __future__ import annotations

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import os, sys
before = dict(os.environ)
{}
changed = {{name for name in before.keys() | os.environ.keys() if before.get(name) != os.environ.get(name)}}
sys.exit(f"changed: {{changed}}" if changed else None)
"""


@pytest.mark.parametrize("already_set", [{}, {"QT_QPA_FONTDIR": "mine", "LD_LIBRARY_PATH": "mine"}])
@pytest.mark.parametrize(
    "action",
    [
        "from tmnet_core.opencv import cv2",
        "from tmnet_core.live.sources import list_cameras; list_cameras()",
        "from tmnet_core.data import preprocessing",
    ],
)
def test_opencv_leaves_the_environment_as_it_was(action: str, already_set: dict[str, str]) -> None:
    _run(_PROGRAM.format(action), already_set)


def test_the_environment_is_freed_of_an_opencv_that_came_first() -> None:
    _run("import cv2, os, tmnet_core.opencv; assert not any('cv2' in value for value in os.environ.values())", {})


def _run(program: str, variables: dict[str, str]) -> None:
    claimed = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "LD_LIBRARY_PATH")
    clean = {name: value for name, value in os.environ.items() if name not in claimed}
    environment = {**clean, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
