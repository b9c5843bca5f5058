"""What stands in a page's source: scripts, policies, slots, markup. Nothing is run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

MAX_SCOPES = 200
MAX_DEPTH = 400
MAX_COMMENTS = 2_000
MAX_TEXT = 1_000
_VOID = frozenset(
    (
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source"),
        *("track", "wbr"),
    )
)
_FROM_ATTRIBUTE = {
    **dict.fromkeys(("a", "area", "link"), "href"),
    **dict.fromkeys(("img", "audio", "video", "source", "iframe", "embed", "track"), "src"),
    **dict.fromkeys(("data", "meter"), "value"),
    "meta": "content",
    "object": "data",
    "time": "datetime",
}
STUB = re.compile(r"\.habitue\b[^;]{0,80}(?:\.q\b|=)|data-habitue-slot")  # the first of the two lines
_PLATFORM_CLASS = re.compile(r"\bpostid-(\d+)\b")
_PLATFORM_ID = re.compile(r"^product-(\d+)$")

Attributes = dict[str, str]


@dataclass(slots=True)
class Script:
    """A script element: its attributes, its text, and which one of the page it is."""

    attributes: Attributes
    text: str = ""
    place: int = 0
    in_head: bool = False

    @property
    def src(self) -> str | None:
        return self.attributes.get("src") or None


@dataclass(slots=True)
class PageSource:
    """A page, as far as the doctor looks."""

    scripts: list[Script] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)  # of <meta http-equiv>
    slots: list[Attributes] = field(default_factory=list)
    canonical: str | None = None
    opengraph: dict[str, str] = field(default_factory=dict)
    microdata: list[dict[str, Any]] = field(default_factory=list)
    platform_id: str | None = None
    forms: list[str] = field(default_factory=list)  # whose add-to-cart forms: WooCommerce, Shopify
    base: str | None = None

    @property
    def json_ld(self) -> list[str]:
        return [script.text for script in self.scripts if "ld+json" in script.attributes.get("type", "")]

    @property
    def code(self) -> str:
        """The text of every inline script that is run."""
        return "\n".join(
            script.text
            for script in self.scripts
            if not script.src and "json" not in script.attributes.get("type", "")
        )

    def markup(self) -> dict[str, Any]:
        """As the tag would send it."""
        said: dict[str, Any] = {
            "jsonld": self.json_ld,
            "microdata": self.microdata,
            "opengraph": self.opengraph,
            "canonical": self.canonical,
        }
        if self.platform_id is not None:
            said["platform_id"] = self.platform_id
        return said


def read_page(html: str) -> PageSource:
    """The page's source, read; takes any text."""
    reader = _Reader()
    if html.count("<!--") > MAX_COMMENTS:  # the parser takes quadratic time over comments that never end
        html = html[: html.find("<!--", html.rfind("-->") + 3)]
    reader.feed(html)
    reader.close()
    return reader.page


@dataclass(slots=True)
class _Open:
    """An element whose end has not come: the microdata scope in it, and a property that wants its text."""

    tag: str
    scope: dict[str, Any] | None
    names: tuple[str, ...] = ()
    text: list[str] | None = None
    owner: dict[str, Any] | None = None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = PageSource()
        self._open: list[_Open] = []
        self._script: Script | None = None
        self._head = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in reversed(attrs)}
        if tag == "body":
            self._head = False
        if tag == "script":
            self._script = Script(attributes, place=len(self.page.scripts), in_head=self._head)
            self.page.scripts.append(self._script)
        self._look(tag, attributes)
        self._microdata(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth].tag == tag:
                for element in self._open[depth:]:
                    _settle(element)
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._script.text += data
            return
        for element in self._open:
            if element.text is not None and len(element.text) < 50:
                element.text.append(data[:MAX_TEXT])

    def close(self) -> None:
        super().close()
        for element in self._open:
            _settle(element)

    def _look(self, tag: str, attributes: Attributes) -> None:
        page = self.page
        if tag == "link" and "canonical" in attributes.get("rel", "").lower().split():
            page.canonical = page.canonical or attributes.get("href")
        elif tag == "base":
            page.base = page.base or attributes.get("href")
        elif tag == "meta":
            if attributes.get("http-equiv", "").lower() == "content-security-policy":
                page.policies.append(attributes.get("content", ""))
            name = attributes.get("property") or attributes.get("name", "")
            if name.startswith(("og:", "product:")):
                page.opengraph.setdefault(name, attributes.get("content", ""))
        elif tag == "form":
            classes, action = attributes.get("class", "").split(), attributes.get("action", "")
            if "cart" in classes:
                page.forms.append("WooCommerce")
            elif "/cart/add" in action:
                page.forms.append("Shopify")
        if "data-habitue-slot" in attributes:
            page.slots.append(attributes)
        if page.platform_id is None:
            found = _PLATFORM_CLASS.search(attributes.get("class", "")) if tag == "body" else None
            found = found or _PLATFORM_ID.match(attributes.get("id", ""))
            page.platform_id = found[1] if found else None

    def _microdata(self, tag: str, attributes: Attributes) -> None:
        around = self._open[-1].scope if self._open else None
        names = tuple(attributes.get("itemprop", "").split()[:5])
        scope = around
        text: list[str] | None = None
        if "itemscope" in attributes:
            scope = {}
            if around is not None and names:
                _add(around, names, scope)
            elif (
                "schema.org/product" in attributes.get("itemtype", "").lower()
                and len(self.page.microdata) < MAX_SCOPES
            ):
                self.page.microdata.append(scope)
            names = ()
        elif names and around is not None:
            attribute = _FROM_ATTRIBUTE.get(tag, "")
            if tag == "meta" or attributes.get(attribute) or attributes.get("content"):
                _add(around, names, attributes.get("content") or attributes.get(attribute, ""))
                names = ()
            else:
                text = []
        if tag not in _VOID and len(self._open) < MAX_DEPTH:
            self._open.append(_Open(tag, scope, names, text, around))


def _add(scope: dict[str, Any], names: tuple[str, ...], value: Any) -> None:
    for name in names:
        values = scope.setdefault(name, [])
        if len(values) < 50:
            values.append(value)


def _settle(element: _Open) -> None:
    if element.text is not None and element.owner is not None:
        _add(element.owner, element.names, " ".join("".join(element.text).split())[:MAX_TEXT])
        element.text = None
