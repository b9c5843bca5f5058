"""The line to the supervisor: beats go up; when it breaks, the child ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

PATIENCE = 120.0  # seconds, for a Python that starts on a busy machine
CHILD = """
import sys, time, signal, socket
import habitue_cli.lifeline as lifeline
lifeline.GRACE_SECONDS = 0.3
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, lambda *_: None)
line = lifeline.Lifeline(socket.socket(fileno=int(sys.argv[1])))
line.beat()
while True:
    time.sleep(0.05)
"""


def _child(manner: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(theirs.fileno()), manner], pass_fds=(theirs.fileno(),)
        )
    ours.settimeout(PATIENCE)
    return process, ours


def test_a_beat_arrives() -> None:
    process, line = _child("willing")
    with line:
        assert line.recv(16) == b"."
    process.wait(PATIENCE)


def test_a_broken_line_ends_the_child() -> None:
    process, line = _child("willing")
    line.recv(16)
    line.close()
    assert process.wait(PATIENCE) == -signal.SIGTERM


def test_a_child_that_does_not_listen_is_ended_all_the_same() -> None:
    process, line = _child("stubborn")
    line.recv(16)
    line.close()
    assert process.wait(PATIENCE) == 1
