"""Who may import whom, and that the core needs no Qt."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QT = ("PySide6", "shiboken6", "pyqtgraph")

# A folder or file, and what it must not import, not even inside a function.
FORBIDDEN = {
    "tmnet_core": ("tmnet_app", *QT),
    "tmnet_core/models": ("tmnet_core.data", "tmnet_core.training", "tmnet_core.live"),
    "tmnet_core/data": ("tmnet_core.models", "tmnet_core.training", "tmnet_core.live"),
    "tmnet_core/live": ("tmnet_core.training",),
    "tmnet_core/training": ("tmnet_core.live.player", "tmnet_core.live.glancer", "tmnet_core.live.sources"),
    "tmnet_app": ("tmnet_core.training.trainer",),
}

# A folder or file, and what it must not load before it has to.
FORBIDDEN_AT_TOP = {
    "tmnet_core/attention/agreement.py": ("torch",),
    "tmnet_core/attention/classes.py": ("torch",),
    "tmnet_core/attention/colours.py": ("torch",),
    "tmnet_core/attention/motion.py": ("torch",),
    "tmnet_core/cli": ("torch", "torchvision", "cv2", "matplotlib"),
    "tmnet_core/training": ("matplotlib", "tmnet_core.figures"),
    "tmnet_core/checkpoint.py": ("torch", "safetensors.torch"),
    "tmnet_core/config.py": ("torch",),
    "tmnet_core/data/decoding.py": ("torch",),
    "tmnet_core/data/preprocessing.py": ("torch",),
    "tmnet_core/models/catalogue.py": ("torch",),
    "tmnet_core/live/frames.py": ("torch",),
    "tmnet_core/live/glancer.py": ("torch",),
    "tmnet_core/live/playback.py": ("torch",),
    "tmnet_core/live/player.py": ("torch",),
    "tmnet_core/live/slot.py": ("torch",),
    "tmnet_core/live/sources": ("torch",),
    "tmnet_app": ("torch", "torchvision", "matplotlib"),
}


def sources(relative: str) -> list[Path]:
    path = ROOT / relative
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imported_names(node: ast.AST) -> Iterator[str]:
    """Yield the modules that one import statement may load: `from a import b` may load a.b."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: imports are absolute"
        assert node.module is not None
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_exempt(node: ast.AST) -> bool:
    """Whether these lines are for type checkers, or for Windows, where torch's DLLs must be loaded before Qt's."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "sys.platform == 'win32'"}


def executed(module: ast.Module, *, in_functions: bool) -> Iterator[ast.AST]:
    """Yield what runs when the module is imported, and on request what its functions run later."""
    waiting: list[ast.AST] = list(module.body)
    while waiting:
        node = waiting.pop()
        if is_exempt(node):
            continue
        yield node
        if in_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def violations(nodes: Iterator[ast.AST], forbidden: tuple[str, ...]) -> list[str]:
    names = [name for node in nodes for name in imported_names(node)]
    return [name for name in names if any(f"{name}.".startswith(f"{module}.") for module in forbidden)]


@pytest.mark.parametrize("relative", FORBIDDEN)
def test_imports_go_one_way(relative):
    paths = sources(relative)
    assert paths
    wrong = {
        str(path.relative_to(ROOT)): names
        for path in paths
        if (names := violations(ast.walk(parse(path)), FORBIDDEN[relative]))
    }
    assert wrong == {}


@pytest.mark.parametrize("relative", FORBIDDEN_AT_TOP)
def test_what_is_slow_to_load_waits(relative):
    wrong = {
        str(path.relative_to(ROOT)): names
        for path in sources(relative)
        if (names := violations(executed(parse(path), in_functions=False), FORBIDDEN_AT_TOP[relative]))
    }
    assert wrong == {}


def test_opencv_is_imported_in_one_place():
    # It changes the environment of Qt and of child processes, which tmnet_core.opencv undoes.
    importers = [
        path.relative_to(ROOT).as_posix()
        for package in ("tmnet_core", "tmnet_app")
        for path in sources(package)
        if violations(executed(parse(path), in_functions=True), ("cv2",))
    ]
    assert importers == ["tmnet_core/opencv.py"]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import tmnet_app.views", ["tmnet_app.views"]),
        ("from tmnet_app import views", ["tmnet_app.views"]),
        ("def f():\n    from tmnet_app.views import pane", ["tmnet_app.views.pane"]),
        ("import tmnet_app_other, tmnet_core", []),
    ],
)
def test_the_check_finds_what_it_looks_for(code, found):
    assert violations(ast.walk(ast.parse(code)), ("tmnet_app",)) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("try:\n    import torch\nexcept ImportError:\n    pass", ["torch"]),
        ("class A:\n    import torch.nn", ["torch.nn"]),
        ("def f():\n    import torch", []),
        ("if TYPE_CHECKING:\n    import torch", []),
        ("if sys.platform == 'win32':\n    import torch", []),
        ("if sys.platform == 'linux':\n    import torch", ["torch"]),
    ],
)
def test_the_check_knows_what_runs_on_import(code, found):
    assert violations(executed(ast.parse(code), in_functions=False), ("torch",)) == found


def test_importing_the_core_loads_neither_torch_nor_opencv_nor_qt():
    program = "import sys, tmnet_core; print({'torch', 'torchvision', 'cv2', 'PySide6'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "set()", done.stderr


def test_every_module_of_the_core_imports_without_qt():
    program = f"""
import importlib, importlib.abc, pkgutil, sys

class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {(*QT, "tmnet_app")!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
import tmnet_core
names = [module.name for module in pkgutil.walk_packages(tmnet_core.__path__, "tmnet_core.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Every file is reached only where each folder is a package.
    files = [path for path in sources("tmnet_core") if path.name != "__init__.py"]
    packages = {path.parent for path in files} - {ROOT / "tmnet_core"}
    assert int(done.stdout) >= len(files) + len(packages)


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for package in ("tmnet_core", "tmnet_app") for path in sources(package)}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []
