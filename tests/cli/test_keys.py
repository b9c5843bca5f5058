"""`habitue keys`: made, revoked while a server runs, and a link into the console."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.house import RealRedis

from habitue_cli.main import main
from habitue_collector.settings import created_keys


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HABITUE_DATA_FOLDER": str(tmp_path)}


def test_a_key_is_revoked_by_its_first_characters(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "--name", "one"], environ) == 0
    assert main(["keys", "create", "--kind", "server", "--name", "two"], environ) == 0
    made = capsys.readouterr().out.split()
    assert main(["keys", "list"], environ) == 0
    listed = capsys.readouterr().out
    assert listed.splitlines()[0].split() == ["KIND", "KEY", "CONSENT", "ORIGINS", "NAME"]
    shown = re.findall(r"hs_\S+(?=…)", listed)
    assert main(["keys", "revoke", "--key", shown[0]], environ) == 0
    assert "two is revoked" in capsys.readouterr().out
    assert [key.key for key in created_keys(tmp_path)] == made[:1]


@pytest.mark.parametrize("wanted", ["", "hb_", "nonsense-that-is-long", "demo-key-of-the-file"])
def test_what_names_no_single_key_of_ours_is_refused(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], wanted: str
) -> None:
    environ["HABITUE_KEYS"] = '[{"key": "demo-key-of-the-file"}]'
    main(["keys", "create"], environ)
    main(["keys", "create"], environ)
    assert main(["keys", "revoke", "--key", wanted], environ) == 1
    assert capsys.readouterr().err.startswith("habitue keys: ")
    assert len(created_keys(tmp_path)) == 2


def test_a_link_into_the_console_names_the_public_address(
    real: RealRedis, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ |= {"HABITUE_REDIS_URL": real.url, "HABITUE_PUBLIC_URL": "https://h.shop.example/"}
    assert main(["keys", "console-link", "--name", "Anna"], environ) == 0
    assert re.fullmatch(r"https://h\.shop\.example/console/welcome/[\w-]{32}\n", capsys.readouterr().out)
    client = real.client()
    (held,) = (client.get(key) for key in client.scan_iter("{console}:link:*"))
    client.close()
    assert b'"name":"anna","role":"admin"' in held
    assert main(["keys", "console-link", "--name", "no spaces"], environ) == 1
