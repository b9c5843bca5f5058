"""Settings: keys with their origins and consent, users, how long what is kept, what was changed, oneself."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..house import House
from . import (
    settings_account,
    settings_audit,
    settings_consent,
    settings_keys,
    settings_retention,
    settings_users,
)


def routes(house: House) -> list[BaseRoute]:
    return [
        *settings_keys.routes(house),
        *settings_consent.routes(house),
        *settings_users.routes(house),
        *settings_retention.routes(house),
        *settings_audit.routes(house),
        *settings_account.routes(house),
    ]
