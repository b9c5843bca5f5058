"""The shop's backend reports its orders itself, through the SDK: a browser may close before its page did.

Page and backend name the same order_id, so Habitue counts the order once, whoever comes first.
"""

from __future__ import annotations

import logging
from typing import Any, Protocol

log = logging.getLogger(__name__)


class Client(Protocol):
    """What the shop needs of `habitue.Client`."""

    def track(self, name: str, properties: dict[str, Any] | None = None, **who: Any) -> Any: ...


class Reporter:
    """Reports to Habitue by the SDK; without the SDK installed the shop sells all the same."""

    def __init__(self, client: Client | None) -> None:
        self._client = client

    @classmethod
    def connect(cls, secret_key: str, url: str) -> Reporter:
        """A reporter with the SDK's client, which starts no thread before its first event."""
        try:
            from habitue import Client as SdkClient
        except ImportError:
            log.warning("The SDK (pip install habitue) is missing: orders are reported by the pages alone.")
            return cls(None)
        return cls(SdkClient(secret_key, host=url))

    def order_completed(self, properties: dict[str, Any], *, user_id: str | None) -> None:
        """Reports an order of a customer who is logged in.

        Of anybody else the backend knows no id of its own; their page reports the order, with their cookie.
        """
        if self._client is not None and user_id is not None:
            self._client.track("Order Completed", properties, user_id=user_id)
