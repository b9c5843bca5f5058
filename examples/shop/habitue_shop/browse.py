"""The pages to look around on: home, shelves, a product, search."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from habitue_shop.journey import Product, category_path
from habitue_shop.shelves import PRICE_BANDS, SORTS, Filters, brands_of, slug
from habitue_shop.shop import Shop
from habitue_shop.tracking import Call, product_properties

PAGE_SIZE = 24


class Browse:
    """Handlers that only read."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def home(self, request: Request) -> Response:
        shelves = await self._shop.shelves()
        fresh = shelves.shelf("fruit-vegetables")
        return await self._shop.page(
            request,
            "home.html",
            "home",
            title="Groceries, delivered",
            season=fresh.products[:6] if fresh else (),
            laid_out=await self._shop.laid_out(request),
        )

    async def shelf(self, request: Request) -> Response:
        shelves = await self._shop.shelves()
        shelf = shelves.shelf(request.path_params["path"].strip("/"))
        if shelf is None:
            return await self.not_found(request)
        filters = _filters(request)
        found = filters.apply(shelf.products)
        path = "/".join(shelf.path)
        crumbs = [
            shelves.shelf("/".join(shelf.address.split("/")[:depth])) for depth in range(1, len(shelf.path))
        ]
        return await self._shop.page(
            request,
            "shelf.html",
            "category",
            title=shelf.label,
            category=path,
            calls=[self._list_viewed(request, path, _paged(found, request)[0])],
            shelf=shelf,
            crumbs=[crumb for crumb in crumbs if crumb],
            below=shelves.below(shelf.path),
            brands=brands_of(shelf.products),
            **_listing(request, filters, found),
        )

    async def product(self, request: Request) -> Response:
        shelves = await self._shop.shelves()
        product = shelves.by_id.get(request.path_params["item_id"])
        if product is None:
            return await self.not_found(request)
        base_url = self._shop.base_url(request)
        parts = (product.department, product.category, product.type)
        crumbs = [shelves.shelf(address) for address in _addresses(parts)]
        return await self._shop.page(
            request,
            "product.html",
            "product",
            title=product.name,
            item=product.item_id,
            category=category_path(product),
            calls=[("track", "Product Viewed", product_properties(product, base_url))],
            product=product,
            crumbs=[crumb for crumb in crumbs if crumb],
        )

    async def search(self, request: Request) -> Response:
        query = request.query_params.get("q", "").strip()[:200]
        found = (await self._shop.shelves()).search(query)
        filters = _filters(request)
        calls: list[Call] = []
        if query:
            calls.append(("track", "Products Searched", {"query": query, "results": len(found)}))
        return await self._shop.page(
            request,
            "search.html",
            "search",
            title=f"Search: {query}" if query else "Search",
            calls=calls,
            brands=brands_of(found),
            **_listing(request, filters, filters.apply(found)),
        )

    async def not_found(self, request: Request, _error: Exception | None = None) -> Response:
        return await self._shop.page(request, "not_found.html", "other", title="Not found", status_code=404)

    def _list_viewed(self, request: Request, path: str, shown: list[Product]) -> Call:
        base_url = self._shop.base_url(request)
        listed = [product_properties(product, base_url) for product in shown[:12]]
        return ("track", "Product List Viewed", {"category": path, "products": listed})


def _addresses(parts: tuple[str, ...]) -> list[str]:
    return ["/".join(slug(part) for part in parts[: depth + 1]) for depth in range(len(parts))]


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else default


def _filters(request: Request) -> Filters:
    asked = request.query_params
    sort = asked.get("sort", "")
    return Filters(
        brand=asked.get("brand", "")[:100],
        band=_number(asked.get("band", ""), -1),
        sort=sort if sort in SORTS else "",
    )


def _paged(found: list[Product], request: Request) -> tuple[list[Product], int, int]:
    """The products of the page asked for, its number and the number of pages."""
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(1, _number(request.query_params.get("page", ""), 1)), pages)
    return found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE], page, pages


def _listing(request: Request, filters: Filters, found: list[Product]) -> dict[str, Any]:
    """What `listing.html` needs: the products, the filters, and addresses that change one of them."""
    shown, page, pages = _paged(found, request)
    asked = {
        name: request.query_params[name]
        for name in ("q", "brand", "band", "sort")
        if name in request.query_params
    }

    def address(**changes: object) -> str:
        wanted = {**asked, **changes}
        return "?" + urlencode({name: value for name, value in wanted.items() if value not in ("", None)})

    return {
        "shown": shown,
        "number": len(found),
        "page": page,
        "pages": pages,
        "filters": filters,
        "bands": [label for label, _, _ in PRICE_BANDS],
        "sorts": SORTS,
        "address": address,
    }
