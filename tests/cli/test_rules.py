"""Rules in git: pulled, checked with file, line and column, pushed whole, never over somebody's change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from habitue_cli.main import main
from habitue_recommender.rulebook.store import RulebookStore

VIP = {"id": "vip", "name": "Regulars", "when": "visitor.orders.count >= 3"}
SALE = {
    "id": "sale",
    "name": "Sale",
    "condition": {"slots": ["home-hero"], "when": '"vip" in visitor.segments && item.price < 50.0'},
    "consequence": {"boost": 2.0},
}

Habitue = Callable[..., tuple[int, str, str]]


@pytest.fixture
def habitue(redis_socket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Habitue:
    """`habitue("push", "--dry-run")` over an empty Redis: (exit code, what it said, complaints)."""
    with Redis(unix_socket_path=redis_socket) as client:
        client.flushall()
    environ = {"HABITUE_REDIS_URL": f"unix://{redis_socket}", "HABITUE_AUTHOR": "anna"}

    def run(action: str, *options: str) -> tuple[int, str, str]:
        data = ("--data", str(tmp_path / "data"))
        code = main(["rules", action, str(tmp_path / "git"), *data, *options], environ)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


@pytest.fixture
def git(tmp_path: Path) -> Path:
    return tmp_path / "git"


def write(git: Path, place: str, body: object) -> Path:
    path = git / f"{place}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body if isinstance(body, str) else json.dumps(body, indent=2), "utf-8")
    return path


def on_server(redis_socket: str, *changes: tuple[str, dict[str, Any] | None]) -> None:
    """Somebody changes something in the console."""

    async def work() -> None:
        async with AsyncRedis(unix_socket_path=redis_socket) as redis:
            store = RulebookStore(redis)
            for kind, body in changes:
                if body is None:
                    await store.delete(kind, "sale", author="ben")
                else:
                    await store.save(kind, body["id"], body, author="ben")

    asyncio.run(work())


def test_what_is_pushed_is_pulled_again_as_it_was(habitue: Habitue, git: Path) -> None:
    write(git, "segments/vip", VIP)
    write(git, "rules/sale", {name: value for name, value in SALE.items() if name != "id"})
    assert habitue("check")[:2] == (0, "2 documents, no mistakes\n")
    assert habitue("push", "--note", "spring")[:2] == (
        0,
        "2 added, 0 changed, 0 taken out, 0 as they were\n",
    )
    assert habitue("push")[:2] == (0, "0 added, 0 changed, 0 taken out, 2 as they were\n")
    (git / "segments/vip.json").unlink()
    code, out, _ = habitue("pull")
    assert (code, out) == (0, "2 documents, 2 files written, 0 removed\n")
    assert json.loads((git / "segments/vip.json").read_text()) == VIP
    assert json.loads((git / "rules/sale.json").read_text()) == SALE
    assert habitue("pull")[1] == "2 documents, 0 files written, 0 removed\n"


def test_a_mistake_is_told_with_file_line_and_column(habitue: Habitue, git: Path) -> None:
    write(git, "segments/vip", VIP)
    path = write(
        git,
        "rules/sale",
        '{\n  "name": "Sale",\n  "condition": {\n'
        '    "when": "\\u0022vip\\" in visitor.segments && item.prise < 50"\n  },\n'
        '  "consequence": {"bost": 2, "pin": [\n    {"item_id": "a", "position": 0}\n  ]}\n}\n',
    )
    for action in ("check", "push"):
        code, _, err = habitue(action)
        lines = err.splitlines()
        assert code == 1
        column = path.read_text().splitlines()[3].index("item.prise") + 1
        assert any(
            line.startswith(f"{path}:4:{column}: condition.when: ") and "item.price" in line for line in lines
        ), err
        assert any(line.startswith(f"{path}:6:19: consequence.bost: ") and "boost" in line for line in lines)
        assert any(line.startswith(f"{path}:7:22: consequence.pin.0.position: ") for line in lines)
    assert "nothing was changed" in err
    assert habitue("pull")[1].startswith("0 documents")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1:1: is not JSON"),
        ('{"name": "Sale",\n}', ":2:1: is not JSON"),
        ("[]", ":1:1: is not a JSON object"),
        ('{"id": "tale", "consequence": {"exclude": true}}', ":1:2: id: the file of 'tale'"),
        ('{"note": "a",\n "note": "b", "consequence": {"exclude": true}}', ":2:2: note is there twice"),
        ('{"share": NaN}', "NaN is not a number"),
        ("[" * 5_000, ":1:1: "),
        ("\udcff", ":1:1: cannot be read as UTF-8"),
        ("x" * 300_000, ":1:1: has more than"),
        ('{"condition": {"slots": ["home-hera"]}, "consequence": {"exclude": true}}', "home-hero?"),
        (
            '{"condition": {"when": "\\"wip\\" in visitor.segments"}, "consequence": {"exclude": true}}',
            "vip?",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_nothing_is_pushed(
    habitue: Habitue, git: Path, text: str, said: str
) -> None:
    write(git, "segments/vip", VIP)
    path = git / "rules/sale.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    for action in ("check", "push"):
        code, _, err = habitue(action)
        assert code == 1
        assert said in err
        assert str(path) in err
    assert habitue("pull")[1].startswith("0 documents")


def test_a_dry_run_shows_what_would_change_and_changes_nothing(habitue: Habitue, git: Path) -> None:
    write(git, "segments/vip", VIP)
    write(git, "rules/sale", SALE)
    habitue("push")
    write(git, "rules/sale", SALE | {"consequence": {"boost": 3.0}})
    write(git, "contents/hello", {"kind": "message", "title": "Grüße", "slots": ["home-welcome"]})
    (git / "segments/vip.json").unlink()
    code, out, _ = habitue("push", "--dry-run")
    assert code == 0
    assert "contents/hello (new)\n" in out
    assert '  +  "title": "Grüße",\n' in out
    assert '  -    "boost": 2.0\n  +    "boost": 3.0\n' in out
    assert out.endswith("1 would be added, 1 would be changed, 0 would be taken out, 0 as they were\n")
    code, _, err = habitue("push", "--dry-run", "--prune")
    assert code == 1, "the rule still names the segment"
    assert "sale" in err
    write(git, "rules/sale", SALE | {"condition": {}})
    assert "segments/vip (taken out)" in habitue("push", "--dry-run", "--prune")[1]
    assert habitue("pull", "--dry-run")[1].endswith(
        "2 documents, 2 files would be written, 0 would be removed\n"
    )
    assert json.loads((git / "rules/sale.json").read_text())["condition"] == {}
    assert habitue("push", "--prune")[1] == "1 added, 1 changed, 1 taken out, 0 as they were\n"


def test_nobodys_change_in_the_console_is_run_over(habitue: Habitue, git: Path, redis_socket: str) -> None:
    write(git, "segments/vip", VIP)
    habitue("push")
    on_server(redis_socket, ("segment", VIP | {"name": "Changed in the console"}))
    write(git, "segments/vip", VIP | {"name": "Changed in git"})
    code, _, err = habitue("push")
    assert code == 1
    assert "segments/vip was changed by ben" in err
    assert "Pull first" in err
    code, out, err = habitue("push", "--dry-run")
    assert code == 1
    assert "changed by ben" in err + out
    assert habitue("push", "--force")[0] == 0
    on_server(redis_socket, ("rule", SALE))
    code, _, err = habitue("push", "--prune")
    assert (code, "rules/sale was changed by ben" in err) == (1, True), "what is new there is not taken out"
    assert habitue("pull")[1] == "2 documents, 1 files written, 0 removed\n"
    on_server(redis_socket, ("rule", None))
    write(git, "rules/sale", SALE | {"name": "Mine"})
    code, _, err = habitue("push")
    assert (code, "rules/sale was deleted by ben" in err) == (1, True)
    assert "no longer on the server" in habitue("pull")[1]
    assert not (git / "rules/sale.json").exists()


def test_what_was_never_pulled_does_not_overwrite(habitue: Habitue, git: Path, redis_socket: str) -> None:
    on_server(redis_socket, ("segment", VIP))
    write(git, "segments/vip", VIP | {"name": "Mine"})
    assert habitue("push")[0] == 1
    write(git, ".habitue", "{")
    code, _, err = habitue("push")
    assert (code, "cannot be read" in err) == (1, True)


def test_a_folder_that_is_none_and_a_server_that_is_none_are_said(habitue: Habitue, git: Path) -> None:
    assert "is not a folder" in habitue("check")[2]
    git.mkdir()
    assert "none of the folders" in habitue("push")[2]
    assert "not an address" in habitue("pull", "--url", "soup")[2]
    assert "secret key is missing" in habitue("pull", "--url", "http://127.0.0.1:9")[2]
    assert "does not answer" in habitue("pull", "--url", "http://127.0.0.1:9", "--key", "k")[2]
