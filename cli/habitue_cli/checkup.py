"""What `habitue doctor` looks at, each as a finding with a sentence."""

from __future__ import annotations

import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import orjson
import redis

from habitue_collector.private_redis import PrivateRedisError, find_server, server_version
from habitue_collector.settings import Settings, doubts

from .connection import redis_url
from .errors import cause

LITTLE_DISK = 1 << 30  # bytes
SLOT = "home-hero"
COUNTED_DAYS = 7
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """`good` is None for what is worth knowing and not wrong.

    `mend` says what to do, `check` in one word what was looked at.
    """

    good: bool | None
    sentence: str
    mend: str = ""
    check: str = ""


def house(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything that can be seen without a running server."""
    refusals = settings.refusals()
    for refusal in refusals:
        yield Finding(False, refusal)
    if not refusals:
        yield Finding(True, "the settings allow a start")
    for doubt in doubts(environ):
        yield Finding(False, doubt)
    if not settings.keys:
        yield Finding(None, "there are no keys yet; `habitue keys create` makes one")
    for key in settings.keys:
        if not key.secret and not key.consent_assumed:
            yield Finding(
                None,
                f"the browser key {key.name or key.key!r} counts events without an id until consent is said",
            )
    yield from _folder(settings)
    yield from _redis(settings, environ)


def counted(settings: Settings, today: date) -> Iterator[Finding]:
    """Warns of keys most of whose events were only counted: nobody is known, nothing is learnt.

    Of the archive's last days up to `today` (UTC).
    """
    archive = settings.data.folder / "archive"
    if not archive.is_dir():
        return
    try:
        from habitue_warehouse.sql import query
    except ModuleNotFoundError:  # the light collector has no archive
        return
    _, rows = query(
        archive,
        "SELECT source, count(*), count(*) FILTER (kept = 'counted') FROM events "
        f"WHERE NOT bot AND date >= DATE '{today - timedelta(days=COUNTED_DAYS)}' GROUP BY source",
    )
    for source, events, only_counted in rows:
        if only_counted * 2 > events:
            yield Finding(
                None,
                f"{only_counted:,} of {events:,} events of the key {source!r} in the last {COUNTED_DAYS} days"
                " were only counted: nobody had said that consent was given",
                'connect the consent tool (docs/install/consent.md), or give the key consent = "assumed" if'
                " the shop has asked before it shows the tag",
                "consent",
            )


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data.folder.resolve()
    at = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(at, os.W_OK):
        yield Finding(False, f"{folder} cannot be written by this user")
        return
    free = shutil.disk_usage(at).free
    sentence = f"{folder} can be written, {free / (1 << 30):,.0f} GB are free"
    yield Finding(free > LITTLE_DISK, sentence)


def _redis(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    if settings.redis.url is None:
        try:
            binary = find_server(environ)
            yield Finding(True, f"a private Redis can be started: {server_version(binary)} at {binary}")
        except PrivateRedisError as error:
            yield Finding(False, str(error))
        return
    client = redis.Redis.from_url(redis_url(settings), socket_timeout=5)
    try:
        info = client.info()
    except redis.RedisError as error:
        yield Finding(False, f"Redis does not answer: {error}")
        return
    finally:
        client.close()
    yield Finding(True, f"Redis {info.get('redis_version')} answers")
    if not info.get("aof_enabled"):
        yield Finding(
            False, "its append-only file is off: what is acknowledged would be lost with the process"
        )
    if info.get("maxmemory") and info.get("maxmemory_policy") != "noeviction":
        yield Finding(False, f"its policy {info.get('maxmemory_policy')} forgets profiles: set noeviction")


def path(url: str, settings: Settings) -> Iterator[Finding]:
    """From beacon to offer through a running server."""
    status, answer = _call("GET", f"{url}/readyz")
    if status is None:
        yield Finding(False, f"nobody answers at {url}: {answer}")
        return
    yield Finding(
        status == 200, f"{url} is ready" if status == 200 else f"{url} is not ready: {_said(answer)}"
    )
    base = settings.server.base_path
    status, _ = _call("GET", f"{url}{base}/s.js")
    yield Finding(
        status == 200, f"the tag is served at {base}/s.js" if status == 200 else f"no tag: {status}"
    )
    if not settings.secret_keys:
        yield Finding(None, "there is no server key, so no event can be followed through")
        return
    headers = {"authorization": f"Bearer {settings.secret_keys[-1]}", "content-type": "application/json"}
    visitor = f"doctor-{uuid4()}"
    yield from _follow(url, headers, visitor)


def _follow(url: str, headers: dict[str, str], visitor: str) -> Iterator[Finding]:
    event = {
        "type": "page",
        "anonymousId": visitor,
        "messageId": str(uuid4()),
        "properties": {"path": "/doctor"},
    }
    status, answer = _call("POST", f"{url}/v1/batch", headers, {"batch": [event]})
    results = answer.get("results") if isinstance(answer, dict) else None
    taken = status == 200 and isinstance(results, list) and "accepted" in str(results[:1])
    yield Finding(taken, "an event is acknowledged" if taken else f"an event is not taken: {_said(answer)}")
    if not taken:
        return
    status, answer = _call("GET", f"{url}/v1/profiles/{visitor}", headers)
    found = status == 200 and isinstance(answer, dict) and bool(answer.get("session"))
    yield Finding(
        found, "it counts in the profile" if found else f"the profile does not know it: {_said(answer)}"
    )
    question = {"anonymous_id": visitor, "slots": [SLOT]}
    status, answer = _call("POST", f"{url}/v1/recommend", headers, question)
    if status == 404:
        yield Finding(None, "the recommender is not installed here: no offers")
    else:
        slots = answer.get("slots") if isinstance(answer, dict) else None
        offers = slots.get(SLOT, {}).get("offers") if isinstance(slots, dict) else None
        if offers:
            yield Finding(True, f"{len(offers)} offers are answered for the slot {SLOT}")
        elif status == 200:
            yield Finding(None, f"no offers for the slot {SLOT}: `habitue import items` fills the catalog")
        else:
            yield Finding(False, f"no offers for the slot {SLOT}: {_said(answer)}")
    status, answer = _call("DELETE", f"{url}/v1/profiles/{visitor}", headers)
    erased = status is not None and status < 300
    yield Finding(erased, "and it is erased again" if erased else f"it could not be erased: {_said(answer)}")


def _call(
    method: str, url: str, headers: dict[str, str] | None = None, body: Any = None
) -> tuple[int | None, Any]:
    """Status and JSON (or text); status None with the reason when nobody answered."""
    data = None if body is None else orjson.dumps(body)
    request = urllib.request.Request(url, data, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return response.status, _read(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _read(error.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        return None, cause(error)


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:200].decode("utf-8", "replace")


def _said(answer: Any) -> str:
    if isinstance(answer, dict):
        return str(answer.get("message") or answer.get("results") or answer)
    return str(answer)
