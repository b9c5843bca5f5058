"""The words of the visitor's page in the reader's language: gettext, domain `visitor`, English in the source.

`scripts/words` brings locale/<language>/LC_MESSAGES/visitor.po and .mo up to date.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from functools import cache
from pathlib import Path

DOMAIN = "visitor"
LOCALE = Path(__file__).parent / "locale"
_SIGNS = {
    "en": (",", "."),
    "de": (".", ","),
    "pl": ("\u00a0", ","),
}  # between the thousands, before the cents


class Words:
    """One language. Called with an English text it gives the text, its `%(name)s` filled in."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._known = gettext.translation(DOMAIN, LOCALE, [language], fallback=True)

    def __call__(self, text: str, /, **values: object) -> str:
        return self._known.gettext(text) % values

    def amount(self, value: float, currency: str) -> str:
        """1234.5 → 1,234.50 EUR, with the language's own signs."""
        thousands, cents = _SIGNS[self.language]
        whole, _, part = f"{value:,.2f}".partition(".")
        return f"{whole.replace(',', thousands)}{cents}{part} {currency}"


def N_(text: str) -> str:  # gettext's own name for "to be translated later"
    """Marks a text for the translators and gives it back."""
    return text


words_of: Callable[[str], Words] = cache(Words)
