"""The wheel holds what runs, the sdist what builds, the lock every version."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("habitue_collector", "habitue_warehouse", "habitue_recommender", "habitue_console", "habitue_cli")


def _build(kind: str, source: Path, target: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        f"--{kind}",
        "--outdir",
        str(target),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = target.iterdir()
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    with zipfile.ZipFile(_build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    with tarfile.open(_build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))) as archive:
        return [name.split("/", 1)[1] for name in archive.getnames() if "/" in name]


def test_the_wheel_has_the_rooms_and_nothing_else(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel if ".dist-info" not in name}
    assert tops == set(PACKAGES)
    assert not [name for name in wheel if "__pycache__" in name or name.endswith(".pyc")]


def test_every_room_is_typed(wheel: list[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel)


@pytest.mark.parametrize("folder", ["collector/habitue_collector/static", "console/habitue_console"])
def test_what_is_served_is_in_the_wheel(wheel: list[str], folder: str) -> None:
    room = (ROOT / folder).parents[0] if folder.startswith("console") else (ROOT / folder).parents[1]
    files = [
        path for path in (ROOT / folder).rglob("*") if path.suffix in {".js", ".css", ".html", ".svg", ".mo"}
    ]
    assert files
    assert {str(path.relative_to(room)) for path in files} <= set(wheel)


def test_the_sdist_has_sources_and_tests_and_no_rubbish(sdist: list[str]) -> None:
    for wanted in ("pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/house/test_packaging.py"):
        assert wanted in sdist
    rubbish = ("node_modules", "__pycache__", ".venv", ".habitue", ".git/")
    assert not [name for name in sdist if any(part in name for part in rubbish)]


def test_the_sdk_is_a_distribution_of_its_own(tmp_path: Path) -> None:
    with zipfile.ZipFile(_build("wheel", ROOT / "python-sdk", tmp_path)) as archive:
        names = archive.namelist()
    assert "habitue/py.typed" in names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"habitue"}


def test_the_lock_names_versions_and_no_hosts() -> None:
    lines = [
        line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")
    ]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines)


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    locked = {_name(line) for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line}
    assert {_name(one) for one in wanted} - {"habitue-server"} <= locked


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()
