"""What `habitue doctor --page URL` looks at: is the tag there, may it work, what will it see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from habitue_collector.debug import DebugTokens
from habitue_collector.secret_keys import signing_keys
from habitue_collector.settings import Settings

from .checkup import Finding
from .page_fetch import Fetched, fetch
from .page_finds import consent, datalayer, product
from .page_policy import policy
from .page_server import Server, slots_without_server
from .page_source import STUB, PageSource, read_page
from .page_tag import Tag, base_of, find_tags
from .same_site import are_same_site, site_of

_CONTAINER = re.compile(r"\bGTM-[A-Z0-9]{4,10}\b")


@dataclass(slots=True)
class Checkup:
    """Everything found out about one page. `debug_url` is empty when no link would work."""

    url: str
    findings: list[Finding] = field(default_factory=list)
    captured: dict[str, Any] | None = None
    debug_url: str = ""

    @property
    def good(self) -> bool:
        return all(finding.good is not False for finding in self.findings)


def examine(
    url: str, settings: Settings, *, server: str | None, key: str | None, allow_private: bool = False
) -> Checkup:
    """Fetches the page and looks at it. Raises NotFetched when there is no page to look at."""
    page = fetch(url, allow_private=allow_private)
    checkup = Checkup(page.url)
    add = checkup.findings.extend
    add(_page(page))
    source = read_page(page.text)
    tags = find_tags(source, page.url, settings, server, key)
    add(_tag(tags, page, source, settings, key, server))
    tag = tags[0] if tags else None
    if tag is not None:
        add(_site(tag, page.url))
        add(_stub(tag, source))
        add(policy(tag, page, source))
    add(consent(tag, source, settings))
    base = tag.endpoint if tag is not None else base_of(server, settings)
    if base:
        usual = next((one.key for one in settings.keys if not one.secret), "")
        answered = Server(base, page.url, key or (tag.key if tag is not None else usual), allow_private)
        host = urlsplit(page.url).hostname or ""
        token = DebugTokens(signing_keys(settings.data.folder)).sign(host)
        findings, opens = answered.look(token)
        add(findings)
        add(answered.slots(source))
        if opens and (tag is not None or _may_be_inserted(page, source, settings, key)):
            checkup.debug_url = f"{page.url.partition('#')[0]}#habitue_debug={token}"
    else:
        add(slots_without_server(source))
    seen, findings = product(source, page.url)
    checkup.captured = seen
    add(findings)
    add(datalayer(source))
    return checkup


def _page(page: Fetched) -> Iterator[Finding]:
    if page.status != 200:
        yield Finding(
            False,
            f"{page.url} answers {page.status}",
            "give the address of a page that a visitor can open without logging in",
            "page",
        )
        return
    by = f", after {len(page.redirects)} redirects" if page.redirects else ""
    yield Finding(True, f"{page.url} answers in {page.seconds:.1f} s{by}", check="page")


def _tag(
    tags: list[Tag],
    page: Fetched,
    source: PageSource,
    settings: Settings,
    wanted: str | None,
    server: str | None,
) -> Iterator[Finding]:
    if not tags:
        key = wanted or next((one.key for one in settings.keys if not one.secret), "YOUR-BROWSER-KEY")
        base = base_of(server, settings) or "https://h.shop.example/h"
        said = "the tag is not in the page's source"
        if _may_be_inserted(page, source, settings, wanted):
            yield Finding(
                None,
                f"{said}; a script there may put it in, which only a browser shows",
                "open the page, and type habitue('doctor') into the browser's console",
                "tag",
            )
        else:
            line = f'<script async src="{base}/s.js" data-key="{key}"></script>'
            yield Finding(False, said, f"put {line} into the <head> (docs/install/)", "tag")
        return
    tag = tags[0]
    yield Finding(True, f"the tag comes from {tag.src.partition('?')[0]}", check="tag")
    if len(tags) > 1:
        yield Finding(
            None, f"it stands there {len(tags)} times; only the first one works", "take the others out", "tag"
        )
    attributes = tag.script.attributes
    if not {"async", "defer"} & attributes.keys() and attributes.get("type") != "module":
        yield Finding(
            None, "the page waits for the tag before it goes on", "add async to the script element", "tag"
        )
    yield from _key(tag, page.url, settings, wanted)


def _may_be_inserted(page: Fetched, source: PageSource, settings: Settings, wanted: str | None) -> bool:
    """Whether a tag manager or a script of the page could bring the tag."""
    names = [one.key for one in settings.keys if not one.secret] + ([wanted] if wanted else [])
    code = source.code
    return bool(_CONTAINER.search(page.text)) or "/s.js" in code or any(name in code for name in names)


def _key(tag: Tag, url: str, settings: Settings, wanted: str | None) -> Iterator[Finding]:
    if not tag.key:
        yield Finding(False, "the tag has no key", 'add data-key="…" with a browser key', "key")
        return
    known = settings.find_key(tag.key)
    if known is not None and known.secret:
        yield Finding(
            False,
            "the tag carries a SECRET key: everybody who looks at the page can read every profile",
            "make a browser key (`habitue keys create --kind browser`), put that into the page,"
            " and throw this server key away",
            "key",
        )
        return
    if wanted and tag.key != wanted:
        yield Finding(False, f"the tag's key is {tag.key}, not {wanted}", "correct data-key", "key")
        return
    if known is None:
        yield Finding(
            None,
            f"the key {tag.key} is not one of this data directory's; the server is asked below",
            "",
            "key",
        )
        return
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if known.allows_origin(origin):
        yield Finding(True, f"its key {known.name or known.key!r} may be used by {origin}", check="key")
    else:
        yield Finding(
            False,
            f"its key may not be used by pages of {origin}: all events are refused",
            f'add "{origin}" to the key\'s origins',
            "key",
        )


def _site(tag: Tag, url: str) -> Iterator[Finding]:
    page, ours = urlsplit(url), urlsplit(tag.endpoint)
    here, there = page.hostname or "", ours.hostname or ""
    if page.scheme == "https" and ours.scheme == "http":
        yield Finding(
            False,
            "the page is https and the tag is http: browsers block it",
            "serve the tag by https",
            "site",
        )
    elif here == there:
        yield Finding(True, "the tag comes from the page's own host", check="site")
    elif are_same_site(here, there):
        yield Finding(
            True, f"{there} and {here} are one site ({site_of(here)}): the cookie is first-party", "", "site"
        )
    else:
        yield Finding(
            False,
            f"{there} is another site than {here}: browsers keep no cookie for it,"
            " and every page is a new visitor",
            f"serve the tag from a name below {site_of(here)}, or from a path of {here}"
            " (docs/install/first-party.md)",
            "site",
        )


def _stub(tag: Tag, source: PageSource) -> Iterator[Finding]:
    before = [one for one in source.scripts if one.place < tag.script.place and not one.src]
    calls = [one for one in source.scripts if not one.src and re.search(r"\bhabitue\s*\(", one.text)]
    if any(STUB.search(one.text) for one in before):
        yield Finding(True, "the first line (the stub) stands before it", check="stub")
    elif calls or source.slots:
        yield Finding(
            None,
            "the first line (the stub) is missing before the tag: calls made before the tag is there fail,"
            " and slots may shift once",
            "put the content of …/h/stub.js as an inline script before the tag",
            "stub",
        )
    if not tag.script.in_head:
        yield Finding(None, "the tag stands in the body; in the head it is there earlier", "", "stub")
