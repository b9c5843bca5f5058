"""docs/quickstart.md is run as it stands, from top to bottom, in one folder."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from support.serving import gone, until

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)  # `sh demo` is tests/e2e/demo's

FEED = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>{}</channel></rss>"""
ITEM = """<item><g:id>{0}</g:id><g:title>{0}</g:title><g:link>https://www.shop.example/p/{0}</g:link>
<g:price>9.50 EUR</g:price><g:availability>in_stock</g:availability></item>"""
ORDERS = "order_id,user_id,timestamp,item_id,quantity,price\n" + "".join(
    f"{order},{order % 7},2026-0{1 + order % 3}-11 10:00,{item},1,9.50\n"
    for order in range(30)
    for item in ("cup-1", f"plate-{order % 4}")
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the reader has: a feed, orders, and the commands."""
    items = ["cup-1", *(f"plate-{number}" for number in range(4))]
    (tmp_path / "feed.xml").write_text(FEED.format("".join(map(ITEM.format, items))))
    (tmp_path / "orders.csv").write_text(ORDERS)
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "habitue").write_text(f'#!/bin/sh\nexec {sys.executable} -m habitue_cli "$@"\n')
    (commands / "habitue").chmod(0o755)
    return tmp_path


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.timeout(900)  # a dozen Pythons that start one after the other
def test_every_command_of_the_quickstart_runs(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environ = {**os.environ, "HABITUE_PORT": port, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    blocks = BLOCK.findall((ROOT / "docs/quickstart.md").read_text())
    assert len(blocks) >= 6
    answered = []
    try:
        for language, text in blocks:
            if text.startswith("pip install"):
                continue  # it is installed
            text = text.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            command = ["bash", "-ec", text] if language == "sh" else [sys.executable, "-c", text]
            # In a file: what stays in the background keeps its output open.
            with (folder / "said").open("wb") as said:
                done = subprocess.run(command, cwd=folder, env=environ, stdout=said, stderr=said, timeout=300)
            answered.append((folder / "said").read_text())
            assert done.returncode == 0, (text, answered[-1])
            if "habitue serve" in text:
                until(lambda: (folder / ".habitue/run/address").exists(), "it serves")
                until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "it is ready")
    finally:
        if (file := folder / ".habitue/run/supervisor.pid").exists():  # else an earlier command has failed
            os.kill(pid := int(file.read_text()), 15)
            until(lambda: gone(pid), "it has ended")
    everything = "\n".join(answered)
    assert "plate-" in everything, "the SDK printed offers"
    assert "purchase" in everything, "SQL found the orders"
