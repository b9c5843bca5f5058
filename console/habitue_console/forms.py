"""Reads the fields of a form: text only, bounded, whatever was sent (pure but for the parsing)."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request

from .guard import MAX_FIELDS

MAX_TEXT = 20_000


async def read_form(request: Request) -> FormData:
    """The form of a request; the same one however often it is asked for."""
    return await request.form(max_fields=MAX_FIELDS)


def text(form: FormData, name: str, most: int = MAX_TEXT) -> str:
    """A field without the space around it; an uploaded file in its place is nothing."""
    value = form.get(name)
    return value.replace("\r\n", "\n").replace("\0", "").strip()[:most] if isinstance(value, str) else ""


def lines(form: FormData, name: str, most: int = 100) -> list[str]:
    """A field with one thing a line, or several divided by commas."""
    parts = text(form, name).replace(",", "\n").split("\n")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))[:most]
