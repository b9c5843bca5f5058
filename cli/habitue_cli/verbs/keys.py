"""Makes, lists and rotates keys.

A browser key is public: it stands in the shop's pages and only opens the door for beacons. A server key is
secret: it reads profiles, proves logins (`user_hash`) and changes the catalog. Both are written to
keys/keys.toml in the data directory, which only you may read. `rotate` adds a new signing key for cookies;
those signed by the two before it stay good. Restart `habitue serve` after a change.

examples:
  habitue keys create --kind browser --origin https://www.shop.example --name storefront
  habitue keys create --kind server --name backend
  habitue keys list
  habitue keys rotate
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from habitue_collector.origins import OriginPattern
from habitue_collector.secret_keys import create_write_key, new_key, rotate_signing_keys
from habitue_collector.settings import WriteKey

from .. import source
from ..errors import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("action", choices=("create", "list", "rotate"))
    parser.add_argument("--kind", choices=("browser", "server"), default="browser")
    parser.add_argument("--name", default="", help="for people: where the key is used")
    parser.add_argument(
        "--origin", action="append", default=[], help="a page origin that may use a browser key; repeatable"
    )
    parser.add_argument(
        "--consent",
        choices=("required", "assumed"),
        help="what counts when an event says nothing; default: required (browser), assumed (server)",
    )


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = source.load(arguments, environ)
    folder = settings.data.folder
    if arguments.action == "list":
        for key in settings.keys:
            shown = f"{key.key[:6]}…" if key.secret else key.key
            consent = "assumed" if key.consent_assumed else "required"
            origins = ", ".join(key.origins) or "-"
            print(f"{key.kind:<8} {shown:<28} consent {consent:<9} {origins:<36} {key.name}")
        if not settings.keys:
            print("There are no keys yet; `habitue keys create` makes one.")
    elif arguments.action == "rotate":
        kept = rotate_signing_keys(folder)
        print(f"{len(kept)} signing keys; the newest signs from the next start on.")
    else:
        key = _created(arguments)
        create_write_key(folder, key)
        print(key.key)
    return 0


def _created(arguments: argparse.Namespace) -> WriteKey:
    for origin in arguments.origin:
        try:
            OriginPattern.parse(origin)
        except ValueError as error:
            raise CommandError(str(error)) from None
    if arguments.kind == "server" and arguments.origin:
        raise CommandError("a server key is secret and never stands in a page: it has no --origin")
    return WriteKey(
        new_key(arguments.kind),
        arguments.kind,
        arguments.consent,
        origins=tuple(arguments.origin),
        name=arguments.name,
    )
