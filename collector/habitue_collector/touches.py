"""Items that somebody touched: when last, how often, and the strongest thing done. Pure.

Most were looked at once, so an entry that is only a time is stored as that time; otherwise it is
`{"last": seconds, "count": n, "kind": …}` with the defaults (1, product_view) left out.
"""

from __future__ import annotations

from typing import Any

# Which of the things done to an item says most about it.
STRENGTH = {
    "product_view": 0,
    "product_click": 1,
    "configure": 2,
    "share": 3,
    "wishlist_add": 4,
    "add_to_cart": 5,
    "purchase": 6,
}
VIEWED = "product_view"

Entry = int | dict[str, Any]
Touches = dict[str, Entry]  # item_id → entry, the latest touch last


def last(entry: Entry) -> int:
    """Seconds since 1970 of the latest touch."""
    return entry if isinstance(entry, int) else int(entry["last"])


def count(entry: Entry) -> int:
    return 1 if isinstance(entry, int) else int(entry.get("count", 1))


def kind(entry: Entry) -> str:
    return VIEWED if isinstance(entry, int) else str(entry.get("kind", VIEWED))


def entry_of(seconds: int, times: int = 1, what: str = VIEWED) -> Entry:
    """The stored form."""
    if times == 1 and what == VIEWED:
        return seconds
    entry: dict[str, Any] = {"last": seconds}
    if times != 1:
        entry["count"] = times
    if what != VIEWED:
        entry["kind"] = what
    return entry


def touch(touches: Touches, item_id: str, seconds: int, size: int, what: str = VIEWED) -> None:
    """Note an item as touched: it moves to the end, the strongest thing done to it stays."""
    known = touches.pop(item_id, None)
    if known is None:
        touches[item_id] = seconds if what == VIEWED else {"last": seconds, "kind": what}
        if len(touches) > size:
            del touches[next(iter(touches))]
        return
    if isinstance(known, int):
        latest, times, before = known, 1, VIEWED
    else:
        latest, times, before = known["last"], known.get("count", 1), known.get("kind", VIEWED)
    if what != before and STRENGTH[what] < STRENGTH[before]:
        what = before
    touches[item_id] = entry_of(latest if latest > seconds else seconds, times + 1, what)


def merge(mine: Touches, other: Touches, size: int) -> Touches:
    """Both together: counts add, the latest time and the strongest thing stay; the latest `size` of all."""
    both = dict(mine)
    for item_id, entry in other.items():
        known = both.get(item_id)
        if known is not None:
            entry = entry_of(
                max(last(known), last(entry)),
                count(known) + count(entry),
                max(kind(known), kind(entry), key=STRENGTH.__getitem__),
            )
        both[item_id] = entry
    return dict(sorted(both.items(), key=lambda pair: (last(pair[1]), pair[0]))[-size:])


def subtract(mine: Touches, other: Touches) -> None:
    """Take out what `merge` put in; an item that was touched since keeps what is left."""
    for item_id, entry in other.items():
        known = mine.get(item_id)
        if known is None:
            continue
        left = count(known) - count(entry)
        if left <= 0:
            del mine[item_id]
        else:
            mine[item_id] = entry_of(last(known), left, kind(known))
