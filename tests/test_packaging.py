"""What an installed TMNet consists of, and that it works away from a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import tmnet_core
from tmnet_core.assets import asset
from tmnet_core.config import shipped_recipes

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def build(hook: str, folder: Path) -> Path:
    """Build a wheel as pip does, with one of the build backend's hooks."""
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")
    program = f"import sys; from hatchling.build import {hook}; {hook}(sys.argv[1])"
    subprocess.run([sys.executable, "-c", program, folder], cwd=ROOT, check=True, capture_output=True, text=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build("build_wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_installed(installed: Path, cwd: Path, *arguments: str) -> str:
    """Run Python in another folder, with the installed packages before any others."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_carries_every_module_recipe_and_asset(installed):
    expected = {
        path.relative_to(ROOT)
        for package in ("tmnet_core", "tmnet_app")
        for suffix in ("*.py", "*.toml", "py.typed")
        for path in (ROOT / package).rglob(suffix)
    }
    expected |= {
        Path("tmnet_core") / path.relative_to(ROOT)
        for folder in ("icons", "demo")
        for path in (ROOT / "assets" / folder).rglob("*")
        if path.is_file()
    }
    assert {Path(package) / "py.typed" for package in ("tmnet_core", "tmnet_app")} <= expected
    assert {Path("tmnet_core/recipes") / f"{name}.toml" for name in ("paper", "quick")} <= expected
    assert [path for path in sorted(expected) if not (installed / path).is_file()] == []


def test_the_wheel_carries_nothing_else(installed):
    roots = {path.name for path in installed.iterdir()}
    assert roots == {"tmnet_core", "tmnet_app", f"tmnet-{tmnet_core.__version__}.dist-info"}
    assert {path.name for path in (installed / "tmnet_core" / "assets").iterdir()} <= {"icons", "demo"}


def test_an_installed_wheel_finds_its_own_recipes_and_assets(installed, tmp_path):
    icon = next(path.name for path in (ROOT / "assets" / "icons").iterdir())
    program = f"""
import tmnet_core
from tmnet_core.assets import asset
from tmnet_core.config import load_recipe, shipped_recipes
print(tmnet_core.__file__, asset("icons/{icon}").resolve(strict=True), *shipped_recipes().values(), sep="\\n")
load_recipe("quick")
"""
    found = run_installed(installed, tmp_path, "-c", program).splitlines()
    assert len(found) == 2 + len(shipped_recipes())
    assert all(Path(path).is_relative_to(installed.resolve()) for path in found)


def test_an_installed_wheel_runs_the_command_line(installed, tmp_path):
    assert run_installed(installed, tmp_path, "-m", "tmnet_core", "--version") == f"tmnet {tmnet_core.__version__}\n"
    listed = run_installed(installed, tmp_path, "-m", "tmnet_core", "recipes")
    assert [line.split()[0] for line in listed.splitlines()] == list(shipped_recipes())


def test_an_editable_install_finds_the_checkout_s_assets(tmp_path):
    with zipfile.ZipFile(build("build_editable", tmp_path)) as archive:
        archive.extractall(tmp_path / "site")
    icon = next((ROOT / "assets" / "icons").iterdir())
    program = f"""
import site
site.addsitedir({str(tmp_path / "site")!r})
from tmnet_core.assets import asset
print(asset("icons/{icon.name}").resolve(strict=True))
"""
    # Without the site packages of this interpreter, which know the checkout already.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(icon.resolve()), done.stderr


def test_an_asset_of_this_checkout_is_found():
    assert asset("icons").resolve().is_dir()


@pytest.mark.parametrize("command", ["tmnet", "tmnet-app"])
def test_a_command_starts_what_exists(command):
    assert callable(next(point for point in entry_points(name=command)).load())


def test_the_version_is_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert PROJECT["version"] == tmnet_core.__version__
    assert f"\nversion: {tmnet_core.__version__}\n" in citation
    assert f"{tmnet_core.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_direct_dependency_has_a_tested_version_that_it_allows():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            assert version, f"{line!r} does not name one version"
            tested[canonicalize_name(name)] = version
    direct = [
        *PROJECT["dependencies"],
        *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
    ]
    for requirement in map(Requirement, direct):
        name = canonicalize_name(requirement.name)
        assert name in tested, f"constraints.txt has no version of {requirement.name}"
        assert requirement.specifier.contains(tested[name]), f"{requirement} excludes {tested[name]}"


def test_qt_comes_only_with_the_app():
    core = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert core.isdisjoint({"pyside6", "pyqtgraph"})
