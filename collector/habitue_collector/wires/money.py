"""Amounts of money as shops print them: `1.189,90`, `€ 1 189,90`, `1'189.90`, `¥1,189`, `CHF 12.–`.

Machines write digits and one dot; everything else is somebody's locale, and the text alone has to say
which. What could be two different amounts at once (`12 x 3,00`, `9,90 – 12,90`) is none.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from types import MappingProxyType
from typing import Final

MAX_LENGTH = 64

# What stands beside an amount and says the currency; `$`, `kr` and `¥` alone are used by several.
_CURRENCIES: Final = MappingProxyType(
    {
        "€": "EUR",
        "eur": "EUR",
        "euro": "EUR",
        "£": "GBP",
        "us$": "USD",
        "usd": "USD",
        "ca$": "CAD",
        "c$": "CAD",
        "cdn$": "CAD",
        "a$": "AUD",
        "au$": "AUD",
        "nz$": "NZD",
        "hk$": "HKD",
        "s$": "SGD",
        "r$": "BRL",
        "mx$": "MXN",
        "円": "JPY",
        "元": "CNY",
        "cn¥": "CNY",
        "jp¥": "JPY",
        "₩": "KRW",
        "원": "KRW",
        "₹": "INR",
        "₺": "TRY",
        "tl": "TRY",
        "₽": "RUB",
        "руб": "RUB",
        "₴": "UAH",
        "грн": "UAH",
        "₪": "ILS",
        "₫": "VND",
        "đ": "VND",
        "฿": "THB",
        "₱": "PHP",
        "₦": "NGN",
        "₸": "KZT",
        "₾": "GEL",
        "zł": "PLN",
        "zl": "PLN",
        "kč": "CZK",
        "kc": "CZK",
        "ft": "HUF",
        "lei": "RON",
        "лв": "BGN",
        "fr": "CHF",
        "sfr": "CHF",
        "din": "RSD",
        "дин": "RSD",
        "ден": "MKD",
        "lek": "ALL",
        "vnđ": "VND",
        "บาท": "THB",
        "rmb": "CNY",
        "人民币": "CNY",
        "nt$": "TWD",
        "mop$": "MOP",
        "col$": "COP",
        "mex$": "MXN",
        "rd$": "DOP",
        "ar$": "ARS",
        "₡": "CRC",
        "₲": "PYG",
        "gs": "PYG",
        "৳": "BDT",
        "tk": "BDT",
        "тг": "KZT",
        "сум": "UZS",
        "₵": "GHS",
        "gh₵": "GHS",
        "ksh": "KES",
        "tsh": "TZS",
        "r": "ZAR",
        "kd": "KWD",
        "bd": "BHD",
        "jd": "JOD",
        "sr": "SAR",
        "\u20c1": "SAR",  # the riyal's own sign, since 2025
        "دج": "DZD",
    }
)
# Signs with points or strokes inside; `S/.` is one, and so is Arabic's `د.ك`.
_SIGNS: Final = MappingProxyType(
    {
        "د.ك": "KWD",
        "د.إ": "AED",
        "ر.س": "SAR",
        "ر.ق": "QAR",
        "ر.ع": "OMR",
        "د.ب": "BHD",
        "د.أ": "JOD",
        "د.ا": "JOD",
        "د.ع": "IQD",
        "د.ت": "TND",
        "د.ج": "DZD",
        "د.م": "MAD",
        "ج.م": "EGP",
        "ل.ل": "LBP",
        "s/": "PEN",
        "b/": "PAB",
        "u$s": "USD",
    }
)
_ISO: Final = frozenset(
    (
        *("AED", "ALL", "AMD", "ARS", "AUD", "AZN", "BAM", "BDT", "BGN", "BHD", "BND", "BOB", "BRL", "BYN"),
        *("CAD", "CHF", "CLP", "CNY", "COP", "CRC", "CZK", "DKK", "DOP", "DZD", "EGP", "EUR", "GBP", "GEL"),
        *("GHS", "GTQ", "HKD", "HNL", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JOD", "JPY", "KES"),
        *("KRW", "KWD", "KZT", "LBP", "LKR", "MAD", "MDL", "MKD", "MUR", "MXN", "MYR", "NGN", "NIO", "NOK"),
        *("NPR", "NZD", "OMR", "PAB", "PEN", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "SAR"),
        *("SEK", "SGD", "THB", "TND", "TRY", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VES", "VND"),
        *("XAF", "XOF", "ZAR"),
    )
)
_THREE_DECIMALS: Final = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
# Currencies that do not say whose, and what shops write before or behind an amount without changing it.
_HARMLESS: Final = frozenset(
    (
        *("$", "¥", "￥", "kr", "kr.", "rs", "rm", "rp", "р", "p", "ab", "von", "nur", "jetzt", "preis"),
        *("from", "only", "now", "price", "just", "à", "partir", "de", "dès", "prix", "da", "desde", "por"),
        *("vanaf", "voor", "od", "cena", "fra", "från", "pris", "alk", "ca", "inkl", "incl", "mwst", "vat"),
        *("ttc", "ht", "tax", "iva", "btw", "moms", "*", "(", ")", "ex", "inc", "excl", "exkl", "brutto"),
        *("netto", "incluido", "incluida", "each", "per", "pro", "je", "stück", "stk", "sale", "regular"),
        *("special", "our", "₨", "bs", "le", "dh", "dhs", "﷼", "税込", "税抜", "税別", "含税"),
    )
)
_RUN: Final = re.compile(r"\d+(?:[.,'’´`\s]\d+)*")
_WORD: Final = re.compile(r"[^\W\d_]+[$¥₵]?|[^\w\s]", re.UNICODE)
_SPACED: Final = re.compile(r"['’´`\s]")
_DASHES: Final = "-‐‑‒–—−"
_SIGN: Final = re.compile("|".join(re.escape(sign) for sign in _SIGNS), re.IGNORECASE)
_BETWEEN: Final = re.compile(r"(\d)\s?([€£$])\s?(\d\d)(?!\d)")  # `89€90`, as French shops set it
_FOOTNOTES: Final = str.maketrans("", "", "¹²³⁴⁵")
# Marks of the writing's direction are seen by nobody.
_FOREIGN: Final = str.maketrans(
    {"٫": ".", "٬": ",", "，": ",", "．": ".", "（": "(", "）": ")", "\xa0": " "}
    | dict.fromkeys("\u200b\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff")
)


@lru_cache(4_096)
def read_amount(text: str) -> tuple[float, str | None] | None:
    """The amount and, when the text says it, its currency; None when it is no single amount.

    A lone separator before three digits parts thousands (`1,189`), except that a lone dot without any
    currency beside it is the decimal point of a machine (`1.189`, as schema.org and GA4 have it).
    """
    if len(text) > MAX_LENGTH:
        return None
    text = (unescape(text) if "&" in text else text).translate(_FOREIGN).strip()
    if (split := _BETWEEN.search(text)) is not None and text.count(split[2]) == 1:
        text = _BETWEEN.sub(r"\1.\3 \2", text)
    text = _SIGN.sub(lambda sign: f" {_SIGNS[sign[0].casefold()]} ", text)
    found = _RUN.search(text)
    if found is None:
        return None
    before, after = text[: found.start()], text[found.end() :]
    after = after[:1] + after[1:].translate(_FOOTNOTES)
    if any(letter.isdigit() for letter in after):
        return None
    known, currency = _beside(f"{before} {_without_dash(after)}")
    if not known:
        return None
    printed = bool(before.strip(" +-−") or after.strip())
    number = _number(found[0], printed, currency in _THREE_DECIMALS)
    if number is None:
        return None
    negative = any(letter in _DASHES for letter in before)
    return -number if negative else number, currency


def currency_in(text: object) -> str | None:
    """The currency that a price names (`12,50 €`); None when it names none, or one of several."""
    if type(text) is not str:
        return None
    read = read_amount(text)
    return read[1] if read is not None else None


def _without_dash(after: str) -> str:
    """`12,–` and `12.-` have no cents; the dash is no minus."""
    return re.sub(rf"^\s*[.,]?\s?[{_DASHES}]{{1,2}}", " ", after, count=1)


def _beside(text: str) -> tuple[bool, str | None]:
    """Whether everything beside the digits is understood, and the currency it names."""
    currency: str | None = None
    for word in _WORD.findall(text):
        folded = word.casefold()
        if (code := word.upper()) in _ISO or (code := _CURRENCIES.get(folded, "")):
            if currency is not None and currency != code:
                return False, None
            currency = code
        elif folded not in _HARMLESS and word not in (*_DASHES, "+", ".", ",", "/", ":"):
            return False, None
    return True, currency


def _number(run: str, printed: bool, three_decimals: bool) -> float | None:
    """Digits and separators as a number."""
    spaced = bool(_SPACED.search(run))
    groups = _SPACED.split(run)
    last = groups[-1]
    marks = [letter for letter in last if letter in ".,"]
    if spaced:
        if any(mark in group for group in groups[:-1] for mark in ".,"):
            return None
        whole, mark, cents = last.partition(marks[0]) if marks else (last, "", "")
        if len(marks) > 1 or not _are_thousands([*groups[:-1], whole]):
            return None
        return float(f"{''.join(groups[:-1])}{whole}{'.' if mark else ''}{cents}")
    kinds = set(marks)
    if not marks:
        return float(run)
    if len(kinds) == 2:
        decimal = marks[-1]
        thousands = "," if decimal == "." else "."
        whole, _, cents = run.rpartition(decimal)
        if decimal in whole or not _are_thousands(whole.split(thousands)):
            return None
        return float(f"{whole.replace(thousands, '')}.{cents}")
    mark = marks[0]
    parts = run.split(mark)
    if len(marks) > 1:
        return float("".join(parts)) if _are_thousands(parts) else None
    groups_of_three = _are_thousands(parts) and not parts[0].startswith("0")
    if groups_of_three and not three_decimals and (mark == "," or printed):
        return float("".join(parts))
    return float(f"{parts[0]}.{parts[1]}")


def _are_thousands(parts: list[str]) -> bool:
    """`1`, `234`, `567`; Indian shops group by two before the last three."""
    return (
        len(parts) > 1
        and 0 < len(parts[0]) <= 3
        and len(parts[-1]) == 3
        and all(len(part) in (2, 3) for part in parts[1:-1])
    )
