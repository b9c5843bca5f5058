"""What two rules want that cannot both be, and what one wants that no slot has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from habitue_recommender.conditions import Condition
from habitue_recommender.rulebook.mistakes import Mistake
from habitue_recommender.rulebook.rules import Rule
from habitue_recommender.rulebook.validity import Validity
from habitue_recommender.slots import Slot


def out_of_reach(rule: Rule, slots: Iterable[Slot]) -> Iterator[Mistake]:
    """Pins behind the last place of every slot in which the rule holds."""
    here = [slot for slot in slots if not rule.slots or slot.id in rule.slots]
    largest = max(here, key=lambda slot: slot.size, default=None)
    for place, pin in enumerate(rule.consequence.pins):
        if largest is not None and pin.position > largest.size:
            yield Mistake(
                f"consequence.pin.{place}.position",
                f"The slot {largest.id} has {largest.size} places, and this would be no. {pin.position}.",
            )


def conflicts(earlier: Rule, later: Rule) -> Iterator[Mistake]:
    """What does not go together in two rules that may meet, at the fields of the second."""
    first, second = earlier.consequence, later.consequence
    name = earlier.name or earlier.id
    taken = {pin.position: pin.item_id for pin in first.pins}
    for place, pin in enumerate(second.pins):
        other = taken.get(pin.position)
        if other is not None and other != pin.item_id and earlier.priority == later.priority:
            yield Mistake(
                f"consequence.pin.{place}.position",
                f"“{name}” ({earlier.id}) pins {other} to position {pin.position} as well; "
                "give one of the two the greater priority.",
            )
    if _same_condition(earlier, later):
        if first.boost > 1.0 and second.bury > 1.0:
            yield Mistake("consequence.bury", f"“{name}” ({earlier.id}) boosts the same items.")
        if first.bury > 1.0 and second.boost > 1.0:
            yield Mistake("consequence.boost", f"“{name}” ({earlier.id}) buries the same items.")
        if first.exclude and second.filter:
            yield Mistake("consequence.filter", f"“{name}” ({earlier.id}) excludes the same items.")
        if first.filter and second.exclude:
            yield Mistake("consequence.exclude", f"“{name}” ({earlier.id}) shows nothing but these items.")
    for dimension in sorted(set(first.same) & set(second.different)):
        if earlier.condition is None and later.condition is None:
            yield Mistake("consequence.different", f"“{name}” ({earlier.id}) wants the same {dimension}.")
    for dimension in sorted(set(first.different) & set(second.same)):
        if earlier.condition is None and later.condition is None:
            yield Mistake("consequence.same", f"“{name}” ({earlier.id}) wants another {dimension}.")


def may_meet(one: Rule, other: Rule) -> bool:
    """Whether both can act in one decision, as far as slots, pages, times and equal conditions tell.

    Two rules with different conditions on visitors may never meet; then neither is in the other's way. One
    that is for everybody meets all.
    """
    first, second = _request(one.condition), _request(other.condition)
    return (
        (not one.slots or not other.slots or bool(one.slots & other.slots))
        and (not one.page_types or not other.page_types or bool(one.page_types & other.page_types))
        and _times_meet(one.validity, other.validity)
        and (not first or not second or first == second)
    )


def _request(condition: Condition | None) -> str:
    """What stands for a condition's part that is not about the item."""
    if condition is None or not (condition.reads_visitor or condition.reads_time or _reads_page(condition)):
        return ""
    return condition.text


def _reads_page(condition: Condition) -> bool:
    return any(name == "slot" or name.startswith("page.") for name in condition.fields)


def _same_condition(one: Rule, other: Rule) -> bool:
    first = one.condition.text if one.condition is not None else ""
    second = other.condition.text if other.condition is not None else ""
    return first == second


def _times_meet(one: Validity, other: Validity) -> bool:
    if one.until is not None and other.since is not None and other.since >= one.until:
        return False
    if other.until is not None and one.since is not None and one.since >= other.until:
        return False
    return not one.weekdays or not other.weekdays or bool(one.weekdays & other.weekdays)
