"""The collector that a page's tag speaks to: does it answer, know the key and the page, have the slots?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from .checkup import Finding
from .page_fetch import NotFetched, fetch
from .page_source import PageSource

CLOCK_SECONDS = 60


class Server:
    """The collector that the page's tag speaks to."""

    def __init__(self, base: str, page: str, key: str, allow_private: bool) -> None:
        parts = urlsplit(page)
        self._base = base
        self._key = key
        self._private = allow_private
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._answers = False

    def look(self, token: str) -> tuple[list[Finding], bool]:
        """Whether it answers, knows the key and the page; and whether the debug link will work."""
        try:
            status, said = self._debug(token)
        except NotFetched as error:
            return [
                Finding(False, str(error), "start it, or correct the address of the tag", "server")
            ], False
        findings = []
        code = str(said.get("code", ""))
        if status == 200:
            self._answers = True
            findings.append(Finding(True, f"{self._base} answers, and knows key and page", check="server"))
            findings += _clock(said.get("now"))
        elif code in ("invalid_token", "expired_token"):
            self._answers = True
            findings.append(
                Finding(
                    None,
                    f"{self._base} answers; it signs with other keys than this data directory,"
                    " so no debug link can be made here",
                    "run the doctor on the server's machine, with its --data",
                    "server",
                )
            )
        else:
            mend = {
                "invalid_write_key": "correct data-key, or create the key on that server",
                "origin_not_allowed": f'add "{self._origin}" to the key\'s origins',
                "missing_write_key": "add data-key to the script element",
            }.get(code, "is that the collector?")
            findings.append(
                Finding(False, f"{self._base} refuses: {said.get('message') or status}", mend, "server")
            )
        return [*findings, *self._readiness()], status == 200

    def _debug(self, token: str) -> tuple[int, dict[str, Any]]:
        answer = fetch(
            f"{self._base}/v1/debug",
            allow_private=self._private,
            method="POST",
            body=orjson.dumps({"writeKey": self._key, "token": token}),
            headers={"Content-Type": "text/plain", "Origin": self._origin},
        )
        return answer.status, _object(answer.text)

    def _readiness(self) -> list[Finding]:
        parts = urlsplit(self._base)
        try:
            answer = fetch(f"{parts.scheme}://{parts.netloc}/readyz", allow_private=self._private)
        except NotFetched:
            return []
        said = _object(answer.text)
        if answer.status == 200 and said.get("status") == "ready":
            return [Finding(True, "it is ready: events are acknowledged, offers answered", check="server")]
        if answer.status == 503 and said.get("code") == "not_ready":
            return [Finding(False, f"it is not ready: {said.get('message')}", "look at its log", "server")]
        return []  # behind a path of the shop's own host, /readyz is the shop's

    def slots(self, source: PageSource) -> Iterator[Finding]:
        """Each slot of the page, and whether the server has it."""
        names = list(dict.fromkeys(one["data-habitue-slot"] for one in source.slots))
        if not names:
            yield Finding(None, "no slot stands in the source: no offers are shown", check="slots")
        for name in names[:20]:
            if not self._answers or not self._key:
                yield Finding(None, f"the slot {name} is in the page", check="slots")
                continue
            yield self._slot(name)

    def _slot(self, name: str) -> Finding:
        url = f"{self._base}/v1/slots/{quote(name, safe='')}?key={quote(self._key, safe='')}"
        try:
            answer = fetch(
                url,
                allow_private=self._private,
                headers={"Origin": self._origin, "Sec-GPC": "1"},  # nobody comes into being by this
            )
        except NotFetched as error:
            return Finding(False, f"the slot {name}: {error}", check="slots")
        said = _object(answer.text)
        if answer.status == 404:
            return Finding(
                None, f"the slot {name} is in the page; this server has no recommender", "", "slots"
            )
        if said.get("reason") == "unknown_slot":
            return Finding(
                False,
                f"the slot {name} is in the page, and the server has none of that name",
                f"add [slots.{name}] to habitue.toml (docs/slots.md), or correct data-habitue-slot",
                "slots",
            )
        offers = said.get("offers")
        if answer.status != 200 or not isinstance(offers, list):
            return Finding(
                False, f"the slot {name}: the server answers {answer.status}", "look at its log", "slots"
            )
        if not offers:
            return Finding(
                None,
                f"the slot {name} has nothing to show",
                "`habitue import items` fills the catalog",
                "slots",
            )
        return Finding(True, f"the slot {name} is answered with {_offers(len(offers))}", check="slots")


def slots_without_server(source: PageSource) -> Iterator[Finding]:
    names = ", ".join(dict.fromkeys(one["data-habitue-slot"] for one in source.slots))
    if names:
        yield Finding(None, f"slots in the page: {names}", check="slots")


def _clock(now: object) -> Iterator[Finding]:
    if not isinstance(now, int):
        return
    apart = abs(now / 1000 - time.time())
    if apart > CLOCK_SECONDS:
        yield Finding(
            False,
            f"the server's clock and this one are {apart:.0f} s apart",
            "let both follow a time server: signatures and sessions depend on it",
            "clock",
        )


def _object(text: str) -> dict[str, Any]:
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}


def _offers(number: int) -> str:
    return "1 offer" if number == 1 else f"{number} offers"
