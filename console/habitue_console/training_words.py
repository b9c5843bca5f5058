"""What the log of trainings notes in English, in the reader's language (pure).

A training writes down sentences with numbers, paths and names in them; each of those that it knows stands
here with gaps. What is not known (a line of an older version, the system's own words) is shown as it is.
"""

from __future__ import annotations

import re

from .words import N_, Words

NOTES = (
    N_(
        "there is nothing to learn from yet: no product was viewed or bought by anybody who may be"
        " remembered; until then, offers come from what is popular right now"
    ),
    N_("it did not come to an end {times} times; is memory short?"),
    N_("took {taken} MB, {allowed} are allowed ([recommender] train_memory_mb)"),
    N_("learnt from {visits} visits, the live one from {before}; `habitue models publish` overrules"),
    N_("too few visits of the last day to compare by"),
    N_("nothing of the live one can be asked"),
    N_("what is live is held; `habitue models unpin` lets go"),
    N_("there is no model {name}; there are {names}"),
    N_("settings of {name}: {what}"),
    N_("{place}: the archive cannot be read: {what}"),
    N_("{place}: damaged ({what}); train again or roll back"),
    N_("{place}: {name} is damaged; train again or roll back"),
    N_("{place}: {name} is missing or cut short; train again or roll back"),
    N_("{place}: there is no artifact (no manifest.json)"),
    N_("{place}: manifest.json cannot be read ({what})"),
)

_GAP = re.compile(r"\{(\w+)\}")


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = _GAP.split(sentence)
    pieces = [re.escape(part) if at % 2 == 0 else f"(?P<{part}>.+?)" for at, part in enumerate(parts)]
    return re.compile("".join(pieces), re.DOTALL)


_PATTERNS = tuple((_pattern(sentence), sentence) for sentence in NOTES)


def told(note: str, _: Words) -> str:
    """A note of a training, in the reader's language where its sentence is known."""
    for pattern, sentence in _PATTERNS:
        found = pattern.fullmatch(note)
        if found is not None:
            return _filled(_.translations.gettext(sentence), found.groupdict())
    return note


def _filled(sentence: str, values: dict[str, str]) -> str:
    """By hand: what stands in a gap may hold braces and per cent signs of its own."""
    return _GAP.sub(lambda gap: values[gap[1]], sentence)
