"""The door behind the panel "What does Habitue know?": the visitor's profile with names to its ids."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from habitue_shop.known_visitor import NotKnown, profile_of
from habitue_shop.shop import Shop

MAX_NAMES = 200


class Panel:
    """Answers `/shop/panel` with `{profile, items}`; `items` holds names and tiles for the profile's ids."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def profile(self, request: Request) -> Response:
        try:
            profile = await profile_of(request, self._shop.settings)
        except NotKnown as reason:
            return _answer({"profile": None, "message": str(reason)})
        return _answer({"profile": profile, "items": await self._names(profile)})

    async def _names(self, profile: dict[str, Any]) -> dict[str, dict[str, Any]]:
        known = (await self._shop.shelves()).by_id
        path = self._shop.settings.path
        names: dict[str, dict[str, Any]] = {}
        for item_id in _texts(profile):
            if len(names) < MAX_NAMES and (product := known.get(item_id)):
                names[item_id] = {
                    "name": product.full_name,
                    "price": product.price,
                    "url": f"{path}/p/{item_id}",
                    "image_url": f"{path}/tile/{item_id}.svg",
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
