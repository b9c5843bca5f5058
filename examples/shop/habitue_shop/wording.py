"""Back-office words turned into what stands on a price tag: names, sizes, house brands, varieties.

The data name a product by its type only ("YOGURT NOT MULTI-PACKS"), its brand by a number. Names of
brands and varieties are made up here, always the same for the same product; everything else is the data's.
"""

from __future__ import annotations

import re
from functools import lru_cache

from habitue_shop.words import (
    CRATES,
    INVERTED,
    NOUN_FIRST,
    NOUNS,
    SIZE_WORDS,
    SMALL,
    UNITS,
    VAGUE,
    WHOLE,
    WORDS,
)

_SIZE = re.compile(r"^\s*(\d*\.?\d+|\d+/\d+)\s*([A-Z]+)\*?\s*$")
_PACK = re.compile(r"^\s*(\d+)\s*PK\s*/\s*(\d*\.?\d+)\s*OZ\s*$")


@lru_cache(maxsize=4096)
def size_text(package_size: str | None, *, loose: bool = False) -> str:
    """`32 OZ` as `32 oz`, `12 PK/12 OZ` as `12 x 12 oz`; empty when the data say nothing a customer can use.

    `loose`: sold by the piece, where the data's size is the crate ("40 LB" of bananas), not what one buys.
    """
    if not package_size:
        return ""
    if pack := _PACK.match(package_size):
        return f"{pack[1]} \N{MULTIPLICATION SIGN} {_number(pack[2])} oz"
    if size := _SIZE.match(package_size):
        unit = UNITS.get(size[2])
        if loose and "/" not in size[1] and float(size[1]) > CRATES.get(size[2], 100):
            return ""
        return f"{_number(size[1])} {unit}" if unit else ""
    return SIZE_WORDS.get(package_size.strip(), "")


def _number(text: str) -> str:
    if "/" in text:
        return text
    return f"{float(text):g}"


@lru_cache(maxsize=8192)
def type_text(raw_type: str | None, category: str) -> str:
    """A product type as a customer would say it; with its category's noun where it says nothing alone."""
    if not raw_type:
        return _noun(category)
    raw = raw_type.strip()
    if raw in WHOLE:
        return WHOLE[raw]
    text = re.sub(r"\(.*$", "", raw).strip(
        " -&/:"
    )  # what follows a bracket explains the bracket's own book-keeping
    if text.endswith("-MAGAZINE"):
        return f"{_cased(text.removesuffix('-MAGAZINE'))} Magazine"
    if len(raw) >= 30 and text == raw and " " in text:
        text = text.rpartition(" ")[0]  # the data cut types at 30 letters: the last word is a torn one
    head, separator, tail = text.partition(":")
    if separator and tail.strip():
        text = f"{tail} {head}" if head.strip() in INVERTED else tail
    first, _, rest = text.partition(" ")
    if first in NOUN_FIRST and rest:
        text = f"{rest} {first}"
    words = _cased(text)
    if not words:
        return _noun(category)
    if words in VAGUE or all(word in VAGUE for word in words.split()):
        noun = _noun(category)
        if noun in words:
            return words
        return noun if words in noun or words == "Assorted" else f"{words} {noun}"
    return words


def _noun(category: str) -> str:
    return NOUNS.get(category, category.replace("&", "and") if category.count(" ") > 2 else category)


def _cased(text: str) -> str:
    text = text.replace("WOMEN S", "WOMENS").replace("CHILDREN S", "CHILDRENS")
    parts = re.split(r"\s+|(?<=\w)-(?=\w)|\s*[/]\s*|\s*[-\u2013]\s+|(?=&)|(?<=&)|,", text)
    words: list[str] = []
    for part in parts:
        if not part or part == "-":
            continue
        word = WORDS.get(part)
        if word is None:
            word = part.lower() if part.lower() in SMALL and words else part.capitalize()
        if word and (not words or word != words[-1]):
            words.append(word)
    while words and words[-1] in ("&", "and", "with", "Ex", "of", "in", "or"):
        words.pop()
    return " ".join(words).strip()


_STEMS = [
    "Alder",
    "Amber",
    "Apple",
    "Ash",
    "Barley",
    "Bay",
    "Beech",
    "Birch",
    "Bram",
    "Briar",
    "Brook",
    "Cedar",
    "Clover",
    "Copper",
    "Corn",
    "Cran",
    "Dapple",
    "Elder",
    "Elm",
    "Fair",
    "Fern",
    "Field",
    "Finch",
    "Fox",
    "Glen",
    "Gold",
    "Green",
    "Harbour",
    "Hart",
    "Haw",
    "Hazel",
    "Heather",
    "Hill",
    "Holly",
    "Honey",
    "Ivy",
    "Juniper",
    "Kings",
    "Lark",
    "Laurel",
    "Linden",
    "Loch",
    "Maple",
    "Marl",
    "Mead",
    "Mill",
    "Moss",
    "North",
    "Oak",
    "Old",
    "Olive",
    "Orchard",
    "Otter",
    "Pear",
    "Pine",
    "Plum",
    "Quill",
    "Red",
    "River",
    "Rose",
    "Rowan",
    "Rush",
    "Sage",
    "Silver",
    "Sparrow",
    "Spring",
    "Stone",
    "Summer",
    "Swan",
    "Thorn",
    "Tidy",
    "Vine",
    "West",
    "Wheat",
    "White",
    "Wild",
    "Willow",
    "Winter",
    "Wren",
    "Yar",
]
_TAILS = [
    "brook",
    "field",
    "wood",
    "mill",
    "ford",
    "gate",
    "ridge",
    "stone",
    "vale",
    "well",
    "ton",
    "ley",
    "worth",
    "bury",
    "combe",
    "dale",
    "mere",
    "croft",
    "moor",
    "thorpe",
    "by",
    "ham",
]
_FIRMS = ("", " & Co.", " & Sons", " Bros.", " House")
_HOUSE_BRANDS = ("Thistle & Oat", "Plain Pantry", "Hearth Row", "Market Hall", "Blue Door")


def brand_name(manufacturer: int, private: bool) -> str:
    """A made-up brand per manufacturer number: private labels are the shop's own."""
    if private:
        return (
            _HOUSE_BRANDS[0]
            if manufacturer == 69
            else _HOUSE_BRANDS[1 + manufacturer % (len(_HOUSE_BRANDS) - 1)]
        )
    pairs = len(_STEMS) * len(_TAILS)
    spread = (
        manufacturer * 1_049 % pairs
    )  # 1,049 shares no factor with the number of pairs: neighbours look unrelated
    stem, tail = _STEMS[spread // len(_TAILS)], _TAILS[spread % len(_TAILS)]
    joined = stem + (tail[1:] if stem[-1] == tail[0] else tail)
    return joined + _FIRMS[manufacturer // pairs % len(_FIRMS)]
