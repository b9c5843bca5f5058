"""The secrets in `<data>/keys/`: made at the first start, for the owner's eyes alone (mode 600).

`signing.keys` has one key a line, newest last: the newest signs, all of them verify.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .settings import KEYS_FILE, WriteKey, created_keys

SIGNING_FILE = "keys/signing.keys"
SALT_FILE = "keys/assignment.salt"
KEPT_KEYS = 3  # the newest signs; a cookie signed by one that left is a new visitor


def signing_keys(data: Path) -> tuple[str, ...]:
    """The keys that sign cookies and tokens, newest last; the first call makes one.

    Any number of processes may call it at once: they get the same key.
    """
    path = data / SIGNING_FILE
    if not path.exists():
        _write_once(path, f"{secrets.token_hex(32)}\n")
    return tuple(line.strip() for line in path.read_text("ascii").splitlines() if line.strip())


def rotate_signing_keys(data: Path) -> tuple[str, ...]:
    """Add a new key that signs from the next start on; the oldest beyond KEPT_KEYS goes."""
    keys = (*signing_keys(data), secrets.token_hex(32))[-KEPT_KEYS:]
    _replace(data / SIGNING_FILE, "".join(f"{key}\n" for key in keys))
    return keys


def assignment_salt(data: Path) -> bytes:
    """The salt that draws holdout and variants; another one would draw every visitor anew."""
    path = data / SALT_FILE
    if not path.exists():
        _write_once(path, f"{secrets.token_hex(16)}\n")
    return path.read_bytes().strip()


def create_write_key(data: Path, key: WriteKey) -> None:
    """Append a write key to the file that `Settings.load` reads beside habitue.toml.

    Running processes see it within a second (`KeyWatch`).
    """
    with _locked(data):
        path = data / KEYS_FILE
        before = path.read_text("utf-8") if path.exists() else "# Written by `habitue keys create`.\n"
        _replace(path, before + _row(key))


def replace_write_keys(data: Path, change: Callable[[WriteKey], WriteKey | None]) -> int:
    """Write the created keys anew, each as `change` gives it back, without those it gives None for.

    Returns how many are other ones than before. Comments in the file are not kept.
    """
    with _locked(data):
        before = created_keys(data)
        after = [changed for key in before if (changed := change(key)) is not None]
        different = len(before) - sum(key in after for key in before)
        if different:
            text = "".join(map(_row, after))
            _replace(data / KEYS_FILE, f"# Written by `habitue keys` and the console.\n{text}")
    return different


def _row(key: WriteKey) -> str:
    rows: dict[str, str | tuple[str, ...] | None] = {
        "key": key.key,
        "kind": key.kind,
        "name": key.name,
        "origins": key.origins,
        "aliases": key.aliases,
        "consent": key.consent,
    }
    lines = [f"{name} = {_toml(value)}" for name, value in rows.items() if value]
    return "\n[[keys]]\n" + "\n".join(lines) + "\n"


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    """One writer at a time: the console and a command may both be at it."""
    folder = data / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def new_key(kind: str) -> str:
    """A key nobody has: 128 bits for a public one, 256 for a secret one."""
    return f"hb_{secrets.token_urlsafe(16)}" if kind == "browser" else f"hs_{secrets.token_urlsafe(32)}"


def _toml(value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"' + "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in escaped) + '"'
    )


def _temporary(path: Path, text: str) -> str:
    """A complete file beside the wanted one; mkstemp gives it mode 600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return name


def _write_once(path: Path, text: str) -> None:
    name = _temporary(path, text)
    try:
        os.link(name, path)  # atomic, and fails when another process was first
    except FileExistsError:
        pass
    finally:
        os.unlink(name)


def _replace(path: Path, text: str) -> None:
    os.replace(_temporary(path, text), path)
