"""Rules: what a marketer wants where, for whom and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.routing import BaseRoute

from habitue_console.documents.pages import Clash, DocumentPages, page_options
from habitue_console.drafts.draft import RULE
from habitue_console.house import House
from habitue_console.words import Words
from habitue_recommender.rulebook import Rulebook


def routes(house: House) -> list[BaseRoute]:
    return RulePages(house).routes()


class RulePages(DocumentPages):
    kind, plural, draft_kind = "rule", "rules", RULE

    def texts(self, _: Words) -> dict[str, Any]:
        return {
            "plural_title": _("Rules"),
            "new_label": _("New rule"),
            "intro": _("What is pinned, pushed, hidden or limited: where, for whom and when."),
            "empty": _(
                "There are no rules yet: every visitor sees what fits them best. Begin with one of these."
            ),
            "what_label": _("What it does"),
            "empty_when": _("Without a condition it always holds."),
            "people_help": _("How many people a condition is about stands here as you write it."),
        }

    def blank(self, start: str) -> dict[str, Any]:
        bodies: dict[str, dict[str, Any]] = {
            "boost": {"consequence": {"boost": 2}},
            "exclude": {"consequence": {"exclude": True}, "condition": {"when": "item.stock < 3"}},
            "cap": {"consequence": {"cap": {"impressions": 5, "days": 7}}},
        }
        return {"name": "", "enabled": True, **bodies.get(start, {})}

    def starts(self, _: Words) -> list[tuple[str, str]]:
        return [
            ("?start=pin", _("Pin an item")),
            ("?start=boost", _("Push some items")),
            ("?start=exclude", _("Hide some items")),
            ("?start=cap", _("Show less often")),
        ]

    def condition_of(self, body: Mapping[str, Any]) -> str:
        value = _table(body, "condition").get("when")
        return value if isinstance(value, str) else ""

    def slots_touched(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        return _words(_table(body, "condition").get("slots"))

    def place(self, body: Mapping[str, Any], _: Words) -> str:
        condition = _table(body, "condition")
        pages = dict(page_options(_))
        slots, types = _words(condition.get("slots")), _words(condition.get("page_types"))
        return ", ".join([*slots, *(pages.get(one, one) for one in types)]) or _("everywhere")

    def summary(self, body: Mapping[str, Any], _: Words) -> list[str]:
        said = _table(body, "consequence")
        told: list[str] = []
        if pins := _rows(said.get("pin")):
            told.append(_.ngettext("pins %(num)s item", "pins %(num)s items", len(pins)))
        if "boost" in said:
            told.append(_("boosts × %(factor)s", factor=said["boost"]))
        if "bury" in said:
            told.append(_("buries ÷ %(factor)s", factor=said["bury"]))
        if said.get("exclude") is True:
            told.append(_("excludes"))
        if said.get("filter") is True:
            told.append(_("shows only these"))
        if said.get("include") is True:
            told.append(_("includes what matches"))
        elif included := _rows(said.get("include")):
            told.append(_.ngettext("includes %(num)s item", "includes %(num)s items", len(included)))
        kinds = {"category": _("category"), "brand": _("brand"), "price_band": _("price band")}
        for name, sentence in (("same", _("same %(kinds)s")), ("different", _("different %(kinds)s"))):
            if named := _words(said.get(name)):
                told.append(sentence.replace("%(kinds)s", ", ".join(kinds.get(one, one) for one in named)))
        for name, most in _table(said, "limit").items():
            told.append(_("at most %(most)s per %(kind)s", most=most, kind=kinds.get(name, name)))
        if cap := _table(said, "cap"):
            told.append(_("at most %(times)s times", times=cap.get("impressions", "?")))
        if said.get("in_cart") == "never":
            told.append(_("nothing from the cart"))
        if said.get("fallback"):
            told.append(_("has a fallback"))
        return told

    def clashes(self, rulebook: Rulebook) -> list[Clash]:
        return [
            Clash(f"“{rulebook.rules[later].name or later}”: {mistake.message}", (later, earlier))
            for earlier, later, mistake in rulebook._pairs()  # `contradictions` does not say whose they are
        ]


def _table(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, Mapping) else {}


def _words(value: Any) -> tuple[str, ...]:
    return (
        tuple(one for one in value if isinstance(one, str))
        if isinstance(value, Sequence) and not isinstance(value, str)
        else ()
    )


def _rows(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
