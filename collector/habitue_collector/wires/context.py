"""What is kept of a call's `context` and of a page's properties: page, locale, screen, campaign."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from habitue_collector.enrich import app_agent, read_url
from habitue_collector.events import MAX_ID_LENGTH, MAX_TEXT_LENGTH, Event
from habitue_collector.wires.values import bounded, text

_PAGE_FIELDS: Final = frozenset(
    (
        *("url", "path", "title", "referrer", "search", "referring_domain", "tab_url"),
        *("initial_referrer", "initial_referring_domain"),
    )
)
_SAID_SELDOM: Final = frozenset(("userAgent", "campaign", "persona", "user_hash", "device"))
_EMPTY: Final[dict[str, Any]] = {}


def reduce(context: dict[str, Any]) -> dict[str, Any]:
    """The members of a `context` that we keep; never an address, a name or an unknown member."""
    reduced: dict[str, Any] = {}
    get = context.get
    page = get("page")
    if type(page) is dict and (page := _page(page)):
        reduced["page"] = page
    if "locale" in context and (locale := text(context["locale"], 35)) is not None:  # RFC 5646: 35
        reduced["locale"] = locale
    if "timezone" in context and (timezone := text(context["timezone"], 64)) is not None:
        reduced["timezone"] = timezone
    if "screen" in context and type(screen := context["screen"]) is dict:
        width, height = screen.get("width"), screen.get("height")
        if type(width) is int and type(height) is int and 0 < width < 100_000 and 0 < height < 100_000:
            reduced["screen"] = {"width": width, "height": height}
    if not _SAID_SELDOM.isdisjoint(context):
        _reduce_seldom(get, reduced)
    return reduced


def _reduce_seldom(get: Callable[[str], Any], reduced: dict[str, Any]) -> None:
    agent = get("userAgent")
    if not agent and type(device := get("device")) is dict:
        agent = app_agent(device, get("os"))
    if type(agent) is str:
        reduced["user_agent"] = agent
    campaign = get("campaign")
    if type(campaign) is dict and campaign:
        said = {
            member: value
            for member in ("source", "medium", "name", "term", "content", "id")
            if (value := text(campaign.get(member), MAX_ID_LENGTH)) is not None and "@" not in value
        }
        if said:
            reduced["campaign"] = said
    if (persona := get("persona")) is not None and (persona := text(persona, 32)) is not None:
        reduced["persona"] = persona
    user_hash = get("user_hash")
    if type(user_hash) is str and 0 < len(user_hash) <= 128 and user_hash.isascii():
        reduced["user_hash"] = user_hash


def _page(page: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    url = page.get("url")
    if type(url) is not str or not url:
        url = page.get("path")
    if type(url) is str and url and (clean_url := read_url(url[: 2 * MAX_TEXT_LENGTH]).url) is not None:
        kept["url"] = clean_url
    if "title" in page and (title := text(page["title"])) is not None:
        kept["title"] = title
    if "referrer" in page and type(referrer := page["referrer"]) is str and referrer:
        origin = _origin(referrer[: 2 * MAX_TEXT_LENGTH])
        if origin:
            kept["referrer"] = origin
    return kept


@lru_cache(4_096)
def _origin(referrer: str) -> str | None:
    """Of where somebody came from we keep the host; its path may hold what they did there."""
    try:
        split = urlsplit(referrer)
        host = split.hostname
    except ValueError:
        return None
    if not host or not host.isprintable():
        return None
    return f"{split.scheme}://{host if ':' not in host else f'[{host}]'}/"


def read_page(event: Event, properties: dict[str, Any]) -> None:
    """A page's or screen's own properties describe the page better than the context does."""
    if not properties:
        return
    page = _page(properties)
    if page:
        event.context["page"] = {**event.context.get("page", _EMPTY), **page}
    event.properties = bounded(properties, _PAGE_FIELDS)
    if event.properties.get("name") == event.name:
        del event.properties["name"]
