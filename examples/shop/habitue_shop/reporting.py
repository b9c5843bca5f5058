"""The shop's backend reports its orders itself, through the SDK: a browser may close before its page did.

Page and backend name the same order_id, so Habitue counts the order once, whoever comes first.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

log = logging.getLogger(__name__)


class Client(Protocol):
    """What the shop needs of `habitue.Client`."""

    def track(
        self,
        name: str,
        properties: Mapping[str, Any] | None = None,
        *,
        user_id: str | None = None,
        anonymous_id: str | None = None,
    ) -> None: ...


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

    def order_completed(
        self, properties: Mapping[str, Any], *, user_id: str | None, anonymous_id: str | None
    ) -> None:
        """Reports the order of a logged-in customer, else of their device; nobody's are not."""
        if self._client is None:
            return
        if user_id is not None:
            self._client.track("Order Completed", properties, user_id=user_id)
        elif anonymous_id is not None:
            self._client.track("Order Completed", properties, anonymous_id=anonymous_id)
