"""What Python's JSON reader says of a broken text, in words that a translator knows."""

from __future__ import annotations

from ..words import N_, Words

# How its message begins → the sentence. They are those of json.decoder and json.scanner since 3.4; the
# last two came with 3.13.
_SENTENCES = {
    "Expecting value": N_("A value is missing here: a text in quotes, a number, true, false, a list …"),
    "Expecting property name enclosed in double quotes": N_("A name in double quotes belongs here."),
    "Expecting ':' delimiter": N_("A colon is missing between the name and its value."),
    "Expecting ',' delimiter": N_("A comma is missing here, or a closing bracket."),
    "Extra data": N_("The text goes on after its end: two files in one?"),
    "Unterminated string": N_("The text that begins here has no closing quote."),
    "Invalid control character": N_("A line break or another control character stands inside of a text."),
    "Invalid \\": N_("A backslash is followed by something that it cannot be followed by."),
    "Unexpected UTF-8 BOM": N_(
        "An invisible mark stands before the text; save the file as UTF-8 without it."
    ),
    "Illegal trailing comma": N_("A comma stands before a closing bracket."),
    "Exceeds the limit": N_("A number has too many digits."),
}


def json_mistake(message: str, _: Words) -> str:
    """The sentence for a message; one that nobody knows is shown as it is."""
    for begin, sentence in _SENTENCES.items():
        if message.startswith(begin):
            return _(sentence)
    return message
