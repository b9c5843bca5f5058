"""Rules: what a marketer wants where, for whom and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.routing import BaseRoute

from habitue_console.documents.kind import NOTHING_YET, Clash, page_options
from habitue_console.documents.pages import DocumentPages
from habitue_console.drafts.draft import RULE, Draft
from habitue_console.house import House
from habitue_console.words import Words
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.documents import Document, is_id
from habitue_recommender.rulebook.mistakes import Mistake

_ITEM_LISTS = ("consequence.pin.", "consequence.include.items.", "consequence.fallback.")


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

    def blank(self, start: str, segment: str = "") -> dict[str, Any]:
        bodies: dict[str, dict[str, Any]] = {
            "boost": {"consequence": {"boost": 2}},
            "exclude": {"consequence": {"exclude": True}, "condition": {"when": "item.stock < 3"}},
            "cap": {"consequence": {"cap": {"impressions": 5, "days": 7}}},
        }
        body: dict[str, Any] = {"name": "", "enabled": True, **bodies.get(start, {})}
        if is_id(segment):
            body["condition"] = {"when": f'"{segment}" in visitor.segments'}
        return body

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

    def own_mistakes(self, draft: Draft, document: Document | None) -> list[Mistake]:
        """Items that the catalog has not; those that stand in the saved rule may have gone meanwhile."""
        catalog = self.house.recommender.reader.catalog
        saved = self.draft_of(document.id, document.body).typed if document is not None else {}
        kept = {value for values in saved.values() for value in values}
        wrong = super().own_mistakes(draft, document)
        for name, values in draft.typed.items():
            if not name.startswith(_ITEM_LISTS) or name.endswith((".position", ".which")) or not len(catalog):
                continue
            item_id = values[0].strip() if values else ""
            known = not item_id or item_id in kept or item_id.startswith("source:") or catalog.get(item_id)
            if not known:
                said = f"The catalog has no item “{item_id}”. Type a part of its name and choose one."
                wrong.append(Mistake(name, said))
        return wrong

    async def _mistakes(self, body: Mapping[str, Any]) -> list[Mistake]:
        """Who writes in a form sees what there is."""
        return [
            replace(one, message=NOTHING_YET)
            if one.field == "consequence" and one.message.startswith("Say what the rule does;")
            else one
            for one in await super()._mistakes(body)
        ]

    def slots_touched(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        return _words(_table(body, "condition").get("slots"))

    def place(self, body: Mapping[str, Any], _: Words) -> str:
        condition = _table(body, "condition")
        pages = dict(page_options(_))
        slots = self.slot_names(_words(condition.get("slots")))
        types = [pages.get(one, one) for one in _words(condition.get("page_types"))]
        return ", ".join([*slots, *types]) or _("everywhere")

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
        if same := _words(said.get("same")):
            told.append(_("same %(kinds)s", kinds=", ".join(kinds.get(one, one) for one in same)))
        if different := _words(said.get("different")):
            told.append(_("different %(kinds)s", kinds=", ".join(kinds.get(one, one) for one in different)))
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
            for earlier, later, mistake in rulebook.clashes()
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
