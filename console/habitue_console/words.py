"""The console's words in the reader's language: gettext, domain `console`, English in the source.

In a template: `{{ _("Save") }}`, `{{ ngettext("%(num)s rule", "%(num)s rules", count) }}`, `{% trans %}`.
In a page: `_ = words(request)`, then `_("Saved %(name)s.", name=name)`. A text that is declared elsewhere
is marked with `N_("…")` and translated where it is shown. A per cent sign is written `%%`.
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

from starlette.requests import Request

from habitue_collector.languages import accepted_language

LANGUAGES = {"en": "English", "de": "Deutsch", "pl": "Polski"}
LOCALE = Path(__file__).parent / "locale"
DOMAIN = "console"
LANGUAGE_COOKIE = "habitue_console_language"
_BETWEEN = {"en": ",", "de": ".", "pl": "\u00a0"}


class Words:
    """One language. Called with an English text it gives the text, its `%(name)s` filled in."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._known = _translations(language)

    def __call__(self, text: str, /, **values: object) -> str:
        return self._known.gettext(text) % values

    def ngettext(self, one: str, many: str, num: int, /, **values: object) -> str:
        """By number; `%(num)s` is the number, written as in that language."""
        return self._known.ngettext(one, many, num) % {"num": self.written(num), **values}

    def written(self, num: int) -> str:
        """67110 → 67,110, with the language's own sign between the thousands."""
        return f"{num:,}".replace(",", _BETWEEN[self.language])

    @property
    def translations(self) -> gettext.NullTranslations:
        return self._known


def N_(text: str) -> str:  # gettext's own name for "to be translated later"
    """Marks a text for the translators and gives it back."""
    return text


def words(request: Request) -> Words:
    """The words for who asks."""
    found: Words | None = getattr(request.state, "words", None)
    return found or words_of("en")


@cache
def words_of(language: str) -> Words:
    return Words(language if language in LANGUAGES else "en")


def choose(chosen: str, accepted: str) -> str:
    """The language somebody chose, else the best of an Accept-Language header, else English (pure)."""
    return chosen if chosen in LANGUAGES else accepted_language(accepted)


@cache
def _translations(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, [language], fallback=True)
