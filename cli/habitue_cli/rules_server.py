"""Where `habitue rules` finds the documents: this installation's own Redis, or another one's API."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from redis.asyncio import Redis

from habitue_collector.secret_keys import signing_keys
from habitue_collector.settings import Settings
from habitue_recommender.rulebook.bundle import STAMPS, BundleMistakes
from habitue_recommender.rulebook.documents import KINDS
from habitue_recommender.rulebook.service import RulebookService
from habitue_recommender.rulebook.store import Conflict, RulebookStore, TooLarge

from .connection import connected, redis_url
from .errors import CommandError, cause
from .rooms import recommender_settings

TIMEOUT_SECONDS = 30.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """A document as the server has it."""

    body: Mapping[str, Any]
    version: int
    author: str
    at: str


class Refusal(Exception):
    """The server's documents stay as they are: mistakes by document ({"document", "field", "message", …})."""

    def __init__(self, mistakes: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(str(one.get("message")) for one in mistakes))
        self.mistakes = mistakes


class Overtaken(Exception):
    """Somebody changed a document since it was pulled."""

    def __init__(self, place: str, author: str | None, at: str | None, deleted: bool = False) -> None:
        super().__init__(place)
        self.place = place
        self.author = author
        self.at = at
        self.deleted = deleted


class Server(Protocol):
    """What both can do."""

    def documents(self) -> dict[str, Held]:
        """Every document by its place ("rules/sale")."""

    def push(
        self,
        bundle: Mapping[str, list[Mapping[str, Any]]],
        *,
        expected: Mapping[str, int] | None,
        prune: bool,
        dry_run: bool,
        author: str,
        note: str,
    ) -> dict[str, Any]:
        """All or nothing; answers {"added", "changed", "deleted", "unchanged"}. Raises Refusal, Overtaken."""


class OwnRedis:
    """The documents of this installation, with or without a server running."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def documents(self) -> dict[str, Held]:
        async def read(service: RulebookService) -> dict[str, Held]:
            loaded = await service.load()
            return {
                f"{KINDS[kind]}/{one.id}": Held(one.body, one.version, one.author, str(one.to_public()["at"]))
                for kind, records in loaded.records.items()
                for one in records.values()
            }

        return self._run(read)

    def push(
        self,
        bundle: Mapping[str, list[Mapping[str, Any]]],
        *,
        expected: Mapping[str, int] | None,
        prune: bool,
        dry_run: bool,
        author: str,
        note: str,
    ) -> dict[str, Any]:
        async def write(service: RulebookService) -> dict[str, Any]:
            imported = await service.import_all(
                bundle,
                author=author,
                note=note,
                expected=expected,
                delete_missing=prune,
                dry_run=dry_run,
            )
            return imported.to_public()

        try:
            return self._run(write)
        except BundleMistakes as mistakes:
            raise Refusal(mistakes.to_public()) from None
        except Conflict as conflict:
            current = conflict.current.to_public() if conflict.current is not None else None
            raise _overtaken(f"{KINDS[conflict.kind]}/{conflict.id}", current) from None
        except TooLarge as large:
            raise CommandError(str(large)) from None

    def _run(self, work: Callable[[RulebookService], Awaitable[T]]) -> T:
        settings = self._settings
        parsed = recommender_settings(settings, signing_keys(settings.data.folder))

        async def run() -> T:
            async with Redis.from_url(redis_url(settings)) as redis:
                return await work(RulebookService(RulebookStore(redis), parsed))

        with connected(settings):
            return asyncio.run(run())


class OverHttp:
    """The documents of an installation somewhere else, by its secret key."""

    def __init__(self, url: str, key: str) -> None:
        address = urllib.parse.urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise CommandError(f"{url!r} is not an address like https://habitue.shop.example")
        if not key:
            raise CommandError("the server's secret key is missing: --key, or HABITUE_SECRET_KEY")
        self._url = url.rstrip("/")
        self._key = key

    def documents(self) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for plural in KINDS.values():
            for one in self._call("GET", f"/v1/{plural}").get(plural, ()):
                if one.get("version"):  # a slot that is only configured has none
                    body = {name: value for name, value in one.items() if name not in STAMPS}
                    held = Held(body, one["version"], str(one.get("author")), str(one.get("at")))
                    found[f"{plural}/{one['id']}"] = held
        return found

    def push(
        self,
        bundle: Mapping[str, list[Mapping[str, Any]]],
        *,
        expected: Mapping[str, int] | None,
        prune: bool,
        dry_run: bool,
        author: str,
        note: str,
    ) -> dict[str, Any]:
        query = urllib.parse.urlencode({"author": author, "note": note})
        body: dict[str, Any] = {**bundle, "delete_missing": prune, "dry_run": dry_run}
        if expected is not None:
            body["expected"] = dict(expected)
        return self._call("POST", f"/v1/rules/import?{query}", body)

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._url}{path}",
            None if body is None else json.dumps(body).encode(),
            {"authorization": f"Bearer {self._key}", "content-type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                answer = json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except (OSError, ValueError) as error:
            raise CommandError(f"{self._url} does not answer as a Habitue server: {cause(error)}") from None
        if not isinstance(answer, dict):
            raise CommandError(f"{self._url} does not answer as a Habitue server")
        return answer

    def _refused(self, error: urllib.error.HTTPError) -> Exception:
        try:
            said = json.loads(error.read())
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return CommandError(f"{self._url} answered {error.code}, not as a Habitue server does")
        if error.code == 422 and isinstance(said.get("mistakes"), list):
            return Refusal([one for one in said["mistakes"] if isinstance(one, dict)])
        if error.code == 409 and "document" in said:
            return _overtaken(str(said["document"]), said.get("current"))
        if error.code == 401:
            return CommandError(
                f"{self._url} does not know this key: --key, or HABITUE_SECRET_KEY, is to be one of the"
                " server keys that `habitue keys list` shows there"
            )
        if error.code == 403:
            return CommandError(
                f"{self._url} takes no browser key for this: --key, or HABITUE_SECRET_KEY, is to be one of"
                " its server keys"
            )
        return CommandError(f"{self._url} refused: {said.get('message', error.code)}")


def _overtaken(place: str, current: Mapping[str, Any] | None) -> Overtaken:
    if current is None:
        return Overtaken(place, None, None, deleted=True)
    return Overtaken(place, str(current.get("author")), str(current.get("at")), bool(current.get("deleted")))
