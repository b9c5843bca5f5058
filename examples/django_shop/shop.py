"""A bookshop in Django, with Habitue on its own host: `python shop.py migrate`, `python shop.py runserver`.

What belongs to Habitue: the app, the middleware and `HABITUE` in the settings; `track`, `order` and `consent`
where they happen (it hears of logins and logouts by itself); `{% habitue_tag %}` and `{% habitue_slot %}` in
the templates.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any

import django
from django.conf import settings

HERE = Path(__file__).parent
CURRENCY = "EUR"
ITEMS: dict[str, dict[str, Any]] = {
    item_id: {
        "item_id": item_id,
        "name": name,
        "brand": author,
        "category": category,
        "price": price,
    }
    for item_id, name, author, category, price in (
        ("book-01", "The Long Way to the Sea", "Ada Brandt", "Books/Novels", 22.00),
        ("book-02", "A Lamp in November", "Ada Brandt", "Books/Novels", 18.50),
        ("book-03", "Nine Foxes", "Jon Ekberg", "Books/Novels", 16.00),
        ("book-04", "Bread, Slowly", "Mira Sol", "Books/Cooking", 29.00),
        ("book-05", "Forty Soups", "Mira Sol", "Books/Cooking", 24.00),
        ("book-06", "Birds of One Garden", "Leo Hartmann", "Books/Nature", 27.50),
        ("book-07", "Where Mushrooms Are", "Leo Hartmann", "Books/Nature", 19.90),
        ("book-08", "Moon Atlas", "Ines Falk", "Books/Nature", 34.00),
        ("gift-01", "Reading Light", "Ours", "Gifts", 14.00),
        ("gift-02", "Linen Bookmark", "Ours", "Gifts", 6.50),
    )
}


def configure(**more: Any) -> None:
    """The settings, which would stand in a settings.py."""
    settings.configure(
        **{
            "SECRET_KEY": os.environ.get("SHOP_SECRET", "only-for-trying-it-out"),
            "DEBUG": False,
            "ALLOWED_HOSTS": ["127.0.0.1", "localhost", "shop.test"],
            "ROOT_URLCONF": __name__,
            "INSTALLED_APPS": [
                "django.contrib.auth",
                "django.contrib.contenttypes",
                "django.contrib.sessions",
                "habitue.django",
            ],
            "MIDDLEWARE": [
                "habitue.django.HabitueMiddleware",  # first: it needs none of the others
                "django.middleware.common.CommonMiddleware",
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
            ],
            "HABITUE": {
                "URL": os.environ.get("HABITUE_URL", "http://127.0.0.1:8000"),
                "WRITE_KEY": os.environ.get("HABITUE_WRITE_KEY", "demo"),
                "SECRET_KEY": os.environ.get("HABITUE_SECRET_KEY", "demo-secret"),
                "CONSENT": agreed,
            },
            "TEMPLATES": [
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "DIRS": [HERE / "templates"],
                    "OPTIONS": {
                        "context_processors": [
                            "django.template.context_processors.request",
                            f"{__name__}.everywhere",
                        ]
                    },
                }
            ],
            "DATABASES": {
                "default": {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": os.environ.get(
                        "SHOP_DATABASE", str(Path(tempfile.gettempdir(), "nine-foxes.sqlite3"))
                    ),
                }
            },
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            **more,
        }
    )
    django.setup()


def agreed(request: Any) -> dict[str, str] | None:
    said = request.COOKIES.get("shop_consent")
    return {"analytics": said, "personalization": said} if said in ("granted", "denied") else None


def everywhere(request: Any) -> dict[str, Any]:
    return {
        "count": sum(cart(request).values()),
        "asked": request.COOKIES.get("shop_consent"),
    }


if not settings.configured:
    configure()

# Django wants its settings before these.
from django.contrib.auth import get_user_model, login, logout  # noqa: E402
from django.http import Http404, HttpResponse, HttpResponseRedirect  # noqa: E402
from django.shortcuts import redirect, render  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.http import url_has_allowed_host_and_scheme  # noqa: E402
from django.views.decorators.http import require_POST  # noqa: E402

from habitue.django import client  # noqa: E402


def home(request: Any) -> HttpResponse:
    return render(request, "home.html", {"items": ITEMS.values()})


def product(request: Any, item_id: str) -> HttpResponse:
    item = found(item_id)
    client.track("Product Viewed", described(item))
    return render(request, "product.html", {"item": item})


def tile(request: Any, item_id: str) -> HttpResponse:
    headers = {"Cache-Control": "max-age=86400"}
    return HttpResponse(drawing(found(item_id)), content_type="image/svg+xml", headers=headers)


def style(request: Any) -> HttpResponse:
    return HttpResponse((HERE / "static/shop.css").read_text(), content_type="text/css")


@require_POST
def add(request: Any, item_id: str) -> HttpResponse:
    item = found(item_id)
    request.session["cart"] = {**cart(request), item_id: cart(request).get(item_id, 0) + 1}
    client.track("Product Added", {**described(item), "quantity": 1})
    return redirect("basket")


def basket(request: Any) -> HttpResponse:
    lines = [(ITEMS[item_id], quantity) for item_id, quantity in cart(request).items()]
    return render(request, "cart.html", {"lines": lines, "total": total(cart(request))})


@require_POST
def checkout(request: Any) -> HttpResponse:
    held = cart(request)
    if not held:
        return redirect("basket")
    order_id = f"book-{secrets.token_hex(4)}"
    items = [{**described(ITEMS[item_id]), "quantity": count} for item_id, count in held.items()]
    client.order(order_id, items, value=total(held), currency=CURRENCY)
    del request.session["cart"]
    request.session["ordered"] = order_id
    return redirect("thanks")


def thanks(request: Any) -> HttpResponse:
    return render(request, "thanks.html", {"order_id": request.session.get("ordered", "")})


@require_POST
def enter(request: Any) -> HttpResponse:
    """An example trusts whoever says a name; a shop would ask for more."""
    name = request.POST["name"].strip()[:40]
    user, _ = get_user_model().objects.get_or_create(username=name)
    login(request, user)
    return redirect("home")


@require_POST
def leave(request: Any) -> HttpResponse:
    logout(request)
    return redirect("home")


@require_POST
def consent(request: Any) -> HttpResponse:
    said = "granted" if request.POST.get("answer") == "yes" else "denied"
    client.consent(said, said)
    back = request.POST.get("back", "/")
    own = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    response = HttpResponseRedirect(back if own else "/")
    response.set_cookie("shop_consent", said, max_age=180 * 86_400, samesite="Lax", httponly=True)
    return response


def found(item_id: str) -> dict[str, Any]:
    if item_id not in ITEMS:
        raise Http404
    return ITEMS[item_id]


def cart(request: Any) -> dict[str, int]:
    held: dict[str, int] = request.session.get("cart", {})
    return held


def total(held: dict[str, int]) -> float:
    return round(sum(float(ITEMS[item_id]["price"]) * quantity for item_id, quantity in held.items()), 2)


def described(item: dict[str, Any]) -> dict[str, Any]:
    """An item as events and the catalog carry it."""
    return {
        **{name: item[name] for name in ("item_id", "name", "brand", "category", "price")},
        "currency": CURRENCY,
        "url": f"/p/{item['item_id']}",
        "image_url": f"/tile/{item['item_id']}.svg",
    }


def catalog() -> list[dict[str, Any]]:
    """What `PUT /v1/catalog` takes."""
    return [{**described(item), "availability": "in_stock"} for item in ITEMS.values()]


def drawing(item: dict[str, Any]) -> str:
    hue = sum(map(ord, item["item_id"])) * 71 % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<rect width="100" height="100" fill="hsl({hue} 42% 83%)"/>'
        f'<circle cx="50" cy="50" r="30" fill="hsl({hue} 45% 92%)"/><text x="50" y="64" font-size="40"'
        f' font-family="Georgia, serif" fill="hsl({hue} 35% 30%)" text-anchor="middle">'
        f"{item['name'][0]}</text></svg>"
    )


urlpatterns = [
    path("", home, name="home"),
    path("p/<item_id>", product, name="product"),
    path("tile/<item_id>.svg", tile, name="tile"),
    path("shop.css", style, name="style"),
    path("cart/<item_id>", add, name="add"),
    path("cart", basket, name="basket"),
    path("checkout", checkout, name="checkout"),
    path("thanks", thanks, name="thanks"),
    path("login", enter, name="login"),
    path("logout", leave, name="logout"),
    path("consent", consent, name="consent"),
]


if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
