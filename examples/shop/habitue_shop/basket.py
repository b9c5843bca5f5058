"""From the cart to the thank-you page. Nothing is paid and nothing is delivered."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from habitue_shop.known_visitor import anonymous_id_of
from habitue_shop.shop import Shop, read_form
from habitue_shop.tracking import cart_change, order_properties, product_properties, total
from habitue_shop.visit import Visit

FREE_DELIVERY = 35.0
DELIVERY = 4.90


def delivery(goods: float) -> float:
    """What delivery costs for goods of this value."""
    return 0.0 if goods >= FREE_DELIVERY or goods == 0 else DELIVERY


class Basket:
    """Handlers that change what the customer buys."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def cart(self, request: Request) -> Response:
        lines = await self._shop.lines(Visit(request.session).cart())
        base_url = self._shop.base_url(request)
        seen = {"products": [product_properties(product, base_url, quantity) for product, quantity in lines]}
        goods = total(lines)
        return await self._shop.page(
            request,
            "cart.html",
            "cart",
            title="Your basket",
            calls=[("track", "Cart Viewed", seen)],
            lines=lines,
            goods=goods,
            delivery=delivery(goods),
            free_from=FREE_DELIVERY,
        )

    async def change(self, request: Request) -> Response:
        """Adds to a line of the cart (`add`) or sets it (`quantity`); scripts get JSON, forms a redirect."""
        form = await read_form(request)
        item_id = form.get("item_id", "")
        product = (await self._shop.shelves()).by_id.get(item_id)
        visit = Visit(request.session)
        wants_json = "application/json" in request.headers.get("accept", "")
        if product is None:
            return (
                JSONResponse({"message": "The shop does not sell that."}, 404)
                if wants_json
                else self._shop.redirect("/cart")
            )
        if "quantity" in form:
            quantity = _quantity(form["quantity"])
        else:
            quantity = visit.cart().get(item_id, 0) + _quantity(form.get("add", "1"))
        change = visit.set_line(item_id, quantity)
        if wants_json:
            call = list(cart_change(product, self._shop.base_url(request), change)) if change else None
            return JSONResponse(
                {"cart_count": sum(visit.cart().values()), "call": call, "name": product.name}
            )
        if change:
            visit.note_change(item_id, change)
        return self._shop.redirect("/cart")

    async def checkout(self, request: Request) -> Response:
        lines = await self._shop.lines(Visit(request.session).cart())
        if not lines:
            return self._shop.redirect("/cart")
        base_url = self._shop.base_url(request)
        goods = total(lines)
        started = order_properties("", lines, base_url)
        del started["order_id"]
        return await self._shop.page(
            request,
            "checkout.html",
            "checkout",
            title="Checkout",
            calls=[("track", "Checkout Started", started)],
            lines=lines,
            goods=goods,
            delivery=delivery(goods),
        )

    async def order(self, request: Request) -> Response:
        """Takes the order: the backend reports it, and the thank-you page will, under the same order_id."""
        await read_form(request)  # an address to nowhere: not kept
        visit = Visit(request.session)
        lines = await self._shop.lines(visit.cart())
        if not lines:
            return self._shop.redirect("/cart")
        order_id = f"shop-{secrets.token_hex(6)}"
        properties = order_properties(order_id, lines, self._shop.base_url(request))
        device = None if visit.user_id else await anonymous_id_of(request, self._shop.settings)
        self._shop.reporter.order_completed(properties, user_id=visit.user_id, anonymous_id=device)
        visit.remember_order(order_id, {product.item_id: quantity for product, quantity in lines})
        visit.empty_cart()
        return self._shop.redirect("/thanks")

    async def thanks(self, request: Request) -> Response:
        order = Visit(request.session).last_order()
        if order is None:
            return self._shop.redirect("/")
        order_id, wanted = order
        lines = await self._shop.lines(wanted)
        properties = order_properties(order_id, lines, self._shop.base_url(request))
        goods = total(lines)
        return await self._shop.page(
            request,
            "thanks.html",
            "thanks",
            title="Thank you",
            calls=[("track", "Order Completed", properties)],
            order_id=order_id,
            lines=lines,
            goods=goods,
            delivery=delivery(goods),
        )


def _quantity(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
