"""What Habitue knows of the visitor of one request, asked by the backend through the public API.

The visitor is handed on by the value of Habitue's cookie; nobody can ask for anybody else.
"""

from __future__ import annotations

from typing import Any

import httpx
from starlette.requests import Request

from habitue_shop.settings import ShopSettings

TIMEOUT = 2.0  # seconds; it may be late, never in the way


class NotKnown(Exception):
    """There is no profile to show; the message says why, in words for the visitor."""


async def profile_of(request: Request, settings: ShopSettings) -> dict[str, Any]:
    """The profile of whoever sent this request. Raises NotKnown."""
    cookie = request.cookies.get(settings.habitue_cookie)
    if not cookie:
        raise NotKnown("No visitor cookie yet: nothing is known about you.")
    headers = {"authorization": f"Bearer {settings.secret_key}", "x-habitue-visitor": cookie}
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            found = await client.get(f"{settings.habitue_url}/v1/profiles/me", headers=headers)
    except (httpx.HTTPError, ValueError) as error:
        raise NotKnown("Habitue does not answer at the moment.") from error
    if found.status_code == 404:
        raise NotKnown("Nothing is known about you yet.")
    try:
        profile = found.json() if found.status_code == 200 else None
    except ValueError:
        profile = None
    if not isinstance(profile, dict):
        raise NotKnown(f"Habitue answered {found.status_code}.")
    return profile


async def anonymous_id_of(request: Request, settings: ShopSettings) -> str | None:
    """The id of this visitor's device profile, or None where there is none or a user is logged in."""
    try:
        profile_id = (await profile_of(request, settings)).get("profile_id")
    except NotKnown:
        return None
    return profile_id if isinstance(profile_id, str) and not profile_id.startswith("user:") else None
