"""Walks the whole path once and says what is wrong: settings, keys, Redis, server, from beacon to offer.

With a running server it sends one event of an invented visitor, reads that visitor's profile back, asks
for offers, and erases the visitor again. It changes nothing else.

examples:
  habitue doctor
  habitue doctor --url https://t.shop.example
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from .. import checkup, source
from ..run_folder import RunFolder

_MARKS = {True: "ok", False: "NOT OK", None: "note"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("--url", help="where the server answers; default: the one running over this folder")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = source.load(arguments, environ)
    findings = list(checkup.house(settings, environ))
    url = arguments.url or settings.server.public_url or RunFolder(settings.data.folder).read_address()
    if url:
        findings += checkup.path(url.rstrip("/"), settings)
    else:
        findings.append(
            checkup.Finding(
                None, "no server runs over this folder; start one (`habitue serve`) and ask again"
            )
        )
    for finding in findings:
        print(f"{_MARKS[finding.good]:<7} {finding.sentence}")
    wrong = sum(finding.good is False for finding in findings)
    print(f"\n{wrong} to mend" if wrong else "\nEverything that could be tried works.")
    return 1 if wrong else 0
