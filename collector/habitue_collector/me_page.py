"""`GET /h/me`: the visitor's own page, without a script: what is known, and a button for each right.

Everything that somebody sent stands in it as text. A form is taken from this very host alone.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from habitue_collector.errors import Problem
from habitue_collector.languages import accepted_language
from habitue_collector.me import PURPOSES, NameOf, VisitorDoor, keep_cookies, read, shown
from habitue_collector.me_words import N_, Words, words_of

_STYLE = """\
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
h2{margin:2rem 0 .25rem;font-size:1.1rem}p{margin:.25rem 0 .75rem}small{opacity:.75}
ul{list-style:none;padding:0}
li{display:flex;justify-content:space-between;gap:1rem;padding:.25rem 0;border-bottom:1px solid #8884}
form{display:inline}button{font:inherit;padding:.2rem .7rem;cursor:pointer;white-space:nowrap}
dl{display:grid;gap:.25rem 1rem;grid-template-columns:max-content 1fr}dd{margin:0;overflow-wrap:anywhere}
.last button{color:#b00020}
"""
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "vary": "Cookie, Accept-Language",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_WHAT_FOR = {
    "analytics": N_("Analytics: to remember this visit, and to count what happens in the shop."),
    "personalization": N_("Personalization: to choose offers by what you looked at."),
}
_STATES = {"granted": N_("granted"), "denied": N_("denied"), "pending": N_("pending")}
# An interest's dimension, and what the form calls a list of such.
_LISTS = {"category": "categories", "brand": "brands", "price_band": "price_bands"}


class VisitorPage:
    """The page and its forms, over the same door as `/h/v1/me`."""

    def __init__(self, door: VisitorDoor) -> None:
        self._door = door

    def routes(self) -> list[Route]:
        return [Route(f"{self._door.base_path}/me", self.page, methods=["GET", "POST"])]

    async def page(self, request: Request) -> Response:
        if request.method == "POST":
            return await self._done(request)
        shop = self._door.ingest.settings.shop
        _ = words_of(accepted_language(request.headers.get("accept-language", "")))
        try:
            known = shown(await self._door.profile(request))
        except Problem as error:
            if error.code != "unknown_visitor":
                raise
            nothing = _("Nothing is known of this browser.")
            return _html(shop.name, f"<p>{escape(nothing)}</p>", _)
        body = _known(known, self._door.base_path, self._door.name_of, shop.currency or "", _)
        return _html(shop.name, body, _)

    async def _done(self, request: Request) -> Response:
        said = {
            name: values[-1] for name, values in parse_qs((await read(request)).decode("latin-1")).items()
        }
        door = self._door
        response = RedirectResponse(f"{door.base_path}/me", 303, {"cache-control": "no-store"})
        match said.get("do"):
            case "erase":
                await door.erase(request)
                response.headers.append(*door.farewell(request))
            case "grant" | "deny" as act if said.get("what") in PURPOSES:
                state = "granted" if act == "grant" else "denied"
                opened = await door.agree(request, {said["what"]: state})
                keep_cookies(response, opened)
            case "forget" if "what" in said and "name" in said:
                name = said["name"].encode("latin-1").decode("utf-8", "replace")
                await door.forget(request, {said["what"]: [name]})
            case _:
                raise Problem(400, "invalid_form", "This form is none of ours.")
        return response


def _known(me: dict[str, Any], base_path: str, name_of: NameOf, currency: str, _: Words) -> str:
    consents = me["consents"]
    parts = [_head(_("What you agreed to")), "<ul>"]
    for purpose in PURPOSES:
        state = consents.get(purpose)
        said = _("granted by the shop's own question") if state is None else _(_STATES.get(state, state))
        act, word = ("grant", _("Allow")) if state == "denied" else ("deny", _("Switch off"))
        parts.append(f"<li><span>{escape(_(_WHAT_FOR[purpose]))} <small>{escape(said)}</small></span>")
        parts.append(f"{_button(act, word, purpose)}</li>")
    parts.append("</ul>")
    forget = _("Forget")  # Babel finds no string inside an f-string
    likes = [
        f"<li><span>{escape(_liked(dimension, name, currency, _))} <small>{share:.0%}</small></span>"
        f"{_button('forget', forget, lists, name)}</li>"
        for dimension, lists in _LISTS.items()
        for name, share in me["affinities"][dimension].items()
    ]
    if likes:
        parts.append(_head(_("What we think you like"), _("Offers follow it.")))
        parts.append(f"<ul>{''.join(likes)}</ul>")
    seen = [
        f"<li><span>{escape(name_of(item['item_id']))} <small>{_day(item['last'])}</small></span>"
        f"{_button('forget', forget, 'item_ids', item['item_id'])}</li>"
        for item in me["recent_items"]
    ]
    if seen:
        what_for = _("To find it again, and for offers.")
        parts.append(_head(_("What you looked at or bought lately"), what_for))
        parts.append(f"<ul>{''.join(seen)}</ul>")
    parts.append(_head(_("What else is known")))
    parts.append(_list((label, value) for label, value in _facts(me, name_of, _) if value))
    parts.append(_head(_("Yours")))
    along, erase = _("Take everything along"), _("Erase everything, for good")
    parts.append(
        f'<p><a href="{escape(base_path)}/v1/me/export" download>{escape(along)}</a></p>'
        f'<p class="last">{_button("erase", erase)}</p>'
    )
    return "".join(parts)


def _head(title: str, what_for: str = "") -> str:
    below = f"<p><small>{escape(what_for)}</small></p>" if what_for else ""
    return f"<h2>{escape(title)}</h2>{below}"


def _liked(dimension: str, name: str, currency: str, _: Words) -> str:
    """As the shop would say it: Shoes › Trail, a brand, prices of 8–16 EUR."""
    if dimension == "category":
        return name.replace("/", " › ")
    if dimension != "price_band":
        return name
    return _("Prices of %(range)s", range=f"{name.replace('-', '–')} {currency}".rstrip())


def _facts(me: dict[str, Any], name_of: NameOf, _: Words) -> list[tuple[str, str]]:
    orders = me["orders"]
    values = ", ".join(_.amount(value, currency) for currency, value in orders["by_currency"].items())
    return [
        (_("Known as"), str(me["user_id"] or "")),
        (_("First and last seen"), f"{_day(me['first_seen'])} – {_day(me['last_seen'])}"),
        (_("Visits"), str(me["visits"])),
        (_("Orders"), f"{orders['count']} ({values})" if orders["count"] else ""),
        (_("In the cart"), ", ".join(name_of(line["item_id"]) for line in me["cart"])),
        (_("Bought"), ", ".join(name_of(item["item_id"]) for item in me["bought"])),
        (_("Role"), me["persona"] if len(me["personas"]) > 1 else ""),
        *((str(name), str(value)) for name, value in me["traits"].items()),
    ]


def _list(facts: Iterable[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in facts)}</dl>"


def _button(act: str, word: str, what: str = "", name: str = "") -> str:
    fields = {"do": act, "what": what, "name": name}
    hidden = "".join(
        f'<input type="hidden" name="{field}" value="{escape(value)}">'
        for field, value in fields.items()
        if value
    )
    return f'<form method="post">{hidden}<button>{escape(word)}</button></form>'


def _day(timestamp: int | None) -> str:
    return "" if timestamp is None else time.strftime("%Y-%m-%d", time.gmtime(timestamp / 1000))


def _html(shop: str, body: str, _: Words) -> Response:
    title = escape(_("What %(shop)s knows of you", shop=shop))
    page = (
        f'<!doctype html><html lang="{_.language}"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{body}</html>"
    )
    return Response(page, headers=_HEADERS, media_type="text/html")
