"""The addresses that a segment tells of who enters and leaves it, as a marketer writes them. Pure.

Whether an address is one of the open Internet is looked at when it is called, for names change their meaning.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from habitue_recommender.rulebook.reader import Reader

MOST_ADDRESSES = 5  # of one segment
MAX_LENGTH = 1_000  # characters; those of Power Automate have some 250


def read_webhooks(reader: Reader, name: str = "webhooks") -> tuple[str, ...]:
    """The field's addresses, each once; what is wrong is noted at its place."""
    value = reader.raw.get(name)
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        reader.wrong(name, "this is not a list of addresses")
        return ()
    if len(value) > MOST_ADDRESSES:
        reader.wrong(name, f"this has {len(value):,} addresses; there is room for {MOST_ADDRESSES}")
        return ()
    found: dict[str, None] = {}
    for place, one in enumerate(value):
        if (wrong := address_problem(one)) is not None:
            reader.wrong(f"{name}.{place}", wrong)
        elif one in found:
            reader.wrong(f"{name}.{place}", "this address is there twice")
        else:
            found[one] = None
    return tuple(found)


def address_problem(value: object) -> str | None:
    """Why this cannot be an address to tell; None when it can."""
    if not isinstance(value, str) or not value:
        return "this is not an address"
    if len(value) > MAX_LENGTH:
        return f"this has {len(value):,} characters; there is room for {MAX_LENGTH:,}"
    if not value.isprintable() or " " in value or "\\" in value:
        return "an address has no spaces, backslashes or unprintable characters"
    try:
        split = urlsplit(value)
        port_fits = split.port is None or split.port > 0
    except ValueError:
        return "this address cannot be read"
    if split.scheme not in ("https", "http") or not split.hostname or not port_fits:
        return "an address begins with https:// and names a host"
    if split.username is not None or split.password is not None:
        return "an address has no user name or password in it; messages are signed"
    if split.fragment:
        return "an address ends before the #"
    return None
