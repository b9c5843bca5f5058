"""The scenario for Python's clients; the order is an hour old."""

import os
from datetime import UTC, datetime, timedelta

HOST, KEY, ORDER = os.environ["HOST"], os.environ["KEY"], os.environ["ORDER"]
DEVICE, USER = "7f1c2a9e-5b7d-4c1e-9a36-0f2b8d4e6c11", "cust-4711"
TRAITS = {"firstName": "Ada", "plan": "gold"}
SHOE = {
    "product_id": "SKU-001",
    "sku": "SKU-001",
    "name": "Trail Shoe Größe 42",
    "brand": "Fjell",
    "category": "Shoes/Trail",
    "price": 89.9,
    "quantity": 1,
    "currency": "EUR",
}
SOCK = {
    "product_id": "SKU-002",
    "sku": "SKU-002",
    "name": "Wool Sock",
    "brand": "Fjell",
    "category": "Socks",
    "price": 12.5,
    "quantity": 2,
}


def an_hour_ago():
    return datetime.now(UTC) - timedelta(hours=1)


def walk(tracker):
    tracker.page(anonymous_id=DEVICE, name="Home", properties={"url": "http://shop.test/home"})
    tracker.page(anonymous_id=DEVICE, name="Product", properties={"url": "http://shop.test/product"})
    tracker.track(anonymous_id=DEVICE, event="Product Viewed", properties=SHOE)
    tracker.track(anonymous_id=DEVICE, event="Product Added", properties=SHOE)
    tracker.identify(anonymous_id=DEVICE, user_id=USER, traits=TRAITS)
    order = {"order_id": ORDER, "revenue": 114.9, "total": 119.85, "currency": "EUR"}
    order["products"] = [SHOE, SOCK]
    tracker.track(
        anonymous_id=DEVICE, user_id=USER, event="Order Completed", properties=order, timestamp=an_hour_ago()
    )
