"""What a command tells a person when it cannot do what was asked."""

from __future__ import annotations


class CommandError(Exception):
    """The text is one sentence, and says what helps."""
