"""Contents: banners, messages and coupons that stand in slots beside items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute

from habitue_console.documents.pages import DocumentPages
from habitue_console.drafts.draft import CONTENT, Draft
from habitue_console.house import House
from habitue_console.words import Words
from habitue_recommender.rulebook.documents import Document, is_id


def routes(house: House) -> list[BaseRoute]:
    return ContentPages(house).routes()


class ContentPages(DocumentPages):
    kind, plural, draft_kind = "content", "contents", CONTENT
    groups = ("visitor", "page", "slot", "time")

    def texts(self, _: Words) -> dict[str, Any]:
        return {
            "plural_title": _("Contents"),
            "new_label": _("New content"),
            "intro": _("Banners, messages and coupons, shown in slots beside the offers."),
            "empty": _("There are no contents yet. Begin with one of these."),
            "what_label": _("What it shows"),
            "empty_when": _("Without a condition everybody sees it."),
            "people_help": _("How many people will see it stands here as you write the condition."),
        }

    def blank(self, start: str, segment: str = "") -> dict[str, Any]:
        kind = start if start in ("banner", "message", "coupon") else "banner"
        body: dict[str, Any] = {"name": "", "enabled": True, "kind": kind}
        if is_id(segment):
            body["when"] = f'"{segment}" in visitor.segments'
        return body | ({"when": "visitor.new"} if start == "welcome" else {})

    def starts(self, _: Words) -> list[tuple[str, str]]:
        return [
            ("?start=banner", _("A banner")),
            ("?start=message", _("A message")),
            ("?start=coupon", _("A coupon")),
            ("?start=welcome", _("A welcome for first-time visitors")),
        ]

    def summary(self, body: Mapping[str, Any], _: Words) -> list[str]:
        kind = body.get("kind")
        told = [kinds(_).get(kind, str(kind)) if isinstance(kind, str) else ""]
        if isinstance(body.get("title"), str) and body["title"]:
            told.append(f"“{body['title']}”")
        if isinstance(body.get("code"), str) and body["code"]:
            told.append(body["code"])
        return told

    def slots_touched(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        named = body.get("slots")
        return tuple(one for one in named if isinstance(one, str)) if isinstance(named, list) else ()

    def place(self, body: Mapping[str, Any], _: Words) -> str:
        return ", ".join(self.slot_names(self.slots_touched(body)))

    async def more(self, request: Request, draft: Draft, document: Document | None) -> dict[str, Any]:
        return {"kind_options": list(kinds(request.state.words).items())}


def kinds(_: Words) -> dict[str, str]:
    return {"banner": _("Banner"), "message": _("Message"), "coupon": _("Coupon")}
