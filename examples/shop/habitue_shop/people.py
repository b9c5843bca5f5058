"""Login as one of the real households, the account page, logout."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from habitue_shop.households import household, households, usual_items
from habitue_shop.shop import Shop, read_form
from habitue_shop.visit import Visit


class People:
    """Handlers that know who the customer is. No passwords: it is a demo, and it says so."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def login(self, request: Request) -> Response:
        people = await run_in_threadpool(households)
        return await self._shop.page(request, "login.html", "other", title="Log in", people=people)

    async def log_in(self, request: Request) -> Response:
        user_id = (await read_form(request)).get("user_id", "")
        if await run_in_threadpool(household, user_id) is None:
            return self._shop.redirect("/login")
        Visit(request.session).log_in(user_id)
        return self._shop.redirect("/account")

    async def account(self, request: Request) -> Response:
        visit = Visit(request.session)
        who = await run_in_threadpool(household, visit.user_id) if visit.user_id else None
        if who is None:
            return self._shop.redirect("/login")
        known = (await self._shop.shelves()).by_id
        bought = await run_in_threadpool(usual_items, who.user_id)
        usual = [(known[item_id], times) for item_id, times in bought if item_id in known][:12]
        order = visit.last_order()
        return await self._shop.page(
            request,
            "account.html",
            "account",
            title="Your account",
            usual=usual,
            order_id=order[0] if order else "",
        )

    async def log_out(self, request: Request) -> Response:
        Visit(request.session).log_out()
        return self._shop.redirect("/")
