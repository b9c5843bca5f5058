"""Pages as shops have them, and what the collector knows after each: `python -m e2e.tag.table` prints it."""

from __future__ import annotations

import pytest
from e2e.tag.mall import Mall
from e2e.tag.real_collector import RealCollector
from e2e.tag.shared import ABSENT, shared_truths
from e2e.tag.table import EVERY, USUAL, cases, render
from e2e.tag.trials import Case, Verdict, run_all
from e2e.tag.truth import all_truths

OURS, SHARED = all_truths(), shared_truths()
LATE = {
    "before-during-after",
    "ga4-gtm",
    "gtag-arguments",
    "rewrapped",
    "both-late",
    "woo-product",
    "consent-denied",
}
# Prices in any locale are tried by the collector's own tests; here some of them go all the way.
FEW_PRICES = {f"price-microdata-{number}" for number in range(5, 30)}
BRIEF = [
    case
    for case in cases([truth for truth in OURS if not truth.rare], USUAL)
    # What a page says does not depend on when the tag comes, what was pushed before it does.
    if (case.sdk == "async" or case.truth.name in LATE) and case.truth.name not in FEW_PRICES
] + cases(SHARED, USUAL)
# The first of them waits for all, on a machine that may have other things to do.
pytestmark = pytest.mark.timeout(1800)
GAPS: dict[str, str] = {}
"""Pages that do not hold yet, and why; whoever mends one takes its line away."""


def _named(case: Case) -> str:
    return f"{case.truth.name}-{case.csp}-{case.sdk}"


def _marked(case: Case) -> object:
    gap = GAPS.get(case.truth.name)
    marks = [pytest.mark.xfail(strict=True, reason=gap)] if gap else []
    return pytest.param(case, id=_named(case), marks=marks)


@pytest.fixture(scope="module")
def verdicts(mall: Mall, collector: RealCollector) -> dict[str, Verdict]:
    """All pages at once, in one browser: most of a trial is waiting for what must not happen."""
    found = run_all(BRIEF, mall, collector)
    print(f"\n{render(found)}")
    return {_named(Case(one.truth, one.csp, one.sdk)): one for one in found}


@pytest.mark.parametrize("case", [_marked(case) for case in BRIEF])
def test_the_collector_knows_what_happened_and_nothing_else(
    case: Case, verdicts: dict[str, Verdict], mall: Mall, collector: RealCollector
) -> None:
    # A second try (decision 0032) is a trial of its own, not the first one's verdict again.
    verdict = verdicts.pop(_named(case), None) or run_all([case], mall, collector)[0]
    assert verdict.failures == [], verdict.truth.about


def test_the_shared_pages_are_there() -> None:
    if not SHARED:
        pytest.skip(ABSENT)


@pytest.mark.long
@pytest.mark.parametrize(("csp", "sdk"), EVERY)
def test_under_every_policy_and_way_to_load(csp: str, sdk: str, mall: Mall, collector: RealCollector) -> None:
    chosen = [case for case in cases(OURS + SHARED, EVERY) if (case.csp, case.sdk) == (csp, sdk)]
    found = run_all([case for case in chosen if case.truth.name not in GAPS], mall, collector)
    assert {one.name: one.failures for one in found if one.failures} == {}
