"""A plant shop in FastAPI, with Habitue on its own host: `uvicorn shop:app` in this folder.

What belongs to Habitue: `mount`, `track`, `order`, `consent` and `identify` where they happen, and
`habitue_tag()` in the base template, and the slots that each page asks for.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from starlette.middleware.sessions import SessionMiddleware

import habitue.asgi
import habitue.page
from habitue import AsyncClient

HERE = Path(__file__).parent
CURRENCY = "EUR"
ITEMS: dict[str, dict[str, Any]] = {
    item_id: {"item_id": item_id, "name": name, "category": category, "price": price}
    for item_id, name, category, price in (
        ("plant-01", "Window Monstera", "Plants/Large", 39.00),
        ("plant-02", "Patient Palm", "Plants/Large", 54.00),
        ("plant-03", "Small Cactus", "Plants/Small", 7.50),
        ("plant-04", "Lucky Clover", "Plants/Small", 6.00),
        ("plant-05", "Rosemary", "Plants/Herbs", 4.80),
        ("plant-06", "Tall Sunflower", "Plants/Flowers", 8.90),
        ("plant-07", "Late Tulip", "Plants/Flowers", 5.40),
        ("pot-11", "Clay Pot", "Pots", 12.00),
        ("tool-01", "Watering Can", "Tools", 22.00),
        ("tool-02", "Good Gloves", "Tools", 14.50),
    )
}
templates = Jinja2Templates(HERE / "templates")
templates.env.globals["habitue_tag"] = habitue.page.tag


def create_shop(url: str, write_key: str, secret_key: str) -> FastAPI:
    shop = FastAPI(title="Green Corner")
    client = AsyncClient(secret_key, url)
    habitue.asgi.mount(
        shop,
        "/h",
        client=client,
        write_key=write_key,
        user=lambda scope: scope["session"].get("user"),
        consent=agreed,
    )
    shop.add_middleware(SessionMiddleware, secret_key=os.environ.get("SHOP_SECRET", "only-for-trying-it-out"))
    shop.state.habitue = client
    shop.mount("/static", StaticFiles(directory=HERE / "static"), "static")

    def page(request: Request, name: str, **more: Any) -> Response:
        return templates.TemplateResponse(
            request,
            f"{name}.html",
            {
                "count": sum(cart(request).values()),
                "user": request.session.get("user"),
                "asked": request.cookies.get("shop_consent"),
                **more,
            },
        )

    @shop.get("/", response_class=HTMLResponse)
    async def home(request: Request) -> Response:
        offers = await habitue.page.slot_async("home-hero", page_type="home")
        return page(request, "home", items=ITEMS.values(), offers=offers)

    @shop.get("/p/{item_id}", response_class=HTMLResponse)
    async def product(request: Request, item_id: str) -> Response:
        item = found(item_id)
        client.track("Product Viewed", described(item))
        offers = await habitue.page.slot_async(
            "pdp-related", item=item_id, category=item["category"], page_type="product"
        )
        return page(request, "product", item=item, offers=offers)

    @shop.get("/tile/{item_id}.svg")
    def tile(item_id: str) -> Response:
        headers = {"cache-control": "max-age=86400"}
        return Response(drawing(found(item_id)), media_type="image/svg+xml", headers=headers)

    @shop.post("/cart/{item_id}")
    def add(request: Request, item_id: str) -> Response:
        """A plain function: it runs in a thread, and the visitor comes along."""
        item = found(item_id)
        request.session["cart"] = {**cart(request), item_id: cart(request).get(item_id, 0) + 1}
        client.track("Product Added", {**described(item), "quantity": 1})
        return RedirectResponse("/cart", 303)

    @shop.get("/cart", response_class=HTMLResponse)
    async def basket(request: Request) -> Response:
        lines = [(ITEMS[item_id], quantity) for item_id, quantity in cart(request).items()]
        offers = await habitue.page.slot_async("cart-extras", page_type="cart")
        return page(request, "cart", lines=lines, total=total(cart(request)), offers=offers)

    @shop.post("/checkout")
    async def checkout(request: Request) -> Response:
        held = cart(request)
        if not held:
            return RedirectResponse("/cart", 303)
        order_id = f"plant-{secrets.token_hex(4)}"
        items = [{**described(ITEMS[item_id]), "quantity": count} for item_id, count in held.items()]
        client.order(order_id, items, value=total(held), currency=CURRENCY)
        request.session.pop("cart")
        request.session["ordered"] = order_id
        return RedirectResponse("/thanks", 303)

    @shop.get("/thanks", response_class=HTMLResponse)
    async def thanks(request: Request) -> Response:
        offers = await habitue.page.slot_async("thanks-next", page_type="thanks")
        return page(request, "thanks", order_id=request.session.get("ordered", ""), offers=offers)

    @shop.post("/login")
    async def login(request: Request, name: Annotated[str, Form(max_length=40)]) -> Response:
        request.session["user"] = name.strip()
        client.identify(name.strip(), {"shop": "plants"})
        return RedirectResponse("/", 303)

    @shop.post("/logout")
    async def logout(request: Request) -> Response:
        request.session.clear()
        habitue.page.logout()
        return RedirectResponse("/", 303)

    @shop.post("/consent")
    async def consent(answer: Annotated[str, Form()], back: Annotated[str, Form()] = "/") -> Response:
        said = "granted" if answer == "yes" else "denied"
        client.consent(said, said)
        own = back.startswith("/") and not back.startswith(("//", "/\\"))
        response = RedirectResponse(back if own else "/", 303)
        response.set_cookie("shop_consent", said, max_age=180 * 86_400, samesite="lax", httponly=True)
        return response

    return shop


def agreed(scope: Any) -> dict[str, str] | None:
    said = Request(scope).cookies.get("shop_consent")
    return {"analytics": said, "personalization": said} if said in ("granted", "denied") else None


def found(item_id: str) -> dict[str, Any]:
    if item_id not in ITEMS:
        raise HTTPException(404)
    return ITEMS[item_id]


def cart(request: Request) -> dict[str, int]:
    held: dict[str, int] = request.session.get("cart", {})
    return held


def total(held: dict[str, int]) -> float:
    return round(sum(float(ITEMS[item_id]["price"]) * quantity for item_id, quantity in held.items()), 2)


def described(item: dict[str, Any]) -> dict[str, Any]:
    """An item as events and the catalog carry it."""
    return {
        **{name: item[name] for name in ("item_id", "name", "category", "price")},
        "currency": CURRENCY,
        "url": f"/p/{item['item_id']}",
        "image_url": f"/tile/{item['item_id']}.svg",
    }


def catalog() -> list[dict[str, Any]]:
    """What `PUT /v1/catalog` takes."""
    return [{**described(item), "availability": "in_stock"} for item in ITEMS.values()]


def drawing(item: dict[str, Any]) -> str:
    hue = sum(map(ord, item["item_id"])) * 53 % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<rect width="100" height="100" fill="hsl({hue} 40% 84%)"/>'
        f'<circle cx="50" cy="50" r="30" fill="hsl({hue} 45% 92%)"/><text x="50" y="64" font-size="40"'
        f' font-family="Georgia, serif" fill="hsl({hue} 35% 30%)" text-anchor="middle">'
        f"{item['name'][0]}</text></svg>"
    )


app = create_shop(
    os.environ.get("HABITUE_URL", "http://127.0.0.1:8000"),
    os.environ.get("HABITUE_WRITE_KEY", "demo"),
    os.environ.get("HABITUE_SECRET_KEY", "demo-secret"),
)
