"""Clients of Matomo's tracking API: matomopy, one by one and in bulk; piwikapi of 2013."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.append(str(Path(__file__).parents[1] / "python"))
from native import HOST, KEY, ORDER, SHOE, SOCK, USER, an_hour_ago

DEVICE, THEN = "7f1c2a9e5b7d4c1e", int(an_hour_ago().timestamp())
PARTS = ("sku", "name", "category", "price", "quantity")


def row(item):
    return [item[part] for part in PARTS]


def matomopy():
    from matomopy import MatomoTracker

    class Shop(MatomoTracker):
        """It has no call for a product's page; its own doing puts further parameters in."""

        def track_product(self, item):
            self._track(extra={"action_name": "Product", **dict(zip(VIEW, row(item)[:4], strict=True))})

    tracker = Shop(HOST, KEY)
    tracker.set_visitor_id(DEVICE)
    if os.environ["VARIANT"] == "bulk":
        tracker.enable_bulk_tracking()
    tracker.set_url("http://shop.test/home").track_page_view("Home")
    tracker.set_url("http://shop.test/product").track_product(SHOE)
    tracker.track_ecommerce_cart_update(89.9, [row(SHOE)])
    tracker.set_user_id(USER).track_page_view("Login")
    tracker.set_custom_timestamp(THEN)
    tracker.track_ecommerce_order(ORDER, 119.85, tax=18.35, shipping=4.95, items=[row(SHOE), row(SOCK)])
    tracker.flush()


def piwikapi():
    from piwikapi.tracking import PiwikTrackerEcommerce

    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    meta = {"SERVER_NAME": "shop.test", "HTTP_USER_AGENT": agent, "HTTP_ACCEPT_LANGUAGE": "de"}

    def at(path, more=""):
        """As in a Django view: a tracker for each request."""
        request = SimpleNamespace(META={**meta, "PATH_INFO": f"/{path}"}, COOKIES={}, is_secure=lambda: False)
        tracker = PiwikTrackerEcommerce(KEY, request)
        tracker.set_api_url(f"{HOST}/piwik.php")
        tracker.set_visitor_id(DEVICE)
        tracker.set_debug_string_append(more)
        return tracker

    at("home").do_track_page_view("Home")
    product = at("product")
    product.set_ecommerce_view(*row(SHOE)[:4])
    product.do_track_page_view("Product")
    cart = at("cart")
    cart.add_ecommerce_item(*row(SHOE))
    cart.do_track_ecommerce_cart_update(89.9)
    at("login", f"&uid={USER}").do_track_page_view("Login")
    order = at("order", f"&uid={USER}&cdt={THEN}")
    order.add_ecommerce_item(*row(SHOE))
    order.add_ecommerce_item(*row(SOCK))
    order.do_track_ecommerce_order(ORDER, 119.85, tax=18.35, shipping=4.95)


VIEW = ("_pks", "_pkn", "_pkc", "_pkp")
{"matomopy": matomopy, "piwikapi": piwikapi}[os.environ["PACKAGE"]]()
