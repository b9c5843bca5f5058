"""The demo shop as one Starlette application, to be mounted at `/shop` beside the collector."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from habitue_shop.basket import Basket
from habitue_shop.browse import Browse
from habitue_shop.panel import Panel
from habitue_shop.people import People
from habitue_shop.reporting import Reporter
from habitue_shop.settings import ShopSettings
from habitue_shop.shelves import slug
from habitue_shop.shop import HERE, Shop
from habitue_shop.tiles import department_tile, tile

_SESSION_DAYS = 30


class Tiles:
    """The drawn tiles; the same for ever, so browsers may keep them for a day without asking."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def product(self, request: Request) -> Response:
        found = (await self._shop.shelves()).by_id.get(request.path_params["item_id"])
        return _svg(tile(found)) if found else Response(status_code=404)

    async def department(self, request: Request) -> Response:
        for shelf in (await self._shop.shelves()).departments():
            if slug(shelf.label) == request.path_params["slug"]:
                return _svg(department_tile(shelf.label))
        return Response(status_code=404)


def _svg(text: str) -> Response:
    headers = {
        "cache-control": "public, max-age=86400",
        # An SVG opened by itself is a document; this one may do nothing.
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(text, media_type="image/svg+xml", headers=headers)


def create_shop(settings: ShopSettings | None = None, reporter: Reporter | None = None) -> Starlette:
    """The shop. Reads its data at the first request, not here.

    `reporter` is how the backend reports orders; by default through the SDK to `settings.habitue_url`.
    """
    settings = settings or ShopSettings()
    shop = Shop(settings, reporter or Reporter.connect(settings.secret_key, settings.habitue_url))
    browse, basket, people, tiles = Browse(shop), Basket(shop), People(shop), Tiles(shop)
    return Starlette(
        routes=[
            Route("/", browse.home),
            Route("/c/{path:path}", browse.shelf),
            Route("/p/{item_id}", browse.product),
            Route("/search", browse.search),
            Route("/cart", basket.cart),
            Route("/cart", basket.change, methods=["POST"]),
            Route("/checkout", basket.checkout),
            Route("/checkout", basket.order, methods=["POST"]),
            Route("/thanks", basket.thanks),
            Route("/login", people.login),
            Route("/login", people.log_in, methods=["POST"]),
            Route("/logout", people.log_out, methods=["POST"]),
            Route("/account", people.account),
            Route("/panel", Panel(shop).profile),
            Route("/tile/department/{slug}.svg", tiles.department),
            Route("/tile/{item_id}.svg", tiles.product),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[
            Middleware(
                SessionMiddleware,
                secret_key=settings.session_secret,
                session_cookie="shop_session",
                max_age=_SESSION_DAYS * 86_400,
                path=settings.path,
                same_site="lax",
            )
        ],
        exception_handlers={404: browse.not_found},
    )
