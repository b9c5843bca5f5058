"""What a command tells a person when it cannot do what was asked."""

from __future__ import annotations


class CommandError(Exception):
    """The text is one sentence, and says what helps."""


def cause(error: Exception) -> str:
    """Why something did not answer, in the system's words: "Connection refused", without its number."""
    inner = getattr(error, "reason", error)  # of a URLError
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
