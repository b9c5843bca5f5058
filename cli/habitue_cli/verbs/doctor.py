"""Says what is wrong and what to do: the whole path from beacon to offer, or one page of the shop.

Without --page it walks the path once: settings, keys, Redis, server. With a running server it sends one
event of an invented visitor, reads that visitor's profile back, asks for offers, and erases the visitor
again.

With --page it reads one page of the shop as a stranger would: is the tag there with the right key and host,
do policy and consent let it work, which slots and products will it find. Nothing is sent about anybody. It
prints a link that shows in the page itself, for an hour, what is captured, sent and refused.

The exit code is 1 when something is to mend.

examples:
  habitue doctor
  habitue doctor --url https://t.shop.example
  habitue doctor --page https://www.shop.example/p/trail-shoe
  habitue doctor --page https://www.shop.example/ --server https://h.shop.example --key hb_… --json
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import orjson

from habitue_collector.settings import Settings

from .. import checkup, source
from ..run_folder import RunFolder

_MARKS = {True: "ok", False: "NOT OK", None: "note"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("--url", help="where the server answers; default: the one running over this folder")
    parser.add_argument("--page", metavar="URL", help="look at this page of the shop instead")
    parser.add_argument(
        "--server", metavar="URL", help="the collector the page should use, if not as in the page"
    )
    parser.add_argument("--key", help="the browser key the page should have")
    parser.add_argument(
        "--allow-private", action="store_true", help="the page's name leads to an address inside your network"
    )
    parser.add_argument("--json", action="store_true", help="everything as one JSON object")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = source.load(arguments, environ)
    if arguments.page:
        return _page(arguments, settings)
    findings = [*checkup.house(settings, environ), *checkup.counted(settings, _today())]
    url = arguments.url or settings.server.public_url or RunFolder(settings.data.folder).read_address()
    if url:
        findings += checkup.path(url.rstrip("/"), settings)
    else:
        findings.append(
            checkup.Finding(
                None, "no server runs over this folder; start one (`habitue serve`) and ask again"
            )
        )
    if arguments.json:
        _print_json(findings)
    else:
        _print(findings)
    return _code(findings)


def _page(arguments: argparse.Namespace, settings: Settings) -> int:
    from .. import page_checkup

    looked = page_checkup.examine(
        arguments.page,
        settings,
        server=arguments.server or arguments.url or RunFolder(settings.data.folder).read_address(),
        key=arguments.key,
        allow_private=arguments.allow_private,
    )
    looked.findings.extend(checkup.counted(settings, _today()))
    if arguments.json:
        _print_json(
            looked.findings, page=looked.url, captured=looked.captured, debug_url=looked.debug_url or None
        )
    else:
        _print(looked.findings)
        if looked.debug_url:
            print(f"\nSee it live, for an hour:\n{looked.debug_url}")
    return _code(looked.findings)


def _today() -> date:
    return datetime.now(UTC).date()


def _print(findings: Sequence[checkup.Finding]) -> None:
    for finding in findings:
        print(f"{_MARKS[finding.good]:<7} {finding.sentence}")
        if finding.mend and finding.good is not True:
            print(f"{'':<7}   → {finding.mend}")
    wrong = sum(finding.good is False for finding in findings)
    print(f"\n{wrong} to mend" if wrong else "\nEverything that could be tried works.")


def _print_json(findings: Sequence[checkup.Finding], **more: object) -> None:
    told = [
        {name: getattr(finding, name) for name in ("check", "good", "sentence", "mend")}
        for finding in findings
    ]
    print(
        orjson.dumps(
            {"good": _code(findings) == 0, **more, "findings": told}, option=orjson.OPT_INDENT_2
        ).decode()
    )


def _code(findings: Sequence[checkup.Finding]) -> int:
    return 1 if any(finding.good is False for finding in findings) else 0
