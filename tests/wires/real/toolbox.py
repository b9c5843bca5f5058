"""Installs the published clients into the build folder, once per lock file, and bundles them for pages."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
CLIENTS = HERE / "clients"
BUILD = HERE.parents[2] / "build" / "real-clients"
OLDER = BUILD / "older"
PYTHON = BUILD / "venv" / "bin" / "python"


def _run(*command: str | Path, cwd: Path, **environ: str) -> None:
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, f"{' '.join(map(str, command))}\n{ended.stdout}\n{ended.stderr}"


def _once(name: str, *locks: Path) -> Path | None:
    """The stamp to write after an installation; None when these lock files are installed already."""
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    stamp = BUILD / f".{name}-{wanted[:16]}"
    return None if stamp.exists() else stamp


def install() -> None:
    """npm's and PyPI's clients, from their lock files. The first time takes about a minute."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (stamp := _once("npm", HERE / "package-lock.json")) is not None:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(HERE / name, BUILD / name)
            # Not `ci`: it misses the lock's entries of optional packages for other platforms.
            _run("npm", "install", "--loglevel=error", cwd=BUILD)
            stamp.touch()
        if (stamp := _once("python", HERE / "requirements.txt")) is not None:
            _run(sys.executable, "-m", "venv", "--clear", BUILD / "venv", cwd=BUILD)
            _run(PYTHON, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt", cwd=BUILD)
            stamp.touch()
        # Node looks for packages from where a script stands, so the scripts go where the packages are.
        shutil.copytree(CLIENTS, BUILD / "clients", dirs_exist_ok=True)


def install_older() -> None:
    """Older versions of the same clients, in a folder inside, and a folder for each of Python's."""
    OLDER.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (stamp := _once("older-npm", HERE / "older" / "package-lock.json")) is not None:
            for name in ("older/package.json", "older/package-lock.json", ".npmrc"):
                shutil.copy(HERE / name, OLDER / Path(name).name)
            _run("npm", "install", "--loglevel=error", cwd=OLDER)
            stamp.touch()
        wanted = HERE / "older" / "python.txt"
        if (stamp := _once("older-python", wanted)) is not None:
            for requirement in wanted.read_text().splitlines():
                folder = OLDER / "python" / requirement
                _run(
                    *(PYTHON, "-m", "pip", "install", "--quiet", "--upgrade", "--target", folder),
                    *(requirement, "python-dateutil<2.9.1"),
                    cwd=BUILD,
                )
            stamp.touch()
        shutil.copytree(CLIENTS, OLDER / "clients", dirs_exist_ok=True)


def bundle(name: str, older: Mapping[str, str] | None = None) -> bytes:
    """A page's client with all it needs, as one script; `older`: another package (or file) for a package."""
    return _bundled(BUILD / "clients" / "browser" / f"{name}.js", older or {})


def bundle_text(text: str) -> bytes:
    """The same for a script that is in no file yet."""
    path = BUILD / "clients" / "browser" / f"example-{hashlib.sha256(text.encode()).hexdigest()[:12]}.js"
    path.write_text(text)
    try:
        return _bundled(path, {})
    finally:
        path.unlink()


def _bundled(script: Path, older: Mapping[str, str]) -> bytes:
    out = BUILD / "bundles" / script.name
    aliases = [f"--alias:{package}={OLDER / 'node_modules' / other}" for package, other in older.items()]
    _run(
        *(BUILD / "node_modules" / ".bin" / "esbuild", script, *aliases),
        *("--bundle", "--format=iife", "--platform=browser", "--target=es2020", f"--outfile={out}"),
        *("--log-level=error", '--define:process.env.NODE_ENV="production"', "--define:global=globalThis"),
        cwd=BUILD,
    )
    return out.read_bytes()
