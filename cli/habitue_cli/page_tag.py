"""The tag in a page's source: which script element it is, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urljoin, urlsplit

from habitue_collector.settings import Settings

from .page_source import PageSource, Script


@dataclass(frozen=True, slots=True)
class Tag:
    """The script element of the tag, and what it says."""

    script: Script
    src: str
    key: str
    endpoint: str
    consent: str | None


def find_tags(
    source: PageSource, url: str, settings: Settings, server: str | None, key: str | None
) -> list[Tag]:
    """The script elements that are ours: by their key, by where they come from, by the name s.js."""
    found = []
    known = {one.key for one in settings.keys} | ({key} if key else set())
    base = urljoin(url, source.base or "")
    # The shop may stand on the same host, as the demo's does: its own scripts are none of ours.
    below = f"{base_of(server, settings)}/" if server else ""
    for script in source.scripts:
        if not script.src:
            continue
        src = urljoin(base, script.src)
        try:
            query = parse_qs(urlsplit(src).query)
        except ValueError:
            continue
        said = script.attributes.get("data-key") or query.get("key", [""])[0]
        ours = (
            (said and said in known)
            or (below and src.startswith(below))
            or (urlsplit(src).path.endswith("/s.js") and bool(said))
            or (urlsplit(src).path.endswith("/h/s.js"))
        )
        if not ours:
            continue
        folder = src.partition("?")[0].rpartition("/")[0]
        endpoint = urljoin(src, script.attributes.get("data-endpoint") or folder)
        consent = script.attributes.get("data-consent") or query.get("consent", [None])[0]
        found.append(Tag(script, src, said, endpoint.rstrip("/"), consent))
    return found


def base_of(server: str | None, settings: Settings) -> str | None:
    """Where the browser's endpoints are, from an address with or without the path."""
    url = server or settings.server.public_url
    if not url:
        return None
    url = url.rstrip("/")
    return url if urlsplit(url).path else url + settings.server.base_path
