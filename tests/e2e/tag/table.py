"""The table of pages × switches: `PYTHONPATH=tests python -m e2e.tag.table [--every] [NAME …]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from e2e.tag.mall import Csp, Mall, Sdk
from e2e.tag.real_collector import RealCollector
from e2e.tag.shared import shared_truths
from e2e.tag.trials import Case, Verdict, run_all
from e2e.tag.truth import Truth, all_truths

USUAL: tuple[tuple[Csp, Sdk], ...] = (("nonce", "async"), ("nonce", "late"))
EVERY: tuple[tuple[Csp, Sdk], ...] = tuple(
    (csp, sdk)
    for csp in ("off", "nonce", "strict-dynamic", "trusted-types", "report")
    for sdk in ("async", "defer", "sync", "late")
)


def cases(truths: Iterable[Truth], switches: Iterable[tuple[Csp, Sdk]]) -> list[Case]:
    """Each truth under each pair of switches that it is meant for."""
    return [
        Case(truth, csp, sdk)
        for truth in truths
        for csp, sdk in switches
        if (not truth.sdks or sdk in truth.sdks) and (not truth.csps or csp in truth.csps)
    ]


def render(verdicts: list[Verdict]) -> str:
    """Markdown: a line per page, a column per pair of switches."""
    switches = list(dict.fromkeys((one.csp, one.sdk) for one in verdicts))
    lines = ["| page | " + " | ".join(f"{csp}, {sdk}" for csp, sdk in switches) + " |"]
    lines.append("|---" * (1 + len(switches)) + "|")
    found = {(one.truth.name, one.csp, one.sdk): one for one in verdicts}
    for name in dict.fromkeys(one.truth.name for one in verdicts):
        row = [found.get((name, csp, sdk)) for csp, sdk in switches]
        marks = ["" if one is None else "✗" if one.failures else "✓" for one in row]
        lines.append(f"| {name} | " + " | ".join(marks) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pages, all when none is named")
    parser.add_argument("--every", action="store_true", help="every policy × every way to load")
    arguments = parser.parse_args()
    truths = [
        truth
        for truth in all_truths() + shared_truths()
        if not arguments.names or any(truth.name.startswith(name) for name in arguments.names)
    ]
    with RealCollector() as collector, Mall(collector.port) as mall:
        verdicts = run_all(cases(truths, EVERY if arguments.every else USUAL), mall, collector)
    print(render(verdicts))
    for one in verdicts:
        if one.failures:
            print(f"\n{one.name} ({one.seconds:.1f} s)", *one.failures, sep="\n  ")
    good = sum(not one.failures for one in verdicts)
    print(f"\n{good} of {len(verdicts)} hold")
    return 0 if good == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
