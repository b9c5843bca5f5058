"""What is documented is there, and what is there is documented."""

from __future__ import annotations

import inspect
import itertools
import re
import shlex
from pathlib import Path

import pytest

from habitue_cli.main import INTERNAL, VERBS, _parser, _verb
from habitue_collector import metrics
from habitue_collector.events import Kind, RejectReason
from habitue_collector.settings import SECTIONS, describe
from habitue_collector.store import keys
from habitue_recommender.reasons import ReasonCode
from habitue_warehouse.schema import COLUMNS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def _text(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def test_every_setting_is_documented_as_it_is() -> None:
    """To renew: print `habitue_collector.settings.describe()` between the head and [[keys]]."""
    assert describe().strip() in _text("docs/settings.md")
    assert len(SECTIONS) == describe().count("\n## ") + 1


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_event_is_documented(kind: Kind) -> None:
    assert f"`{kind.value}`" in _text("docs/events.md")


@pytest.mark.parametrize("reason", list(RejectReason))
def test_every_reason_for_a_reject_is_documented(reason: RejectReason) -> None:
    assert f"`{reason.value}`" in _text("docs/events.md")


def test_the_list_of_metrics_is_the_metrics() -> None:
    counted = {f"habitue_{name}_total": "worker" for name in metrics.COUNTERS}
    counted |= {f"habitue_{name}_total": f"worker {label}" for name, (label, _) in metrics.LABELLED.items()}
    counted |= {f"habitue_{name}": "worker" for name in metrics.GAUGES}
    counted |= {f"habitue_{name}": f"worker {label}" for name, (label, _) in metrics.LABELLED_GAUGES.items()}
    rows = re.findall(r"^\| `(habitue_\w+)` \| ([^|]*) \|", _text("docs/operations.md"), re.MULTILINE)
    assert {name: " ".join(re.findall(r"\w+", labels)) for name, labels in rows} == counted


@pytest.mark.parametrize("code", list(ReasonCode))
def test_every_reason_for_an_offer_is_documented(code: ReasonCode) -> None:
    assert f"`{code.value}`" in _text("docs/slots.md")


def _named_in_privacy() -> set[str]:
    rows = re.findall(r"^\| (`[^|]*) \|", _text("docs/privacy.md"), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_what_is_kept_in_redis_is_what_the_privacy_page_lists() -> None:
    made = [value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)]
    for function in vars(keys).values():
        if inspect.isfunction(function) and function.__annotations__.get("return") == "str":
            parameters = inspect.signature(function).parameters.values()
            made.append(function(*(0 if one.annotation == "int" else "x" for one in parameters)))
    made.remove(keys.ARCHIVER_GROUP)  # the name of a consumer group
    kept = {re.sub(r"^\{(b\d+|console|webhooks)\}:|[{}]", "", key).split(":")[0] for key in made}
    assert {f"redis:{name}" for name in kept} == {n for n in _named_in_privacy() if n.startswith("redis:")}


def test_what_the_archive_and_the_tag_keep_is_in_the_privacy_page() -> None:
    named = _named_in_privacy() | set(re.findall(r"`(\w+)`", _text("docs/privacy.md").split("## Archive")[1]))
    assert {column for columns in COLUMNS.values() for column in columns} | COLUMNS.keys() <= named
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "js-snippet/src").glob("*.ts"))
    stored = set(re.findall(r"(?:\bwrite\(|\bOURS = )'([\w.]+)'", sources))
    stored = {f"{name}…" if name.endswith(".") else name for name in stored}
    assert {f"tag:{name}" for name in stored} == {name for name in named if name.startswith("tag:")}


def test_every_command_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", _text("README.md"), re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_is_one_that_can_be_given(page: Path) -> None:
    """In blocks as it stands there, in a line its verb; nothing is run (docs/quickstart.md is, elsewhere)."""
    text = page.read_text("utf-8")
    for line in re.findall(r"^(?:    )?habitue ([a-z][^\n=]*)$", text, re.MULTILINE):
        words = shlex.split(line + ('"' if line.count('"') % 2 else ""), comments=True)
        given = list(itertools.takewhile(lambda word: word not in {"&", "|", ">", "2>"}, words))
        _parser(given[0], _verb(given[0])).parse_args(given[1:])
    for verb in re.findall(r"`habitue ([a-z]+)", text):
        assert verb in VERBS | INTERNAL, verb


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings, a repeated one left out."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)\s#]*)(?:#([^)]*))?\)", page.read_text("utf-8")):
        if "://" not in target:
            found = page.parent / target if target else page
            assert found.exists(), target
            assert not anchor or anchor in _anchors(found), f"{target}#{anchor}"


ROOMS = {path.parts[-2]: path for path in ROOT.glob("*/habitue_*") if path.is_dir()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(page: Path) -> None:
    """`collector/fold.py` may stand for `collector/habitue_collector/fold.py`."""
    for code in re.findall(r"`([^`\n]+)`", page.read_text("utf-8")):
        for name in re.findall(r"(?<![\w/.<{-])([a-z-]+/[\w./-]*\w/?)", code):
            room, _, inside = name.partition("/")
            if (ROOT / room).is_dir() and "NNNN" not in name:
                assert (ROOT / name).exists() or (room in ROOMS and (ROOMS[room] / inside).exists()), name


def test_decisions_are_numbered_once_and_short() -> None:
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [file.name[:4] for file in files]
    assert len(set(numbers)) == len(numbers)
    for file in files:
        text = file.read_text("utf-8")
        assert text.startswith("# "), file.name
        assert len(text.splitlines()) <= 60, file.name
