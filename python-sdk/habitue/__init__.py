"""The client of a Habitue server: tell it what happened, ask it what to offer.

It is a guest in your process: it never raises into your code, never waits for the network unless you
ask for an answer, and counts what it lost (`client.stats`).
"""

from __future__ import annotations

from habitue.client import Client
from habitue.offers import Offer, Offers, Reason
from habitue.stats import Stats
from habitue.transport import Request, Response, Transport, TransportError

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Offer",
    "Offers",
    "Reason",
    "Request",
    "Response",
    "Stats",
    "Transport",
    "TransportError",
]
