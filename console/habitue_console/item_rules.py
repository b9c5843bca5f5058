"""Which rules speak of an item: those that name it, those whose condition holds for it (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from habitue_recommender.catalog.items import Item
from habitue_recommender.rulebook.item_sets import NOBODY
from habitue_recommender.rulebook.rules import Rule

from .words import N_

NAMED, HOLDS, MAY_HOLD, EVERY = (
    N_("names it"),
    N_("its condition holds for it"),
    N_("its condition may hold for it, depending on visitor or page"),
    N_("acts on every item"),
)


@dataclass(frozen=True, slots=True)
class Touch:
    """One rule that speaks of an item: why, and what it does with it (verbs of the rule's document)."""

    rule: Rule
    why: str
    does: tuple[str, ...]


def touching(rules: Iterable[Rule], item: Item) -> list[Touch]:
    """Enabled ones first, then by priority."""
    found = [touch for rule in rules if (touch := _touch(rule, item)) is not None]
    order = (NAMED, HOLDS, MAY_HOLD, EVERY)
    return sorted(
        found, key=lambda one: (not one.rule.enabled, order.index(one.why), -one.rule.priority, one.rule.id)
    )


def _touch(rule: Rule, item: Item) -> Touch | None:
    named = tuple(_naming(rule, item.item_id))
    if named:
        return Touch(rule, NAMED, named)
    acting = tuple(_acting(rule))
    if not acting:
        return None
    if not rule.reads_item or rule.condition is None:
        return Touch(rule, EVERY, acting)
    split = rule.condition.split()
    if split.item is not None and not split.item(NOBODY, item):
        return None
    return Touch(rule, MAY_HOLD if split.mixed is not None else HOLDS, acting)


def _naming(rule: Rule, item_id: str) -> Iterator[str]:
    does = rule.consequence
    for pin in does.pins:
        if pin.item_id == item_id:
            yield f"pin {pin.position}"
    if item_id in does.include:
        yield "include"
    if item_id in does.fallback_items:
        yield "fallback"


def _acting(rule: Rule) -> Iterator[str]:
    """What it does with each item that its condition holds for."""
    does = rule.consequence
    if does.boost != 1.0:
        yield f"boost ×{does.boost:g}"
    if does.bury != 1.0:
        yield f"bury ÷{does.bury:g}"
    if does.include_matching:
        yield "include"
    if does.exclude:
        yield "exclude"
    if does.filter:
        yield "filter"
    if does.cap is not None:
        yield f"cap {does.cap.impressions}"
