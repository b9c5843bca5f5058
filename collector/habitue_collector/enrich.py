"""What a request's own words tell: the page, where the visitor came from, the campaign, the device.

Pure and cached: a shop has few pages, and a visitor few browsers. Nothing here keeps an address, a
full user agent, or a query parameter that looks like personal data. The dicts it puts into a context
are shared between events: replace them, never change them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from habitue_collector.events import MAX_TEXT_LENGTH
from habitue_collector.signals import (
    AD_MEDIUMS,
    AUTOMATION_WORDS,
    CAMPAIGN_PARAMETERS,
    CLICK_IDS,
    EMAIL_MEDIUMS,
    HOSTS,
    HOSTS_OF_ANY_COUNTRY,
    LIBRARY_WORDS,
    MAIL_LABELS,
    PERSONAL_PARAMETERS,
    SECOND_LEVELS,
    SOCIAL_MEDIUMS,
    TABLET_WORDS,
    TRACKER_CLIENTS,
    TRACKING_PREFIXES,
)

CACHED_PAGES = 4_096  # entries of at most a few KB: 16 MB in the worst case
CACHED_AGENTS = 4_096
MAX_AGENT_LENGTH = 512  # real ones are under 300; the tail of longer ones is somebody's game
MAX_CAMPAIGN_LENGTH = 255
MAX_PARAMETERS = 64


class Page(NamedTuple):
    """A page's address without what looks like personal data. `url` is None when it was no web address."""

    url: str | None
    host: str | None
    path: str | None
    campaign: dict[str, str] | None  # source, medium, name, term, content, id, click_id


class Agent(NamedTuple):
    """A user agent, reduced. `device` is desktop, mobile, tablet or bot."""

    browser: str | None
    os: str | None
    device: str | None
    bot: bool
    http_client: bool  # a programming language's HTTP client: a bot, unless it speaks for somebody


_NOWHERE: Final = Page(None, None, None, None)
_UNKNOWN: Final = Agent(None, None, None, False, False)
_ANDROID_APP: Final = "Android app, Mobile"
_IPHONE_APP: Final = "iPhone app"
_IPAD_APP: Final = "iPad app"
_NOBODY: Final = Agent(None, None, "bot", True, False)  # an empty user agent


def enrich(
    context: dict[str, Any],
    user_agent: str | None = None,
    referer: str | None = None,
    accept_language: str | None = None,
) -> bool:
    """Complete an event's context in place; True when a bot sent it.

    Takes out `user_agent` and `page.referrer` (the decoders leave them there for us) and puts in
    `page` {url, host, path, title}, `referrer` {kind, host}, `campaign`, `browser`, `os`, `device`,
    `locale`. Arguments are the request's headers: "" is a header without a value, None means that the
    request was made by somebody's server and says nothing of the visitor.
    """
    page = context.get("page")
    if page is not None:
        parts, referrer, campaign = arrival(page.get("url"), page.get("referrer"))
        title = page.get("title")
        if title:
            context["page"] = {**parts, "title": title}
        elif parts:
            context["page"] = parts
        else:
            del context["page"]
        if referrer is not None:
            context["referrer"] = referrer
        if campaign is not None:
            said = context.get("campaign")
            context["campaign"] = {**said, **campaign} if said else campaign
    elif referer:  # the page that sent the beacon; where its visitor came from we cannot know
        parts, _, campaign = arrival(referer[: 2 * MAX_TEXT_LENGTH], None)
        context["page"] = parts
        if campaign is not None:
            said = context.get("campaign")
            context["campaign"] = {**said, **campaign} if said else campaign
    if accept_language and "locale" not in context and (locale := _first_language(accept_language)):
        context["locale"] = locale
    bot, device = _device(user_agent, context.pop("user_agent", None))
    context.update(device)
    return bot


@lru_cache(CACHED_AGENTS)
def _device(header: str | None, stated: str | None) -> tuple[bool, dict[str, str]]:
    """Whether a bot sent it; browser, os and device by the header, or by what the event itself states."""
    own = _UNKNOWN if header is None else agent(header[:MAX_AGENT_LENGTH])
    known = agent(stated[:MAX_AGENT_LENGTH]) if stated else own
    bot = known.bot or (own.bot and not own.http_client)
    found = (("browser", known.browser), ("os", known.os), ("device", "bot" if bot else known.device))
    return bot, {name: value for name, value in found if value is not None}


@lru_cache(CACHED_PAGES)
def arrival(
    url: str | None, referrer: str | None
) -> tuple[dict[str, str], dict[str, str] | None, dict[str, str] | None]:
    """Page parts, referrer {kind, host} and campaign of one page view; shared, never change them."""
    page = read_url(url) if url else _NOWHERE
    parts = {
        name: value
        for name, value in (("url", page.url), ("host", page.host), ("path", page.path))
        if value is not None
    }
    if page.url is None and not referrer:
        return parts, None, None
    host = _host_of(referrer) if referrer else None
    kind = _referrer_kind(host, page)
    return parts, {"kind": kind, "host": host} if host else {"kind": kind}, page.campaign


@lru_cache(CACHED_PAGES)
def read_url(url: str) -> Page:
    """The address of a page: personal data stripped, host, path and campaign read."""
    try:
        split = urlsplit(url[: 2 * MAX_TEXT_LENGTH])
        host = split.hostname
        port = split.port
    except ValueError:
        return _NOWHERE
    path = _without_addresses(split.path) or "/"
    if split.scheme not in ("http", "https") or not host:
        if split.scheme or split.netloc or not split.path.startswith("/"):
            return _NOWHERE
        host, origin = None, ""  # a server's page call may know its path only
    else:
        origin = f"{split.scheme}://{host if ':' not in host else f'[{host}]'}{f':{port}' if port else ''}"
    parameters = _parameters(split.query)
    kept = [(name, value) for name, value in parameters if not _is_personal(name, value)]
    query = split.query if len(kept) == len(parameters) else urlencode(kept)
    fragment = split.fragment.partition("?")[0]
    if not fragment.startswith(("/", "!/")):  # "#/product/1" is a page; "#access_token=…" is a secret
        fragment = ""
    whole = origin + path + (f"?{query}" if query else "")
    if fragment:
        whole += "#" + _without_addresses(fragment)
    return Page(_valid(whole), _valid(host), _valid(path), _campaign(parameters))


@lru_cache(CACHED_PAGES)
def item_url(url: str) -> str | None:
    """An item's own address: http(s) or a path, without campaign and personal parameters."""
    page = read_url(url)
    if page.url is None:
        return None
    base, mark, query = page.url.partition("?")
    if not mark:
        return base
    query, hash_mark, fragment = query.partition("#")
    kept = [
        (name, value)
        for name, value in _parameters(query)
        if name not in CLICK_IDS and not name.startswith(TRACKING_PREFIXES)
    ]
    return base + ("?" + urlencode(kept) if kept else "") + hash_mark + fragment


@lru_cache(CACHED_AGENTS)
def agent(user_agent: str) -> Agent:
    """Browser, system and device of a user agent; costs 30 µs when new, 0.3 s the very first time."""
    name = user_agent.strip().lower()
    if not name:
        return _NOBODY
    if name.startswith(TRACKER_CLIENTS):
        return _UNKNOWN
    from ua_parser import parser  # its tables take 0.3 s and 25 MB: not at import

    found = parser.parse(user_agent)
    browser = found.user_agent.family if found.user_agent else None
    system = found.os.family if found.os else None
    device = found.device
    http_client = any(word in name for word in LIBRARY_WORDS)
    spider = bool(device and device.family == "Spider")
    if spider or http_client or any(word in name for word in AUTOMATION_WORDS):
        return Agent(browser, system, "bot", True, http_client)
    brand = device.brand if device else None
    if brand == "Generic_Android_Tablet" or any(word in name for word in TABLET_WORDS):
        kind = "tablet"
    elif "mobi" in name or "iphone" in name:
        kind = "mobile"
    elif "android" in name:
        kind = "tablet"  # Android's browsers say "Mobile" on phones only
    else:
        kind = "desktop"
    return Agent(browser, system, kind, False, False)


def app_agent(device: dict[str, Any], system: object) -> str | None:
    """What a shop's app says of its device, as a user agent; None when that is no phone and no tablet.

    Apps send with their platform's HTTP client (`okhttp/4.12`), which alone would be a robot's.
    """
    kind = device.get("type")
    if type(kind) is not str or not kind:
        kind = system.get("name") if type(system) is dict else None
    model = device.get("model")
    words = f"{kind} {model if type(model) is str else ''}"[:64].lower()
    if words.startswith("android"):
        return _ANDROID_APP
    if words.startswith(("ios", "ipados", "iphone", "ipad")):
        return _IPAD_APP if "ipad" in words else _IPHONE_APP
    return None


def warm() -> None:
    """Load the tables of user agents now instead of at the first beacon."""
    agent("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")


@lru_cache(1_024)
def _first_language(accept_language: str) -> str | None:
    tag = accept_language[:64].partition(",")[0].partition(";")[0].strip()
    return tag if tag and tag.isascii() and tag.replace("-", "").isalnum() else None


def _valid(value: str | None) -> str | None:
    if value is None:
        return None
    value = value[:MAX_TEXT_LENGTH]
    return value if value.isprintable() else "".join(filter(str.isprintable, value))


def _parameters(query: str) -> list[tuple[str, str]]:
    if not query:
        return []
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="ignore")
    except ValueError:  # more of them than any page has
        return [("", "@")]  # nothing of it is kept: one parameter that counts as personal


def _is_personal(name: str, value: str) -> bool:
    return name.lower().replace("-", "_") in PERSONAL_PARAMETERS or ("@" in value)


def _without_addresses(path: str) -> str:
    if "@" not in path and "%40" not in path:
        return path
    return "/".join(
        "-" if ("@" in part or "%40" in part) and "." in part else part for part in path.split("/")
    )


def _campaign(parameters: list[tuple[str, str]]) -> dict[str, str] | None:
    campaign: dict[str, str] = {}
    for name, value in parameters:
        name = name.lower()
        if (field := CAMPAIGN_PARAMETERS.get(name)) and value and "@" not in value:
            valid = _valid(value[:MAX_CAMPAIGN_LENGTH])
            if valid:
                campaign.setdefault(field, valid)
    for name, _ in parameters:
        if (click := CLICK_IDS.get(name)) is not None:
            source, medium = click
            campaign.setdefault("source", source)
            campaign.setdefault("medium", medium)
            campaign["click_id"] = name
            break
    return campaign or None


def _host_of(referrer: str) -> str | None:
    try:
        host = urlsplit(referrer[: 2 * MAX_TEXT_LENGTH]).hostname
    except ValueError:
        return None
    return _valid(host[:MAX_CAMPAIGN_LENGTH]) if host else None


def _referrer_kind(host: str | None, page: Page) -> str:
    """One of internal, ad, email, social, search, ai, link, direct. The link's own words come first."""
    if host and page.host and _site(host) == _site(page.host):
        return "internal"
    campaign = page.campaign
    if campaign:
        medium = campaign.get("medium", "").lower()
        if medium in AD_MEDIUMS:
            return "ad"
        if medium in EMAIL_MEDIUMS:
            return "email"
        if medium in SOCIAL_MEDIUMS:
            return "social"
    if not host:
        return "link" if campaign else "direct"
    labels = host.split(".")
    for start in range(len(labels)):
        if (kind := HOSTS.get(".".join(labels[start:]))) is not None:
            return kind
    if labels[0] in MAIL_LABELS:
        return "email"
    if len(labels) > 2 and labels[-2] in SECOND_LEVELS:
        labels.pop()  # google.co.uk
    return HOSTS_OF_ANY_COUNTRY.get(labels[-2], "link") if len(labels) > 1 else "link"


def _site(host: str) -> str:
    return host.removeprefix("www.").removeprefix("m.")
