# ruff: noqa: E501 - tables of colours and SVG, one entry a line
"""Product tiles: a drawing of the kind of thing, in the colours of its brand, on the board of its department.

No photographs, no fonts, no scripts: a tile is 1 to 2 KB of SVG that is the same for the same product for ever.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from habitue_shop.drawings import DRAWINGS
from habitue_shop.journey import Product

_PEPPER = "#f0e0d1"  # stands in for a colour until the name has spoken
_INK = "#2b2a28"
_PAPER = "#fffdf8"

# (main, shade, light, accent) of a brand; picked by its name.
_BRANDS: tuple[tuple[str, str, str, str], ...] = (
    ("#b5523b", "#8c3b28", "#e5b3a2", "#e0a53f"),
    ("#3f6f5c", "#2c5243", "#a9cbbb", "#d98a4b"),
    ("#3c5f8f", "#2a4569", "#adc3e0", "#e3a94a"),
    ("#d39a35", "#a87521", "#f3d999", "#8c4a35"),
    ("#7b5a8c", "#5a3f69", "#cdb9d8", "#d9a441"),
    ("#a33f55", "#7d2c3f", "#e3aeb9", "#5f8f6e"),
    ("#4f8f94", "#37696d", "#b3d8da", "#d9704f"),
    ("#6c7f3c", "#4f5e2a", "#cbd6a3", "#c0573f"),
    ("#cf7148", "#a35232", "#f2c6ae", "#3f6f7a"),
    ("#54607a", "#3b4559", "#b9c1d1", "#d3883f"),
    ("#8a6b4f", "#684e38", "#d8c3ae", "#6d8f57"),
    ("#c56c86", "#9c4f67", "#f0c4d0", "#54779c"),
)
_HOUSE_BRAND = ("#2f5d50", "#224539", "#b9d3c8", "#d9793f")  # the shop's own label is the shop's own green

# The own label has a colour per kind of thing; where the draw of lots was unhappy, this one.
_HOUSE_COLOURS = {"carton": 2, "eggs": 8, "cereal": 3, "juice": 8}

# What tells flavours of one brand apart; the first is the brand's own accent.
_ACCENTS = ("", "#d9793f", "#c8453b", "#7a9a4b", "#e0b13f", "#8d5ca3", "#4f8fa0", "#c56c86")

# Two boards per department, the second for every other product: (day, night).
_BOARDS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "Fruit & Vegetables": (("#e8f0da", "#28311f"), ("#f4efd8", "#322e1e")),
    "Bakery": (("#f7e9d2", "#35291b"), ("#f4e2d3", "#33251d")),
    "Dairy & Eggs": (("#e3eef3", "#1f2c33"), ("#f3efe2", "#302c22")),
    "Meat & Fish": (("#f6e4de", "#35231f"), ("#e4edef", "#202b2e")),
    "Deli & Ready to Eat": (("#f5e8d4", "#33291b"), ("#e9efdc", "#29301f")),
    "Pantry": (("#f5ebd8", "#322a1c"), ("#ede6dc", "#2d2822")),
    "Snacks & Sweets": (("#f8e5e0", "#362421"), ("#f6edcf", "#332d1b")),
    "Frozen": (("#dfedf4", "#1c2b34"), ("#e6e9f5", "#232738")),
    "Drinks": (("#dff0ec", "#1d2f2b"), ("#f5ecd7", "#322b1d")),
    "Wine, Beer & Spirits": (("#f0e3e4", "#311f24"), ("#f2ead6", "#302919")),
    "Natural & Wellbeing": (("#e6f0de", "#253121"), ("#f0ebdc", "#2e2a1f")),
    "Household": (("#e2ecf1", "#1f2a31"), ("#eaf0e4", "#262e22")),
    "Beauty & Care": (("#f6e6ea", "#34232a"), ("#ece7f3", "#292536")),
    "Health": (("#e2f0ee", "#1e2e2c"), ("#eef0e4", "#2a2d22")),
    "Baby & Kids": (("#e4eef7", "#1f2a36"), ("#f8ecdc", "#342a1e")),
    "Pets": (("#f3ead9", "#302820"), ("#e5eee2", "#242e22")),
    "Flowers & Garden": (("#f5e6ec", "#33222a"), ("#e6f0df", "#253021")),
    "Home & Seasonal": (("#efe8f0", "#2c2430"), ("#f5ebda", "#32291d")),
    "Books, Cards & Stationery": (("#ece9e2", "#2a2824"), ("#e4eaf3", "#20283a")),
}

# The mark of a brand, about 24 wide around the origin.
_MARKS = (
    '<path fill="{a}" d="M0-12Q14-4 0 12-14-4 0-12z"/><path d="M0-6V12" stroke="{w}" stroke-width="2"/>',
    '<circle r="10" fill="{a}"/><circle r="4.500" fill="{w}"/>',
    '<path fill="{a}" d="m0-13 4 9 9 1-7 6 2 10-8-5-8 5 2-10-7-6 9-1z"/>',
    '<path fill="{a}" d="M-12 4q12-22 24 0v6h-24z"/><path d="M-12 10h24" stroke="{k}" stroke-width="4"/>',
    '<path d="M-12-4q6-8 12 0t12 0m-24 9q6-8 12 0t12 0" fill="none" stroke="{a}" stroke-width="4.500" stroke-linecap="round"/>',
    '<path fill="{a}" d="M0-11 11 0 0 11-11 0z"/><path fill="{k}" d="M0-5 5 0 0 5-5 0z"/>',
    '<path fill="{a}" d="M0 11Q-16 0-8-9q6-3 8 3 2-6 8-3 8 9-8 20z"/>',
    '<path fill="{a}" d="M-11 9V-3L0-12l11 9V9z"/><path fill="{w}" d="M-4 9V1h8v8z"/>',
)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest())


@lru_cache(maxsize=4096)
def _art(drawing: str, brand: str, accent: int) -> str:
    number = _number(brand)
    own = brand == "Thistle & Oat"
    main, shade, light, other = _BRANDS[
        (_HOUSE_COLOURS.get(drawing, _number(drawing)) if own else number) % len(_BRANDS)
    ]
    if own and _number(drawing) % 3 == 0:
        main, shade, light, other = _HOUSE_BRAND
    mark = _MARKS[0] if own else _MARKS[number // len(_BRANDS) % len(_MARKS)]
    art = DRAWINGS.get(drawing, DRAWINGS["box"]).replace("{m}", mark)
    for letter, colour in (
        ("a", main), ("d", shade), ("l", light), ("k", _ACCENTS[accent] if accent else other),
        ("w", _PAPER), ("i", _INK),
    ):  # fmt: skip
        art = art.replace("{" + letter + "}", colour)
    return art.replace('fill="{t}"', 'class="t"')


def tile(product: Product) -> str:
    """The SVG of one product, 200 by 200."""
    number = _number(product.item_id)
    boards = _BOARDS.get(product.department, _BOARDS["Pantry"])
    day, night = boards[number % 2]
    art = _art(product.drawing, product.brand, number // 7 % len(_ACCENTS))
    for word, *colours in _RIPENESS.get(product.drawing, ()):
        if word in product.name:
            for old, new in zip(colours[::2], colours[1::2], strict=True):
                art = art.replace(old, new)
            break
    return _frame(art, day, night, turned=product.drawing in _MAY_LEAN and number % 3 == 0)


# Fresh things have the colour that their name says: (word of the name, drawn colour, its colour, …).
_RIPENESS: dict[str, tuple[tuple[str, ...], ...]] = {
    "apple": (("Granny", "#c8453b", "#8fb84a"), ("Golden", "#c8453b", "#dcbf4c"), ("Fuji", "#c8453b", "#d9654f")),
    "pepper": (
        ("Green", _PEPPER, "#5f9a4d"), ("Red", _PEPPER, "#c8453b"), ("Yellow", _PEPPER, "#e6b93a"),
        ("Jalape", _PEPPER, "#4f8a43"), ("", _PEPPER, "#e07b39"),
    ),
    "grapes": (("White", "#7a4b8f", "#a9c46a", "#8d5ca3", "#bcd482", "#6a3f7e", "#94b255"), ("Green", "#7a4b8f", "#a9c46a", "#8d5ca3", "#bcd482", "#6a3f7e", "#94b255"), ("Red", "#7a4b8f", "#a8455f", "#8d5ca3", "#bd5f78", "#6a3f7e", "#8f3650")),
    "citrus": (
        ("Lemon", "#f0912d", "#f2cf45"), ("Lime", "#f0912d", "#8fb84a"), ("Grapefruit", "#f0912d", "#ee8a6a"),
    ),
    "onion": (("Red", "#c98d3e", "#9c4569"), ("White", "#c98d3e", "#e8e0d0"), ("Garlic", "#c98d3e", "#efe6da")),
    "potato": (("Red", "#c99a5b", "#c26a5a"), ("Sweet", "#c99a5b", "#d0793f"), ("Yam", "#c99a5b", "#d0793f")),
    "loaf": (
        ("Rye", "#d79a57", "#a8703d"), ("Grain", "#d79a57", "#b9804a"), ("grain", "#d79a57", "#b9804a"),
        ("Wheat", "#d79a57", "#bf8850"), ("White", "#d79a57", "#e0ac6c"),
    ),
}  # fmt: skip


def department_tile(department: str) -> str:
    """The drawing that stands for a whole department."""
    day, night = _BOARDS[department][0]
    return _frame(_art(_SIGNS[department], department, 0), day, night)


_MAY_LEAN = frozenset(
    [
        "apple",
        "pear",
        "peach",
        "tomato",
        "onion",
        "potato",
        "cookie",
        "donut",
        "bag",
        "sachet",
        "can",
        "soda",
        "carton",
        "bag_flat",
        "book",
        "card",
    ]
)
_SIGNS = {
    "Fruit & Vegetables": "carrot", "Bakery": "loaf", "Dairy & Eggs": "cheese", "Meat & Fish": "fish",
    "Deli & Ready to Eat": "sandwich", "Pantry": "jar", "Snacks & Sweets": "cookie", "Frozen": "icecream",
    "Drinks": "juice", "Wine, Beer & Spirits": "wine", "Natural & Wellbeing": "leaf", "Household": "spray",
    "Beauty & Care": "pump", "Health": "pills", "Baby & Kids": "toy", "Pets": "bone", "Flowers & Garden": "bouquet",
    "Home & Seasonal": "gift", "Books, Cards & Stationery": "book",
}  # fmt: skip


def _frame(art: str, day: str, night: str, *, turned: bool = False) -> str:
    place = 'transform="rotate(-7 100 104) translate(0 2)"' if turned else 'transform="translate(0 2)"'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" width="400" height="400">'
        f"<style>.t{{fill:{day}}}@media(prefers-color-scheme:dark){{.t{{fill:{night}}}}}</style>"
        '<path class="t" d="M0 0h200v200H0z"/>'
        '<ellipse cx="100" cy="180" rx="62" ry="7" opacity=".1"/>'
        f"<g {place}>{art}</g></svg>"
    )
