"""One customer's visit as the shop's own signed session cookie keeps it: cart, login, last order.

This is the shop's business alone; Habitue never reads it. Only ids and numbers are kept, so that the cookie
stays far below 4 KB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MAX_LINES = 60  # different items in a cart; more would not fit the cookie
MAX_QUANTITY = 99


class Visit:
    """Reads and writes the session of one request."""

    def __init__(self, session: dict[str, Any]) -> None:
        self._session = session

    @property
    def user_id(self) -> str | None:
        value = self._session.get("user")
        return value if isinstance(value, str) else None

    def log_in(self, user_id: str) -> None:
        self._session["user"] = user_id

    def log_out(self) -> None:
        """Forgets everything; the next page tells the tag to `reset`."""
        self._session.clear()
        self._session["reset"] = True

    def take_reset(self) -> bool:
        """Whether somebody has just logged out; asked once per logout."""
        return bool(self._session.pop("reset", False))

    def cart(self) -> dict[str, int]:
        """Item ids and how many of each, in the order they were added."""
        lines = self._session.get("cart")
        return dict(lines) if isinstance(lines, dict) else {}

    def set_line(self, item_id: str, quantity: int) -> int:
        """Sets a line of the cart and returns by how much it changed; a full cart takes nothing new."""
        lines = self.cart()
        before = lines.get(item_id, 0)
        if not before and len(lines) >= MAX_LINES:
            return 0
        after = max(0, min(quantity, MAX_QUANTITY))
        if after:
            lines[item_id] = after
        else:
            lines.pop(item_id, None)
        self._session["cart"] = lines
        return after - before

    def empty_cart(self) -> None:
        self._session.pop("cart", None)

    def remember_order(self, order_id: str, lines: dict[str, int]) -> None:
        self._session["order"] = {"id": order_id, "lines": lines}

    def last_order(self) -> tuple[str, dict[str, int]] | None:
        """The last order of this visit: its id and lines."""
        order = self._session.get("order")
        return (order["id"], dict(order["lines"])) if isinstance(order, dict) else None

    def note_change(self, item_id: str, change: int) -> None:
        """Keeps a change of the cart for the next page to report, where no script did it at once."""
        self._session.setdefault("changes", []).append([item_id, change])

    def take_changes(self) -> Iterator[tuple[str, int]]:
        """The changes that no page has reported yet; asked once."""
        yield from self._session.pop("changes", ())
