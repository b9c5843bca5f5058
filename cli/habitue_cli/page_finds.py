"""What the tag will find in a page by itself: consent tools, products, dataLayer, forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from habitue_collector.events import InvalidEvent
from habitue_collector.settings import Settings
from habitue_collector.vocabulary import GA4
from habitue_collector.wires import markup
from habitue_collector.wires.enhanced import ACTIONS

from .checkup import Finding
from .page_source import PageSource
from .page_tag import Tag

_EVENT = re.compile(
    r"""["']?event["']?\s*:\s*["']([\w .-]{1,60})["']|gtag\(\s*["']event["']\s*,\s*["'](\w{1,60})["']"""
)
# Consent tools by what their snippets have in common.
_CONSENT_TOOLS = {
    "Cookiebot": "consent.cookiebot.com",
    "OneTrust": "otSDKStub",
    "Usercentrics": "usercentrics",
    "CookieYes": "cookieyes",
    "Didomi": "didomi",
    "Sourcepoint": "sourcepoint",
    "Quantcast Choice": "quantcast.mgr.consensu",
    "Klaro": "klaro",
    "Complianz": "complianz",
    "Borlabs Cookie": "borlabs",
    "Shopify's customerPrivacy": "customerPrivacy",
    "TCF": "__tcfapi",
}
_CONSENT_MODE = re.compile(r"""gtag\(\s*["']consent["']""")


def consent(tag: Tag | None, source: PageSource, settings: Settings) -> Iterator[Finding]:
    everything = source.code + " ".join(one.src or "" for one in source.scripts)
    folded = everything.lower()
    tools = [name for name, mark in _CONSENT_TOOLS.items() if mark.lower() in folded]
    if _CONSENT_MODE.search(everything):
        tools.insert(0, "Google's Consent Mode")
    said = re.search(r"""habitue\(\s*["']consent["']""", everything)
    key = settings.find_key(tag.key) if tag is not None else None
    assumed = tag is not None and tag.consent == "assumed"
    if assumed:
        yield Finding(
            None,
            "the tag assumes consent: it keeps and sends from the first moment",
            'take data-consent="assumed" away, unless the shop shows the tag only after consent'
            + (f" ({', '.join(tools)} is on the page)" if tools else ""),
            "consent",
        )
    elif said or tools:
        by = "habitue('consent', …)" if said else ", ".join(tools)
        yield Finding(True, f"consent is said by {by}; until then events wait in the page", check="consent")
    else:
        yield Finding(
            None,
            "nothing in the source says consent: unless a tool that comes later does, nothing is ever kept",
            "connect the consent tool (docs/install/consent.md)",
            "consent",
        )
    if key is not None and key.consent_assumed and not assumed and tag is not None:
        yield Finding(
            None, "the key assumes consent where an event says nothing; the tag always says it", "", "consent"
        )


def product(source: PageSource, url: str) -> tuple[dict[str, Any] | None, list[Finding]]:
    found = [
        name
        for name, there in (
            ("JSON-LD", source.json_ld),
            ("microdata", source.microdata),
            ("OpenGraph", any(name.startswith("product:") for name in source.opengraph)),
        )
        if there
    ]
    if not found:
        return None, [
            Finding(
                None,
                "no product markup is in the source (right, unless this is a product page)",
                "",
                "markup",
            )
        ]
    try:
        viewed = markup.read(source.markup(), url)
    except InvalidEvent as refusal:
        return None, [
            Finding(
                None,
                f"{', '.join(found)}: {refusal.detail}",
                "right, unless this is a product page",
                "markup",
            )
        ]
    item = viewed.item
    product = {**item.to_record(), **({"currency": viewed.currency} if viewed.currency else {})}
    price = f"{item.price:g} {viewed.currency or ''}".strip() if item.price is not None else "no price"
    words = [item.item_id, item.name, item.category, price]
    findings = [
        Finding(
            True,
            f"a view of {' · '.join(word for word in words if word)} would be captured ({', '.join(found)})",
            "",
            "markup",
        )
    ]
    if item.price is None:
        findings.append(
            Finding(None, "the markup has no price", "offers need one: add it to the markup", "markup")
        )
    elif viewed.currency is None:
        findings.append(
            Finding(
                None, "the markup names no currency: the shop's own is taken", "add priceCurrency", "markup"
            )
        )
    return product, findings


def datalayer(source: PageSource) -> Iterator[Finding]:
    code = source.code
    named = dict.fromkeys(one or other for one, other in _EVENT.findall(code))
    spoken = [name for name in named if name in GA4]
    old = [
        name
        for name in ACTIONS
        if re.search(rf"""["']?ecommerce["']?\s*:\s*\{{[^}}]{{0,200}}\b{name}["']?\s*:""", code)
    ]
    if spoken or old:
        yield Finding(True, f"the dataLayer tells of {', '.join([*spoken, *old])}", check="datalayer")
    elif "dataLayer" in code or "gtag(" in code:
        yield Finding(
            None,
            "a dataLayer is there; its source names no e-commerce event (they may come later)",
            "",
            "datalayer",
        )
    if source.forms:
        yield Finding(True, f"add-to-cart forms of {', '.join(dict.fromkeys(source.forms))}", check="forms")
