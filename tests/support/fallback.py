"""What a shop of its own shows when nobody answers."""

from __future__ import annotations

from habitue import Offer

FALLBACK: list[Offer] = [
    {
        "item_id": "bestseller",
        "name": "Bestseller",
        "price": 9.9,
        "currency": "EUR",
        "url": "/p/bestseller",
        "image_url": "",
        "score": 0.0,
        "reasons": [],
    }
]
