"""What stands in the shop's pages: the tag, and offers that the server rendered. Text stays text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from habitue.first_party import FirstParty
from habitue.offers import Offer, Offers
from habitue.visit import Visit, user_hash

STUB = files("habitue").joinpath("static", "stub.js").read_text("utf-8").strip()
_IN_SCRIPT = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
Money = Callable[[float, str], str]


def tag_html(
    site: FirstParty,
    visit: Visit | None,
    *,
    nonce: str | None = None,
    traits: Mapping[str, Any] | None = None,
) -> str:
    """The two lines of the tag, for the `<head>`; who is logged in is identified, with the proof of it."""
    if not site.write_key:
        return "<!-- Habitue: the mount was given no write_key -->"
    by = _attribute("nonce", nonce)
    base = escape((visit.prefix if visit is not None else "") + site.mount)
    lines = [
        f"<script{by}>{STUB}</script>",
        f'<script async src="{base}/s.js" data-key="{escape(site.write_key)}"'
        f' data-consent="{site.mode}"{by}></script>',
    ]
    user_id = visit.user_id if visit is not None else None
    if visit is not None and user_id is not None:
        visit.personal = True
        proof = {"user_hash": user_hash(site.secret_key, user_id)}
        arguments = ",".join(in_script(part) for part in ("identify", user_id, dict(traits or {}), proof))
        lines.append(f"<script{by}>habitue({arguments})</script>")
    return "\n".join(lines)


def slot_html(
    site: FirstParty,
    visit: Visit | None,
    slot: str,
    offers: Offers,
    *,
    item: object = None,
    category: str | None = None,
    cards: str | None = None,
    nonce: str | None = None,
    money: Money | None = None,
) -> str:
    """A slot with its offers in it. Without any the slot is left to the tag, which asks again.

    `cards`: the shop's own HTML for the offers; an element with `data-habitue-offer` (the item_id) in it is
    counted when it is seen and followed.
    """
    about = _attribute("data-item", item) + _attribute("data-category", category)
    if not offers and not cards:
        return f"<div{_attribute('data-habitue-slot', slot)}{about}></div>"
    # Not `data-habitue-slot`: the tag would ask for it again, and put its own answer in place of this one.
    attributes = (
        _attribute("data-habitue-rendered", slot)
        + about
        + _attribute("data-habitue-decision", offers.decision_id)
    )
    inner = cards if cards is not None else row_html(offers, money)
    helpers = ""
    if visit is None or not visit.helped:  # once per page
        base = escape((visit.prefix if visit is not None else "") + site.mount)
        helpers = (
            f'<link rel="stylesheet" href="{base}/sdk/offers.css">'
            f'<script defer src="{base}/sdk/offers.js"{_attribute("nonce", nonce)}></script>'
        )
        if visit is not None:
            visit.helped = True
    return f"{helpers}<div{attributes}>{inner}</div>"


def row_html(offers: Offers, money: Money | None = None) -> str:
    """The cards that the tag would make, in a row."""
    return (
        '<div class="habitue-row" role="list">' + "".join(_card(offer, money) for offer in offers) + "</div>"
    )


def _card(offer: Offer, money: Money | None) -> str:
    url, image = address(offer.get("url")), address(offer.get("image_url"))
    amount, currency = offer.get("price"), str(offer.get("currency") or "")
    price = ""
    if isinstance(amount, (int, float)) and not isinstance(amount, bool):
        text = money(amount, currency) if money is not None else f"{amount:.2f} {currency}".strip()
        own = money is None and bool(currency)  # then the browser may write it as its language does
        data = f' data-amount="{amount}" data-currency="{escape(currency)}"' if own else ""
        price = f'<span class="habitue-price"{data}>{escape(text)}</span>'
    reasons = offer.get("reasons") or []
    reason = escape(str(reasons[0].get("text", ""))) if reasons else ""
    return (
        '<div role="listitem"><a class="habitue-card"'
        + (f' href="{escape(url)}"' if url else "")
        + _attribute("data-habitue-offer", offer.get("item_id"))
        + '><img class="habitue-image" alt="" width="320" height="320" loading="lazy" decoding="async"'
        + (f' src="{escape(image)}"' if image else "")
        + f'><span class="habitue-name">{escape(str(offer.get("name") or ""))}</span>{price}'
        + f'<span class="habitue-reason">{reason}</span></a></div>'
    )


def address(url: object) -> str:
    """A link of the web, or one on the shop's own host; "" for `javascript:` and its like."""
    if not isinstance(url, str) or not url.isprintable() or "\\" in url:
        return ""
    try:
        scheme = urlsplit(url.strip()).scheme
    except ValueError:
        return ""
    return url.strip() if scheme in ("http", "https", "") else ""


def in_script(value: object) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, default=str).translate(_IN_SCRIPT)


def _attribute(name: str, value: object) -> str:
    return "" if value is None or value == "" else f' {name}="{escape(str(value))}"'
