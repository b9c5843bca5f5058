"""The artifact: trained models as a folder of arrays, named by the digest of its data and settings.

    <data>/models/<digest>/manifest.json      what it is, how big each file is and its checksum
                           vocabulary/*.npy   item ids
                           <model>/*.npy      arrays, memory-mapped and shared by all workers
    <data>/models/live                        the digest that answers, replaced atomically
    <data>/models/history                     what was live before, newest last
    <data>/models/pinned                      while it is there, no training by itself changes what is live

A folder appears complete or not at all. While it is made it is called `.draft-<digest>`, and what is
finished in there survives a crash.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from habitue_recommender.models import MODELS, Model
from habitue_recommender.models.base import CorruptModel
from habitue_recommender.vocabulary import Vocabulary

FORMAT = "habitue-model"
VERSION = 1  # of the files' meaning: another number is another contract

_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_PUBLISHING_SECONDS = 10.0  # a publication waits so long for another one; each takes a moment
_CHECKED_BY_DEFAULT = 512_000_000  # bytes; reading more than that would slow down a start


class ArtifactError(ValueError):
    """An artifact is missing, damaged or not ours; the text says which and what to do."""


@dataclass(frozen=True)
class LoadedModel:
    """An artifact in memory: what the decisions ask."""

    digest: str
    manifest: Mapping[str, Any]
    vocabulary: Vocabulary
    models: Mapping[str, Model]  # by name, in the order they were trained
    late: tuple[str, ...] = ()  # what else it holds, for `bring`
    folder: Path = Path()

    def bring(self, name: str) -> Model:
        """One of the `late` ones, warm. Takes seconds where its kernels were never compiled."""
        model = MODELS[name].load(self.folder / name)
        model.warm()
        return model

    @property
    def created_at(self) -> int:
        """When it was trained, ms."""
        return int(self.manifest["created_at"])


@dataclass(frozen=True)
class ListedArtifact:
    digest: str
    created_at: int  # ms
    live: bool
    manifest: Mapping[str, Any]


class Draft:
    """An artifact in the making; what was added before a crash is still there afterwards."""

    def __init__(self, models_dir: Path, digest: str) -> None:
        self.digest = digest
        self._models_dir = models_dir
        self._folder = models_dir / f".draft-{digest}"
        self._folder.mkdir(parents=True, exist_ok=True)

    def finished(self, name: str) -> Model | None:
        """A model that an earlier, interrupted run has added."""
        if not (self._folder / name).is_dir():
            return None
        try:
            return MODELS[name].load(self._folder / name)
        except CorruptModel:
            shutil.rmtree(self._folder / name)
            return None

    def add(self, model: Model) -> None:
        partial = self._folder / f"{model.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        model.save(partial)
        _sync(partial)
        partial.rename(self._folder / model.name)

    def publishable(self, vocabulary: Vocabulary, manifest: Mapping[str, Any]) -> Path:
        """Complete it: write vocabulary and manifest, make all of it durable, give it its name."""
        (self._folder / "vocabulary").mkdir(exist_ok=True)
        vocabulary.save(self._folder / "vocabulary")
        for partial in self._folder.glob("*.partial"):
            shutil.rmtree(partial)
        files = {name: [len_, check] for name, len_, check in _contents(self._folder)}
        whole = {"format": FORMAT, "version": VERSION, "digest": self.digest, **manifest, "files": files}
        (self._folder / "manifest.json").write_text(json.dumps(whole, indent=1, sort_keys=True))
        _sync(self._folder)
        target = self._models_dir / self.digest
        if target.exists():  # a damaged one; a whole one would not have been made again
            shutil.rmtree(target)
        self._folder.rename(target)
        _sync_folder(self._models_dir)
        return target


@contextmanager
def exclusive(models_dir: Path) -> Iterator[None]:
    """One training at a time; raises `ArtifactError` when another one is at work."""
    with _locked(models_dir, ".lock", 0.0, "another training is running"):
        yield


@contextmanager
def _publishing(models_dir: Path) -> Iterator[None]:
    """One publication at a time. It never waits for a training: a way back must not take minutes."""
    with _locked(models_dir, ".publishing", _PUBLISHING_SECONDS, "another publication does not end"):
        yield


@contextmanager
def _locked(models_dir: Path, name: str, seconds: float, problem: str) -> Iterator[None]:
    models_dir.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with open(models_dir / name, "w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ArtifactError(f"{models_dir}: {problem}") from None
                time.sleep(0.02)
        yield


def load(
    folder: Path | str,
    verify: bool | None = None,
    without: Container[str] = (),
    late: Container[str] = (),
) -> LoadedModel:
    """Map an artifact into memory and warm it up, so that no request waits for a compiler.

    Models named in `without` stay on disk: who does not ask them need not wait for them. Those in `late` that
    learnt anything can be brought afterwards.
    Sizes are always checked, checksums when `verify`, by default for artifacts up to 512 MB.
    Raises `ArtifactError` for what is missing, damaged or of another format.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    _check(folder, manifest, verify)
    try:
        vocabulary = Vocabulary.load(folder / "vocabulary")
        names = [name for name in manifest["models"] if name not in without and name not in late]
        models = {name: MODELS[name].load(folder / name) for name in names}
    except (CorruptModel, OSError, ValueError) as error:
        raise ArtifactError(f"{folder}: damaged ({error}); train again or roll back") from error
    for name, model in models.items():
        if model.items != len(vocabulary):
            raise ArtifactError(
                f"{folder}: {name} knows {model.items} items, the vocabulary {len(vocabulary)}"
            )
        model.warm()
    waiting = [name for name in manifest["models"] if name in late and has_learnt(manifest, name)]
    return LoadedModel(manifest["digest"], manifest, vocabulary, models, tuple(waiting), folder)


def has_learnt(manifest: Mapping[str, Any], name: str) -> bool:
    """Whether trees, or the choice of one source, came out of a training: nothing else is worth the wait."""
    figures: Mapping[str, float] = manifest.get("figures", {}).get(name, {})
    return figures.get("trees", 1.0) > 0 or "lead" in figures


def load_live(models_dir: Path | str) -> LoadedModel | None:
    """The artifact that is live, or None when there is none yet."""
    digest = live(models_dir)
    return load(Path(models_dir) / digest) if digest else None


def live(models_dir: Path | str) -> str | None:
    """The digest that is live. Cheap: reads one line."""
    try:
        digest = (Path(models_dir) / "live").read_text().strip()
    except FileNotFoundError:
        return None
    if not _DIGEST.fullmatch(digest):
        raise ArtifactError(f"{models_dir}/live does not hold a digest; publish an artifact again")
    return digest


def publish(models_dir: Path | str, digest: str) -> None:
    """Make an artifact live, after all of its checksums were read. It is not pinned then."""
    models_dir = Path(models_dir)
    with _publishing(models_dir):
        _check(models_dir / digest, _manifest(models_dir / digest), verify=True)
        history = _history(models_dir)
        if not history or history[-1] != digest:
            _replace(models_dir / "history", "".join(f"{one}\n" for one in [*history, digest][-100:]))
        _replace(models_dir / "live", f"{digest}\n")
        (models_dir / "pinned").unlink(missing_ok=True)


def rollback(models_dir: Path | str) -> str:
    """Make live what was live before, and forget what is live now; returns its digest.

    It is pinned: the next training by itself would else bring back what somebody did not want.
    """
    models_dir = Path(models_dir)
    with _publishing(models_dir):
        now = live(models_dir)
        history = _history(models_dir)
        while history:
            digest = history[-1]
            if digest != now and (models_dir / digest / "manifest.json").is_file():
                _check(models_dir / digest, _manifest(models_dir / digest), verify=True)
                _replace(models_dir / "pinned", "")
                _replace(models_dir / "live", f"{digest}\n")
                _replace(models_dir / "history", "".join(f"{one}\n" for one in history))
                return digest
            history.pop()
    raise ArtifactError(f"{models_dir}: there is no earlier artifact to roll back to")


def pinned(models_dir: Path | str) -> bool:
    """Whether somebody said that what is live stays: a training by itself then only stores what it made."""
    return (Path(models_dir) / "pinned").exists()


def pin(models_dir: Path | str, wanted: bool = True) -> None:
    """Hold on to what is live, or let go of it again."""
    models_dir = Path(models_dir)
    with _publishing(models_dir):
        if wanted:
            _replace(models_dir / "pinned", "")
        else:
            (models_dir / "pinned").unlink(missing_ok=True)


def sweep(models_dir: Path | str, older_than_seconds: float = 86_400.0) -> list[str]:
    """Delete drafts that nobody went on with for a day; the caller holds `exclusive`."""
    before = time.time() - older_than_seconds
    drafts = [
        one for one in Path(models_dir).glob(".draft-*") if one.is_dir() and one.stat().st_mtime <= before
    ]
    for folder in drafts:
        shutil.rmtree(folder, ignore_errors=True)
    return [folder.name for folder in drafts]


def earlier(models_dir: Path | str) -> str | None:
    """What `rollback` would make live; None when there is nothing to go back to."""
    models_dir = Path(models_dir)
    now = live(models_dir)
    return next(
        (
            digest
            for digest in reversed(_history(models_dir))
            if digest != now and (models_dir / digest / "manifest.json").is_file()
        ),
        None,
    )


def annotate(models_dir: Path | str, digest: str, **members: Any) -> None:
    """Put members into a manifest that is there: what was found out of the artifact after it was made."""
    folder = Path(models_dir) / digest
    manifest = {**_manifest(folder), **members}
    _replace(folder / "manifest.json", json.dumps(manifest, indent=1, sort_keys=True))


def artifacts(models_dir: Path | str) -> list[ListedArtifact]:
    """All artifacts, newest first; damaged ones are left out."""
    found = []
    current = live(models_dir)
    for folder in Path(models_dir).glob("*/manifest.json"):
        try:
            manifest = _manifest(folder.parent)
        except ArtifactError:
            continue
        digest = manifest["digest"]
        found.append(ListedArtifact(digest, int(manifest["created_at"]), digest == current, manifest))
    return sorted(found, key=lambda one: (-one.created_at, one.digest))


def prune(models_dir: Path | str, keep: int) -> list[str]:
    """Delete all but the live artifact and the `keep` newest others; returns what was deleted.

    A worker that still answers from a deleted one keeps its mapped files until it lets go.
    """
    models_dir = Path(models_dir)
    with _publishing(models_dir):
        old = [one.digest for one in artifacts(models_dir) if not one.live][keep:]
        for digest in old:
            shutil.rmtree(models_dir / digest)
    return old


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except FileNotFoundError:
        raise ArtifactError(f"{folder}: there is no artifact (no manifest.json)") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{folder}: manifest.json cannot be read ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ArtifactError(f"{folder}: this is not an artifact of Habitue")
    if manifest.get("version") != VERSION:
        raise ArtifactError(
            f"{folder}: format version {manifest.get('version')}, this Habitue reads {VERSION}; train again"
        )
    if manifest.get("digest") != folder.name:
        raise ArtifactError(f"{folder}: its manifest is that of {manifest.get('digest')}")
    unknown = [name for name in manifest.get("models", ()) if name not in MODELS]
    if unknown:
        raise ArtifactError(f"{folder}: unknown model {', '.join(unknown)}; trained by a newer Habitue?")
    return manifest


def _check(folder: Path, manifest: Mapping[str, Any], verify: bool | None) -> None:
    files: Mapping[str, list[int]] = manifest["files"]
    for name, (size, _) in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise ArtifactError(f"{folder}: {name} is missing or cut short; train again or roll back")
    if verify is None:
        verify = sum(size for size, _ in files.values()) <= _CHECKED_BY_DEFAULT
    if verify:
        for name, (_, checksum) in files.items():
            if _checksum(folder / name) != checksum:
                raise ArtifactError(f"{folder}: {name} is damaged; train again or roll back")


def _contents(folder: Path) -> Iterator[tuple[str, int, int]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "manifest.json":
            yield str(path.relative_to(folder)), path.stat().st_size, _checksum(path)


def _checksum(path: Path) -> int:
    check = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            check = crc32(block, check)
    return check


def _history(models_dir: Path) -> list[str]:
    try:
        return [line for line in (models_dir / "history").read_text().split() if _DIGEST.fullmatch(line)]
    except FileNotFoundError:
        return []


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    with open(temporary, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            _sync_folder(path)
        else:
            with open(path, "rb") as file:
                os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
