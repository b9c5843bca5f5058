"""The Django app: `habitue.django` in INSTALLED_APPS, `habitue.django.HabitueMiddleware` in MIDDLEWARE.

>>> from habitue.django import client
>>> client.track("Product Viewed", {"product_id": "SKU-001"})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.utils.functional import SimpleLazyObject

from habitue.django.conf import get_client
from habitue.visit import current_visit

if TYPE_CHECKING:
    from habitue.client import Client
    from habitue.django.middleware import HabitueMiddleware

client: Client = cast("Client", SimpleLazyObject(get_client))


def __getattr__(name: str) -> Any:
    if name == "HabitueMiddleware":  # it needs settings; importing an app must not
        from habitue.django.middleware import HabitueMiddleware

        return HabitueMiddleware
    raise AttributeError(name)


__all__ = ["HabitueMiddleware", "client", "current_visit", "get_client"]
