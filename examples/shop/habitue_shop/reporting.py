"""The shop's backend speaks to Habitue through the SDK: it reports orders, and asks how to lay out a page.

A browser may close before its page reports an order. Page and backend name the same order_id, so Habitue
counts it once, whoever comes first.
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

    def sections(self, names: list[str], *, visitor: str | None = None) -> list[str]: ...


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

    def sections(self, names: list[str], visitor: str) -> list[str]:
        """The names in the order of what this visitor (a cookie's value) likes; as they are without the SDK.

        Waits for the answer as long as the SDK's deadline allows (0.3 s).
        """
        return names if self._client is None else self._client.sections(names, visitor=visitor)

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
