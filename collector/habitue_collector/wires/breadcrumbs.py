"""The category of a product from the page's BreadcrumbList: what stands between the start page and itself.

https://developers.google.com/search/docs/appearance/structured-data/breadcrumb
"""

from __future__ import annotations

from typing import Any, Final

from habitue_collector.wires.addresses import Address
from habitue_collector.wires.schema_org import Node, fold, listed, words
from habitue_collector.wires.values import number, text

MAX_LEVELS = 10
_MAX_ENTRIES = 50
_HOME: Final = frozenset(
    (
        *("home", "homepage", "start", "startseite", "shop", "accueil", "inicio", "hem", "forside", "hjem"),
        *("etusivu", "strona główna", "domů", "główna", "kezdőlap", "acasă", "início", "главная", "головна"),
        *(
            "úvodní stránka",
            "ana sayfa",
            "anasayfa",
            "ホーム",
            "首页",
            "홈",
            "home page",
            "startsida",
            "thuis",
            "domov",
            "pagina iniziale",
        ),
    )
)


def category_of(breadcrumbs: list[Node], names: list[str], own: list[Address | None]) -> str | None:
    """The path `Shoes/Trail`; of several lists the one that leads to this product, else the longest.

    `names`: the product's, its variant's, its group's; `own`: the addresses of all these, the page's first.
    """
    best: tuple[bool, list[str]] | None = None
    for node in breadcrumbs[:20]:
        entries = _entries(node)
        itself = bool(entries) and _is_itself(entries[-1], names, own)
        if itself:
            entries.pop()
        while entries and _is_home(entries[0]):
            entries.pop(0)
        levels = [level for level, _ in entries][:MAX_LEVELS]
        if levels and (best is None or (itself, len(levels)) > (best[0], len(best[1]))):
            best = itself, levels
    return text("/".join(best[1])) if best is not None else None


def own_category(said: Any, name: str | None = None) -> str | None:
    """A product's own `category`: a path, `A > B`, a list, an object with a name; no taxonomy's number.

    `name`: the product's; some shops let it end its own category, and begin that with the start page.
    """
    levels: list[str] = []
    for one in listed(said)[:MAX_LEVELS]:
        path = words(one)
        if path is None or path.isdigit():
            continue
        parts = path.split(">") if ">" in path else path.split("/") if "://" not in path else []
        levels += [part.strip() for part in parts if part.strip()]
        if ">" in path or "/" in path:
            break  # it was a whole path; the next one would be another
    if len(levels) > 1 and fold(levels[-1]) == fold(name or ""):
        levels.pop()
    if len(levels) > 1 and fold(levels[0]) in _HOME - {"shop", "start"}:
        levels.pop(0)
    return text("/".join(levels[:MAX_LEVELS])) if levels else None


def _entries(node: Node) -> list[tuple[str, Address | None]]:
    """(name, address) in the order of their positions."""
    placed = []
    for place, entry in enumerate(listed(node.get("itemListElement"))[:_MAX_ENTRIES]):
        if not isinstance(entry, dict):
            continue
        target = entry.get("item")
        inside: dict[str, Any] = target if isinstance(target, dict) else {}
        name = words(entry.get("name")) or words(inside.get("name"))
        if name is None or "://" in name:
            continue
        address = (
            target if isinstance(target, str) else inside.get("@id") or inside.get("url") or entry.get("url")
        )
        position = number(entry.get("position"))
        order = position if position is not None else float(place + 1)
        placed.append((order, place, name.replace("/", "-"), Address.read(address)))
    placed.sort(key=lambda one: one[:2])
    return [(name, address) for _, _, name, address in placed]


def _is_itself(entry: tuple[str, Address | None], names: list[str], own: list[Address | None]) -> bool:
    said, address = entry
    folded, known = fold(said), [fold(name.replace("/", "-")) for name in names]
    if folded in known:
        return True
    if address is not None and own[0] is not None:
        return any(
            address.path == one.path and (address.host is None or address.host == one.host)
            for one in own
            if one is not None
        )
    # Cut with dots, or without a colour: the last one without an address is the page itself.
    cut = folded.rstrip(".… ")
    return address is None or (len(folded) > 3 and any(name.startswith(cut) for name in known))


def _is_home(entry: tuple[str, Address | None]) -> bool:
    name, address = entry
    if fold(name) in _HOME:
        return True
    return address is not None and address.path == "/" and not address.query
