"""The client of a Habitue server: tell it what happened, ask it what to offer.

It is a guest in your process: it never raises into your code, never waits for the network unless you
ask for an answer, and counts what it lost (`client.stats`).
"""

from __future__ import annotations

from habitue.async_client import AsyncClient
from habitue.breaker import Breaker
from habitue.client import Client
from habitue.offers import Offer, Offers, Reason
from habitue.stats import Stats
from habitue.transport import Request, Response, Transport, TransportError
from habitue.visit import Visit, current_visit, user_hash, visiting

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "Breaker",
    "Client",
    "Offer",
    "Offers",
    "Reason",
    "Request",
    "Response",
    "Stats",
    "Transport",
    "TransportError",
    "Visit",
    "current_visit",
    "user_hash",
    "visiting",
]
