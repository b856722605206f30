"""Traps of the libraries that TMNet stands on. Each of these has cost someone a day."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

import pytest
import torch
import torchvision
from packaging.requirements import Requirement
from packaging.version import Version

from tmnet_core.config import Recipe, load_recipe, shipped_recipes
from tmnet_core.data.clips import GlanceDataset, build_loader
from tmnet_core.data.preprocessing import Preprocessing

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for package in ("tmnet_core", "tmnet_app") for path in (ROOT / package).rglob("*.py"))


def run(program: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    arguments = [str(program)] if isinstance(program, Path) else ["-c", program]
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def pyside_requirement() -> Requirement:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return next(Requirement(line) for line in project["optional-dependencies"]["app"] if line.startswith("PySide6"))


@pytest.mark.parametrize("bad", ["6.7.3", "6.11.0", "6.11.1", "6.12.0", "6.12.1", "7.0.0"])
def test_releases_of_pyside_with_known_faults_are_excluded(bad):
    assert not pyside_requirement().specifier.contains(bad)


@pytest.mark.parametrize("good", ["6.8.0", "6.10.2", "6.11.2", "6.11.3"])
def test_sound_releases_of_pyside_are_allowed(good):
    assert pyside_requirement().specifier.contains(good)


def test_signals_of_the_installed_pyside_keep_reference_counts():
    # 6.12.0 loses a reference to None at each emission, and Python 3.11 aborts after some 570.
    program = """
import sys
from PySide6.QtCore import QCoreApplication, QObject, Signal

class Sender(QObject):
    bare = Signal()
    sent = Signal(object)

application = QCoreApplication([])
sender, payload, received = Sender(), object(), 0

def count(*_):
    global received
    received += 1

sender.bare.connect(count)
sender.sent.connect(count)
sender.sent.emit(payload)
before = sys.getrefcount(None), sys.getrefcount(payload)
for _ in range(5000):
    sender.bare.emit()
    sender.sent.emit(payload)
after = sys.getrefcount(None), sys.getrefcount(payload)
print(received, max(abs(a - b) for a, b in zip(before, after)))
"""
    done = run(program, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    received, drift = map(int, done.stdout.split())
    assert received == 10_001
    assert drift < 10


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal: its references are not counted")
def test_what_the_installed_pyside_leaks_is_a_few_references_to_none_for_each_object_made_in_python():
    # Shiboken takes a reference to None for each virtual method of an object that Python does not override, when it is
    # first called, and does not give it back with the object. It holds no memory. So objects that are painted into or
    # connected again and again leak, and those that are kept do not: keep them where they are used often.
    program = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QImage, QPainter

application = QGuiApplication([])
kept = QImage(8, 8, QImage.Format.Format_RGB32)

def paint_kept():
    QPainter(kept).end()

def paint_new():
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    QPainter(image).end()

def connect_new():
    timer = QTimer()
    timer.timeout.connect(paint_kept)

for act in (paint_kept, paint_new, connect_new):
    act()
    before = sys.getrefcount(None)
    for _ in range(1000):
        act()
    print(round((sys.getrefcount(None) - before) / 1000))
"""
    done = run(program, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    kept, painted, connected = map(int, done.stdout.split())
    assert kept == 0
    assert 0 <= painted <= 10
    assert 0 <= connected <= 2


def test_importing_what_uses_opencv_leaves_qt_its_own_plugins():
    program = """
import os
import tmnet_core.data.clips, tmnet_core.data.preprocessing, tmnet_core.live.sources, sys
assert "cv2" in sys.modules
print(sorted(name for name in os.environ if name in {"QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"}))
"""
    done = run(program)
    assert done.stdout.strip() == "[]", done.stderr


def test_opencv_s_own_windows_are_never_used():
    highgui = {"imshow", "namedWindow", "waitKey", "waitKeyEx", "destroyAllWindows", "setMouseCallback", "selectROI"}
    users = {
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in highgui and ast.unparse(node.value) == "cv2"
    }
    assert users == set()


def test_torch_and_torchvision_match():
    wanted = next(Requirement(line) for line in requires("torchvision") if Requirement(line).name == "torch")
    assert wanted.specifier.contains(Version(version("torch")).base_version)
    # An operator of torchvision's own library, which a mismatch leaves unregistered.
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 9.0], [20.0, 20.0, 30.0, 30.0]])
    kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)
    assert kept.tolist() == [0, 2]


@pytest.mark.parametrize(
    "recipe", [Recipe(), *map(load_recipe, shipped_recipes())], ids=["default", *shipped_recipes()]
)
def test_reduced_precision_is_never_the_default(recipe):
    # bf16 on a CPU without the hardware for it is some 38 times slower than fp32.
    assert recipe.training.precision == "fp32"


def test_loaders_spawn_their_workers():
    dataset = GlanceDataset(NoClips(), Preprocessing(), [0.5])
    loader = build_loader(dataset, 1, workers=2)
    assert loader.multiprocessing_context.get_start_method() == "spawn"
    assert build_loader(dataset, 1).multiprocessing_context is None


class NoClips:
    """A source of no videos."""

    classes = ("a", "b")

    def __len__(self) -> int:
        return 0


def test_opencv_has_no_threads_of_its_own_in_workers(tmp_path):
    script = tmp_path / "load.py"
    # A file, since a spawned worker imports the main module again.
    script.write_text(
        """
from tmnet_core.data.clips import build_loader
from tmnet_core.opencv import cv2

class Threads:
    def __len__(self):
        return 2
    def __getitem__(self, index):
        import torch
        return cv2.getNumThreads(), torch.get_num_threads()
    @staticmethod
    def collate(samples):
        return samples

if __name__ == "__main__":
    print(*[sample for batch in build_loader(Threads(), 2, workers=1) for sample in batch], sep="\\n")
""",
        encoding="utf-8",
    )
    done = run(script)
    assert done.returncode == 0, done.stderr
    samples = [ast.literal_eval(line) for line in done.stdout.splitlines()]
    assert len(samples) == 2
    # OpenCV says 1 for "in the calling thread", whether it was told 0 or 1.
    assert all(opencv <= 1 and torch_threads == 1 for opencv, torch_threads in samples)
