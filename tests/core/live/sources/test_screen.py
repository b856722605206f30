from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tmnet_core.errors import SourceError
from tmnet_core.live.sources import open_source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs an X server of its own")


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A screen of 320×240 that nobody sees."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as answer:
        name = f":{answer.readline().strip()}"
    monkeypatch.setenv("DISPLAY", name)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    yield name
    server.terminate()
    server.wait()


def test_the_screen_is_seen(display: str) -> None:
    source = open_source("screen")
    assert (source.live, source.width, source.height) == (True, 320, 240)
    frames = [source.read() for _ in range(3)]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[0].image.shape == (240, 320, 3)
    source.close()


@pytest.mark.parametrize(
    ("environment", "cause"),
    [
        ({"XDG_SESSION_TYPE": "wayland"}, "Wayland"),
        ({"XDG_SESSION_TYPE": "x11", "DISPLAY": ""}, "there is no display"),
        ({"XDG_SESSION_TYPE": "x11", "DISPLAY": ":4711"}, "cannot be seen"),
    ],
)
def test_a_screen_that_cannot_be_seen(environment: dict[str, str], cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SourceError, match=cause):
        open_source("screen")
