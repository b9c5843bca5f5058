"""Makes, lists, revokes and rotates keys; and lets the first admin into the console.

A browser key is public: it stands in the shop's pages and only opens the door for beacons. A server key is
secret: it reads profiles, proves logins (`user_hash`) and changes the catalog. Both are written to
keys/keys.toml in the data directory, which only you may read. `rotate` adds a new signing key for cookies;
those signed by the two before it stay good; it signs from the next start on. Keys that are made or revoked
count within a second, also here: running servers look.

`console-link` prints a link that works once, for a day: whoever opens it chooses the password of an admin of
the console. With it one gets in the first time, and again when the last admin forgot the password.

`webhook-secret` prints the secret by which one receiver of a segment's webhooks knows that they are yours.

examples:
  habitue keys create --kind browser --origin https://www.shop.example --name storefront
  habitue keys create --kind server --name backend
  habitue keys list
  habitue keys revoke --key hb_…
  habitue keys rotate
  habitue keys console-link --name anna
  habitue keys webhook-secret --address https://hooks.shop.example/segments
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping

from habitue_collector.origins import OriginPattern
from habitue_collector.secret_keys import (
    create_write_key,
    new_key,
    replace_write_keys,
    rotate_signing_keys,
    signing_keys,
)
from habitue_collector.settings import Settings, WriteKey

from .. import source
from ..errors import CommandError

SHORTEST = 8  # characters that name a key
ACTIONS = ("create", "list", "revoke", "rotate", "console-link", "webhook-secret")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("--kind", choices=("browser", "server"), default="browser")
    parser.add_argument("--key", default="", help="the key to revoke, or its first eight characters and more")
    parser.add_argument(
        "--name", default="", help="for people: where the key is used; with console-link, the admin's name"
    )
    parser.add_argument(
        "--origin", action="append", default=[], help="a page origin that may use a browser key; repeatable"
    )
    parser.add_argument(
        "--address", default="", metavar="URL", help="with webhook-secret: as it stands in the segment"
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
        if settings.keys:
            print("\n".join(_table(settings.keys)))
        else:
            print("There are no keys yet; `habitue keys create` makes one.")
    elif arguments.action == "rotate":
        kept = rotate_signing_keys(folder)
        print(f"{len(kept)} signing keys; the newest signs from the next start on.")
    elif arguments.action == "webhook-secret":
        print(_webhook_secret(settings, arguments.address))
    elif arguments.action == "revoke":
        print(_revoked(settings, arguments.key))
    elif arguments.action == "console-link":
        print(_console_link(settings, arguments.name))
    else:
        key = _created(arguments)
        create_write_key(folder, key)
        print(key.key)
    return 0


def _table(listed: Iterable[WriteKey]) -> list[str]:
    """A line for each key below the heads, each column as wide as it needs; secrets are not shown whole."""
    rows = [("KIND", "KEY", "CONSENT", "ORIGINS", "NAME")]
    for key in listed:
        shown = f"{key.key[:8]}…" if key.secret else key.key
        consent = "assumed" if key.consent_assumed else "required"
        rows.append((key.kind, shown, consent, ", ".join(key.origins) or "-", key.name))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _revoked(settings: Settings, wanted: str) -> str:
    found = [key for key in settings.keys if len(wanted) >= SHORTEST and key.key.startswith(wanted)]
    if len(found) != 1:
        raise CommandError(
            "name one key with --key: its first eight characters or more (`habitue keys list`)"
        )
    if found[0].key not in settings.created:
        raise CommandError("this key stands in habitue.toml or in the environment: take it out there")
    replace_write_keys(settings.data.folder, lambda key: None if key.key == found[0].key else key)
    return f"{found[0].name or 'The key'} is revoked; running servers refuse it from the next second on."


def _console_link(settings: Settings, name: str) -> str:
    """Needs a Redis that answers: the link is kept there, by its digest."""
    from ..console_link import make_link

    return make_link(settings, name or "admin")


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


def _webhook_secret(settings: Settings, address: str) -> str:
    try:
        from habitue_recommender.webhooks.addresses import address_problem
        from habitue_recommender.webhooks.messages import secret_of
    except ModuleNotFoundError as missing:
        raise CommandError(f"webhooks need the recommender: {missing.name} is not installed") from None
    if (wrong := address_problem(address)) is not None:
        raise CommandError(f"--address: {wrong}")
    return secret_of(address, signing_keys(settings.data.folder)[-1])
