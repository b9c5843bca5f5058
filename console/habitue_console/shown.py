"""How numbers, money and times are written in the reader's language: the templates' filters (pure).

The three languages need little: the signs of a number, the order of a date. Babel would bring all of CLDR
(30 MB) into the server for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

from markupsafe import Markup

from habitue_recommender.explain.sayings import Saying, Share

from .words import Words, words_of

_THIN, _NARROW = "\u00a0", "\u202f"  # spaces at which no line breaks
_MARKS = {"en": (",", "."), "de": (".", ","), "pl": (_THIN, ",")}
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "PLN": "zł", "CHF": "CHF", "JPY": "¥", "CZK": "Kč"}
_DATES = {"en": "{d:%b} {d.day}, {d.year}", "de": "{d:%d.%m.%Y}", "pl": "{d:%d.%m.%Y}"}
_COMPACT = ((1_000_000_000, "B", " Mrd.", " mld"), (1_000_000, "M", " Mio.", " mln"), (10_000, "k", "k", "k"))


def filters(language: str) -> dict[str, Callable[..., Any]]:
    """The filters for one language."""
    _ = words_of(language)
    marks = _MARKS[language]

    def number(value: float | None, digits: int = 0) -> str:
        """1234567.8 → 1,234,568."""
        return "–" if value is None else _number(value, digits, marks)

    def compact(value: float | None) -> str:
        """1234567 → 1.2M; small ones as they are."""
        if value is None:
            return "–"
        for least, *units in _COMPACT:
            if abs(value) >= least:
                divisor = 1_000 if least == 10_000 else least
                unit = units[("en", "de", "pl").index(language)]
                return _number(value / divisor, 1 if value / divisor < 100 else 0, marks) + unit
        return _number(value, 0, marks)

    def money(value: float | None, currency: str = "EUR", digits: int = 2) -> str:
        """12.5, "USD" → $12.50; in German and Polish the sign stands behind."""
        if value is None:
            return "–"
        sign = _SYMBOLS.get(currency, currency)
        amount = _number(abs(value), digits, marks)
        minus = "−" if value < 0 else ""
        if language == "en":
            return f"{minus}{sign}{amount}" if len(sign) == 1 else f"{minus}{sign}{_NARROW}{amount}"
        return f"{minus}{amount}{_THIN}{sign}"

    def percent(share: float | None, digits: int = 1) -> str:
        """0.123 → 12.3 %."""
        if share is None:
            return "–"
        return _number(share * 100, digits, marks) + ("%" if language == "en" else f"{_THIN}%")

    def when(ms: int | None, zone: tzinfo = UTC) -> str | Markup:
        """A moment in the shop's zone, as a <time>."""
        if not ms:
            return "–"
        moment = datetime.fromtimestamp(ms / 1_000, zone)
        return _time(moment, f"{_DATES[language].format(d=moment)}, {moment:%H:%M}")

    def day(ms: int | None, zone: tzinfo = UTC) -> str | Markup:
        if not ms:
            return "–"
        moment = datetime.fromtimestamp(ms / 1_000, zone)
        return _time(moment, _DATES[language].format(d=moment))

    def ago(ms: int | None, now: int) -> str | Markup:
        """How long before `now`, in the largest unit that fits."""
        if not ms:
            return "–"
        return _time(datetime.fromtimestamp(ms / 1_000, UTC), _ago(_, (now - ms) // 1_000))

    return {
        "picture": picture,
        "told": told(language),
        "number": number,
        "compact": compact,
        "money": money,
        "percent": percent,
        "when": when,
        "day": day,
        "ago": ago,
    }


def told(language: str) -> Callable[[Saying], str]:
    """Writes a saying of the recommender in a language, its figures too."""
    translate, marks = words_of(language).translations.gettext, _MARKS[language]

    def figure(value: float) -> str:
        if isinstance(value, Share):
            return _shortest(value * 100, 1, marks) + ("%" if language == "en" else f"{_THIN}%")
        return _shortest(value, 2 if abs(value) >= 1 else 4, marks)

    return lambda saying: saying.text(translate, figure)


def picture(item: Any) -> str:
    """The address of an item's picture, or "" where none is to be fetched.

    What only pages told of an item may not make a marketer's browser call at a host of its choice.
    """
    address: str = item.image_url if item is not None else ""
    if address.startswith("/") and not address.startswith(("//", "/\\")):
        return address
    return address if address.startswith(("https://", "http://")) and item.verified else ""


def _shortest(value: float, digits: int, marks: tuple[str, str]) -> str:
    """With as many digits as say something: 8.33, 2.5, 12."""
    needed = next((n for n in range(digits) if round(value, n) == round(value, digits)), digits)
    return _number(value, needed, marks)


def _number(value: float, digits: int, marks: tuple[str, str]) -> str:
    written = f"{value:,.{digits}f}"
    return written.translate({ord(","): marks[0], ord("."): marks[1], ord("-"): "−"})


def _time(moment: datetime, text: str) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), f"{moment:%Y-%m-%d %H:%M:%S %Z}", text
    )


def _ago(_: Words, seconds: int) -> str:
    if seconds < 5:
        return _("just now")
    if seconds < 60:
        return _.ngettext("%(num)s second ago", "%(num)s seconds ago", seconds)
    if seconds < 3_600:
        return _.ngettext("%(num)s minute ago", "%(num)s minutes ago", seconds // 60)
    if seconds < 86_400:
        return _.ngettext("%(num)s hour ago", "%(num)s hours ago", seconds // 3_600)
    if seconds < 60 * 86_400:
        return _.ngettext("%(num)s day ago", "%(num)s days ago", seconds // 86_400)
    return _.ngettext("%(num)s month ago", "%(num)s months ago", seconds // (30 * 86_400))
