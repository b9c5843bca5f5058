"""The shop under test: real catalog, no server behind it; its backend's reports are caught."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import StarletteDeprecationWarning
from starlette.routing import Mount

from habitue_shop.app import create_shop
from habitue_shop.journey import JourneyMissing, data_folder
from habitue_shop.reporting import Reporter
from habitue_shop.settings import ShopSettings

with warnings.catch_warnings():
    # Starlette would rather have httpx2; the shop's own client is httpx, and one of the two is enough.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient


# An event's name and properties, the user_id and the anonymous_id it was reported with.
Report = tuple[str, dict[str, Any], str | None, str | None]


class CaughtClient:
    """Stands in for the SDK's client."""

    def __init__(self) -> None:
        self.tracked: list[Report] = []
        self.liked: list[str] = []  # sections that come first
        self.asked_for: str | None = None

    def sections(self, names: list[str], *, visitor: str | None = None) -> list[str]:
        self.asked_for = visitor
        return sorted(names, key=lambda name: self.liked.index(name) if name in self.liked else 99)

    def track(
        self,
        name: str,
        properties: Mapping[str, Any] | None = None,
        *,
        user_id: str | None = None,
        anonymous_id: str | None = None,
    ) -> None:
        self.tracked.append((name, dict(properties or {}), user_id, anonymous_id))


@pytest.fixture(autouse=True, scope="session")
def data() -> None:
    """The demo's data must be installed."""
    try:
        data_folder()
    except JourneyMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def sdk_client() -> CaughtClient:
    return CaughtClient()


@pytest.fixture
def reports(sdk_client: CaughtClient) -> list[Report]:
    """What the shop's backend reported in this test."""
    sdk_client.tracked.clear()
    return sdk_client.tracked


@pytest.fixture(scope="session")
def application(sdk_client: CaughtClient) -> Starlette:
    # Nobody listens on port 9: what the shop cannot ask, it must do without.
    shop = create_shop(ShopSettings(habitue_url="http://127.0.0.1:9"), Reporter(sdk_client))
    return Starlette(routes=[Mount("/shop", shop)])


@pytest.fixture
def shop(application: Starlette) -> Iterator[TestClient]:
    """A customer with an empty basket."""
    with TestClient(application, base_url="http://shop.test") as client:
        yield client
