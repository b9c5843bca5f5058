"""The languages that people read us in, and which of them somebody asks for. Pure."""

from __future__ import annotations

LANGUAGES = ("en", "de", "pl")
_MOST_ACCEPTED = 20


def accepted_language(header: str) -> str:
    """The best of an Accept-Language header (RFC 9110, 12.5.4), else English."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:_MOST_ACCEPTED]):
        tag, _, parameters = part.strip().partition(";")
        name, _, quality = parameters.strip().partition("=")
        try:
            weight = float(quality) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        primary = tag.strip().lower().partition("-")[0]
        if primary in LANGUAGES and weight > 0:
            wanted.append((-weight, place, primary))
    return min(wanted)[2] if wanted else "en"
