"""A tea shop in Flask, with Habitue on its own host: `flask --app "shop:create_shop()" run` in this folder.

What belongs to Habitue: the extension, two loaders, `track`, `order`, `consent` and `identify` where they
happen, and `habitue_tag()` and `habitue_slot(…)` in the templates.
"""

from __future__ import annotations

import os
import secrets
from typing import Any

from flask import Flask, Response, abort, redirect, render_template, request, session, url_for
from flask import Request as FlaskRequest
from werkzeug.wrappers import Response as AnyResponse

from habitue.flask import Habitue

CURRENCY = "EUR"
ITEMS: dict[str, dict[str, Any]] = {
    item_id: {"item_id": item_id, "name": name, "category": category, "price": price}
    for item_id, name, category, price in (
        ("tea-01", "Morning Assam", "Tea/Black", 8.90),
        ("tea-02", "Smoky Lapsang", "Tea/Black", 11.50),
        ("tea-03", "Darjeeling First Flush", "Tea/Black", 14.20),
        ("tea-04", "Sencha of the Coast", "Tea/Green", 9.80),
        ("tea-05", "Jasmine Pearls", "Tea/Green", 13.60),
        ("tea-06", "Mountain Mint", "Tea/Herbal", 6.40),
        ("pot-01", "Stone Teapot", "Ware/Pots", 48.00),
        ("pot-02", "Glass Teapot", "Ware/Pots", 32.00),
        ("cup-01", "Everyday Cup", "Ware/Cups", 9.50),
        ("cup-02", "Gaiwan", "Ware/Cups", 18.00),
    )
}

habitue = Habitue()


def create_shop(**config: Any) -> Flask:
    shop = Flask(__name__)
    shop.config.update(
        SECRET_KEY=os.environ.get("SHOP_SECRET", "only-for-trying-it-out"),
        HABITUE_URL=os.environ.get("HABITUE_URL", "http://127.0.0.1:8000"),
        HABITUE_WRITE_KEY=os.environ.get("HABITUE_WRITE_KEY", "demo"),
        HABITUE_SECRET_KEY=os.environ.get("HABITUE_SECRET_KEY", "demo-secret"),
    )
    shop.config.update(config)
    habitue.init_app(shop)

    @shop.context_processor
    def everywhere() -> dict[str, Any]:
        return {
            "count": sum(session.get("cart", {}).values()),
            "user": session.get("user"),
            "asked": "shop_consent" in request.cookies,
        }

    @shop.get("/")
    def home() -> str:
        return render_template("home.html", items=ITEMS.values())

    @shop.get("/p/<item_id>")
    def product(item_id: str) -> str:
        item = ITEMS.get(item_id) or abort(404)
        habitue.client.track("Product Viewed", described(item))
        return render_template("product.html", item=item)

    @shop.get("/tile/<item_id>.svg")
    def tile(item_id: str) -> Response:
        item = ITEMS.get(item_id) or abort(404)
        return Response(drawing(item), mimetype="image/svg+xml", headers={"Cache-Control": "max-age=86400"})

    @shop.post("/cart/<item_id>")
    def add(item_id: str) -> AnyResponse:
        item = ITEMS.get(item_id) or abort(404)
        session["cart"] = {**cart(), item_id: cart().get(item_id, 0) + 1}
        habitue.client.track("Product Added", {**described(item), "quantity": 1})
        return redirect(url_for("basket"))

    @shop.get("/cart")
    def basket() -> str:
        lines = [(ITEMS[item_id], quantity) for item_id, quantity in cart().items()]
        return render_template("cart.html", lines=lines, total=total())

    @shop.post("/checkout")
    def checkout() -> AnyResponse:
        if not cart():
            return redirect(url_for("basket"))
        order_id = f"tea-{secrets.token_hex(4)}"
        items = [{**described(ITEMS[item_id]), "quantity": count} for item_id, count in cart().items()]
        habitue.client.order(order_id, items, value=total(), currency=CURRENCY)
        session.pop("cart")
        session["ordered"] = order_id
        return redirect(url_for("thanks"))

    @shop.get("/thanks")
    def thanks() -> str:
        return render_template("thanks.html", order_id=session.get("ordered", ""))

    @shop.post("/login")
    def login() -> AnyResponse:
        session["user"] = request.form["name"].strip()[:40] or abort(400)
        habitue.client.identify(session["user"], {"shop": "tea"})
        return redirect(url_for("home"))

    @shop.post("/logout")
    def logout() -> AnyResponse:
        session.clear()
        habitue.logout()
        return redirect(url_for("home"))

    @shop.post("/consent")
    def consent() -> AnyResponse:
        answer = "granted" if request.form.get("answer") == "yes" else "denied"
        habitue.client.consent(answer, answer)
        back = request.form.get("back", "")
        response = redirect(back if is_own(back) else "/")
        response.set_cookie("shop_consent", answer, max_age=180 * 86_400, samesite="Lax", httponly=True)
        return response

    return shop


@habitue.user_loader
def who() -> str | None:
    return session.get("user")


@habitue.consent_loader
def agreed(asked: FlaskRequest) -> dict[str, str] | None:
    said = asked.cookies.get("shop_consent")
    return {"analytics": said, "personalization": said} if said in ("granted", "denied") else None


def cart() -> dict[str, int]:
    held: dict[str, int] = session.get("cart", {})
    return held


def total() -> float:
    return round(sum(float(ITEMS[item_id]["price"]) * quantity for item_id, quantity in cart().items()), 2)


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
    hue = sum(map(ord, item["item_id"])) * 37 % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<rect width="100" height="100" fill="hsl({hue} 45% 82%)"/>'
        f'<circle cx="50" cy="50" r="30" fill="hsl({hue} 45% 92%)"/><text x="50" y="64" font-size="40"'
        f' font-family="Georgia, serif" fill="hsl({hue} 35% 30%)" text-anchor="middle">'
        f"{item['name'][0]}</text></svg>"
    )


def is_own(address: str | None) -> bool:
    return bool(address) and str(address).startswith("/") and not str(address).startswith(("//", "/\\"))
