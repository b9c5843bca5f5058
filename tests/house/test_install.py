"""docs/install/: what people paste parses, says only what the tag knows, and does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from habitue_cli.page_source import STUB

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "install"
PAGES = sorted(FOLDER.glob("*.md"))
TEMPLATE = (FOLDER / "gtm" / "habitue.tpl").read_text("utf-8")
TAG_DOCS = (ROOT / "docs" / "tag.md").read_text("utf-8")

FIRST_LINE = (
    "window.habitue=window.habitue||function(){arguments.t=Date.now();"
    "(habitue.q=habitue.q||[]).push(arguments)}"
)
STANDARD = {"async", "src", "src_type", "nonce", "integrity", "crossorigin"}  # src_type: Magento's own
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{\$[^}]*\}|<\?=?.*?\?>", re.DOTALL)
_SMARTY_BLOCK = re.compile(r"\{/?(?:literal|if|foreach)\b[^}]*\}")  # prints nothing itself


class Elements(HTMLParser):
    """Start tags with their attributes, and the text of inline scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inline = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inline = tag == "script" and "src" not in dict(attrs)
        if self._inline:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inline = False

    def handle_data(self, data: str) -> None:
        if self._inline:
            self.scripts[-1] += data


def filled(code: str) -> str:
    """A block as a browser would get it: what the shop system prints is a word."""
    code = _SMARTY_BLOCK.sub("", code).replace("{ldelim}", "{").replace("{rdelim}", "}")
    return _EXPRESSION.sub(lambda found: "1" if re.search("floatval|intval", found[0]) else "x", code)


def blocks(page: Path) -> list[tuple[str, Elements]]:
    text = page.read_text("utf-8")
    return [(language, Elements(filled(code))) for language, code in _BLOCK.findall(text) if "<" in code]


def tags_in(page: Path) -> list[dict[str, str | None]]:
    return [
        attributes
        for _, elements in blocks(page)
        for tag, attributes in elements.tags
        if tag == "script" and "/s.js" in (attributes.get("src") or "")
    ]


def scripts_in(page: Path) -> list[str]:
    return [script for _, elements in blocks(page) for script in elements.scripts]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_tag_has_a_key_and_only_documented_attributes(page: Path) -> None:
    documented = set(re.findall(r"`(data-[a-z-]+)`", TAG_DOCS))
    assert {"data-key", "data-consent"} <= documented
    for attributes in tags_in(page):
        assert attributes.keys() - STANDARD <= documented
        source = attributes["src"] or ""
        assert attributes.get("data-key") == "YOUR-BROWSER-KEY" or source.endswith("?key=YOUR-BROWSER-KEY")
        assert "async" in attributes
        assert source.startswith(("https://h.shop.example/h/s.js", "/h/s.js"))


def test_every_shop_system_has_a_tag_and_a_slot() -> None:
    systems = ("html", "shopify", "woocommerce", "shopware", "magento", "prestashop", "python")
    for name in systems:
        page = FOLDER / f"{name}.md"
        assert tags_in(page), name
        slots = [
            attributes
            for _, elements in blocks(page)
            for _, attributes in elements.tags
            if "data-habitue-slot" in attributes
        ]
        assert slots, name
        for attributes in slots:
            assert attributes.keys() <= {"data-habitue-slot", "data-item", "data-category", "data-deadline"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_first_line_is_the_same_everywhere(page: Path) -> None:
    first = [script for script in scripts_in(page) if "window.habitue" in script]
    assert set(first) <= {FIRST_LINE}
    assert all(STUB.search(script) for script in first), "the doctor knows it"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_only_documented_calls_are_made(page: Path) -> None:
    documented = set(re.findall(r"habitue\('(\w+)'", TAG_DOCS)) | {"doctor"}
    assert set(re.findall(r"habitue\('(\w+)'", page.read_text("utf-8"))) <= documented


def test_every_page_is_found_from_the_first_one() -> None:
    index = (FOLDER / "index.md").read_text("utf-8")
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))
    assert linked == {page.name for page in PAGES} - {"index.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_script_parses_and_throws_nothing(page: Path) -> None:
    scripts = [script for script in scripts_in(page) if script.strip()]
    if scripts:
        run_node(
            """
            const {runInNewContext} = require('vm')
            for (const script of SCRIPTS) {
              const page = {document: {cookie: '', addEventListener() {}}, addEventListener() {}}
              page.window = page
              page.habitue = () => {}
              runInNewContext(script, page)
            }
            """,
            SCRIPTS=scripts,
        )


def test_the_first_line_lets_calls_wait() -> None:
    told = run_node(
        """
        const page = {}
        page.window = page
        require('vm').runInNewContext(LINE + ";habitue('track','A',{b:1})", page)
        const [call] = page.habitue.q
        console.log(JSON.stringify({call: Array.from(call), timed: call.t > 1e12}))
        """,
        LINE=FIRST_LINE,
    )
    assert json.loads(told) == {"call": ["track", "A", {"b": 1}], "timed": True}


# ---- the template for Google Tag Manager --------------------------------------------------------------


def sections() -> dict[str, str]:
    parts = re.split(r"^___([A-Z_]+)___$", TEMPLATE, flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_the_template_has_the_sections_of_the_gallery_in_their_order() -> None:
    assert list(sections()) == [
        "TERMS_OF_SERVICE",
        "INFO",
        "TEMPLATE_PARAMETERS",
        "SANDBOXED_JS_FOR_WEB_TEMPLATE",
        "WEB_PERMISSIONS",
        "TESTS",
        "NOTES",
    ]
    info = json.loads(sections()["INFO"])
    assert (info["type"], info["containerContexts"]) == ("TAG", ["WEB"])
    fields = {field["name"] for field in json.loads(sections()["TEMPLATE_PARAMETERS"])}
    used = set(re.findall(r"\bdata\.(\w+)", sections()["SANDBOXED_JS_FOR_WEB_TEMPLATE"]))
    assert used - {"gtmOnSuccess", "gtmOnFailure"} == fields


def test_the_template_is_permitted_what_it_does_and_no_more() -> None:
    code = sections()["SANDBOXED_JS_FOR_WEB_TEMPLATE"]
    needs = {
        "addConsentListener": "access_consent",
        "isConsentGranted": "access_consent",
        "callInWindow": "access_globals",
        "copyFromWindow": "access_globals",
        "createQueue": "access_globals",
        "setInWindow": "access_globals",
        "injectScript": "inject_script",
        "encodeUriComponent": None,
    }
    required = re.findall(r"require\('(\w+)'\)", code)
    permitted = {one["instance"]["key"]["publicId"] for one in json.loads(sections()["WEB_PERMISSIONS"])}
    assert {needs[name] for name in required} - {None} == permitted
    for name in required:
        assert len(re.findall(rf"\b{name}\b", code)) >= 3, f"{name} is required and not used"


def run_template(data: dict[str, Any], granted: tuple[str, ...] = ()) -> dict[str, Any]:
    told = run_node(
        """
        const window = {}, listeners = {}, loaded = []
        const at = (path) => path.split('.').reduce((from, name) => from && from[name], window)
        const apis = {
          copyFromWindow: at,
          setInWindow: (name, value) => { window[name] = value },
          createQueue: (path) => { window.habitue.q = [] },
          callInWindow: (path, ...given) => at(path.replace('.push', '')).push(...given),
          isConsentGranted: (type) => GRANTED.includes(type),
          addConsentListener: (type, listener) => { listeners[type] = listener },
          encodeUriComponent: encodeURIComponent,
          injectScript: (url, success) => { loaded.push(url); success() }
        }
        let done = 0
        new Function('require', 'data', CODE)((name) => apis[name], {...DATA, gtmOnSuccess: () => done++})
        window.habitue('track', 'later')
        const calls = window.habitue.q.map((call) => Array.from(call))
        console.log(JSON.stringify({loaded, done, calls, listeners: Object.keys(listeners)}))
        """,
        CODE=sections()["SANDBOXED_JS_FOR_WEB_TEMPLATE"],
        DATA=data,
        GRANTED=granted,
    )
    answer: dict[str, Any] = json.loads(told)
    return answer


def test_the_template_loads_the_tag_and_lets_calls_wait() -> None:
    did = run_template(
        {"server": "https://h.shop.example/h/", "key": "a b", "consent": "page", "file": "s.js"}
    )
    assert did == {
        "loaded": ["https://h.shop.example/h/s.js?key=a%20b"],
        "done": 1,
        "calls": [["track", "later"]],
        "listeners": [],
    }


def test_the_template_hands_on_what_the_container_knows_of_consent() -> None:
    said = {"server": "https://h.shop.example/h", "key": "k", "consent": "container", "file": "s.js"}
    did = run_template(said, ("analytics_storage", "personalization_storage"))
    assert did["calls"][0] == ["consent", {"analytics": True, "personalization": False}]
    assert did["listeners"] == ["analytics_storage", "personalization_storage", "ad_personalization"]
    assumed = run_template({**said, "consent": "assumed"})
    assert assumed["loaded"] == ["https://h.shop.example/h/s.js?key=k&consent=assumed"]


def run_node(code: str, **given: Any) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on this machine")
    names = "".join(f"const {name} = {json.dumps(value)}\n" for name, value in given.items())
    ran = subprocess.run([node, "-e", names + code], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
