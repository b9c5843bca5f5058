"""The door behind the panel "What does Habitue know?": the visitor's profile, by public API only.

The shop's backend hands its visitor on with the value of Habitue's cookie; nobody can ask for anybody else.
"""

from __future__ import annotations

from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from habitue_shop.shop import Shop

TIMEOUT = 3.0  # seconds; a panel may be late, never in the way
MAX_NAMES = 200


class Panel:
    """Answers `/shop/panel` with `{profile, items}`; `items` holds names and tiles for the ids in the profile."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def profile(self, request: Request) -> Response:
        settings = self._shop.settings
        cookie = request.cookies.get(settings.habitue_cookie)
        if not cookie:
            return _answer({"profile": None, "message": "No visitor cookie yet: nothing is known about you."})
        headers = {"authorization": f"Bearer {settings.secret_key}", "x-habitue-visitor": cookie}
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT) as client:
                found = await client.get(f"{settings.habitue_url}/v1/profiles/me", headers=headers)
        except httpx.HTTPError:
            return _answer({"profile": None, "message": "Habitue does not answer at the moment."})
        if found.status_code == 404:
            return _answer({"profile": None, "message": "Nothing is known about you yet."})
        if found.status_code != 200:
            return _answer({"profile": None, "message": f"Habitue answered {found.status_code}."})
        profile = found.json()
        return _answer({"profile": profile, "items": await self._names(profile)})

    async def _names(self, profile: Any) -> dict[str, dict[str, Any]]:
        known = (await self._shop.shelves()).by_id
        names: dict[str, dict[str, Any]] = {}
        for item_id in _texts(profile):
            if len(names) < MAX_NAMES and (product := known.get(item_id)):
                names[item_id] = {
                    "name": product.name,
                    "price": product.price,
                    "url": f"{self._shop.settings.path}/p/{item_id}",
                    "image_url": f"{self._shop.settings.path}/tile/{item_id}.svg",
                }
        return names


def _texts(value: Any) -> set[str]:
    """Every text in the answer, keys too: those that are item ids get a name."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return set(value).union(*(_texts(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_texts(inner) for inner in value))
    return set()


def _answer(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers={"cache-control": "no-store"})
