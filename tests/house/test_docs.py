"""What is documented is there, and what is there is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from habitue_cli.main import VERBS
from habitue_collector import metrics
from habitue_collector.events import Kind, RejectReason
from habitue_collector.settings import SECTIONS, describe

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


@pytest.mark.parametrize("name", [*metrics.COUNTERS, *metrics.LABELLED, *metrics.GAUGES])
def test_every_metric_is_documented(name: str) -> None:
    assert f"`habitue_{name}" in _text("docs/operations.md")


def test_every_command_of_the_readme_exists() -> None:
    readme, makefile = _text("README.md"), _text("Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", readme, re.MULTILINE)) <= targets
    assert set(re.findall(r"^habitue ([a-z]+)", readme, re.MULTILINE)) <= set(VERBS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_decisions_are_numbered_once_and_short() -> None:
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [file.name[:4] for file in files]
    assert len(set(numbers)) == len(numbers)
    for file in files:
        text = file.read_text("utf-8")
        assert text.startswith("# "), file.name
        assert len(text.splitlines()) <= 60, file.name
