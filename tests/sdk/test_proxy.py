"""What passes through a mount: whatever is asked, it names something below the base path."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.proxy import Refused, appended, declared_length, request_headers, response_headers, target

PATHS = st.one_of(st.text(), st.from_regex(r"/[a-z.%/\\2eEfF5cC;]*", fullmatch=True))


@settings(deadline=None, max_examples=40)  # a busy machine proves nothing
@given(PATHS, st.text())
def test_a_target_never_leaves_its_folder(path: str, query: str) -> None:
    try:
        found = target("/h" + path, query, "GET", "/h", "/h")
    except Refused:
        return
    assert found.isascii()
    assert found.isprintable()
    assert " " not in found
    split = urlsplit("http://server" + found)
    assert split.netloc == "server"
    assert split.path.startswith("/h")
    walked: list[str] = []
    for part in unquote(split.path).replace("\\", "/").split("/"):
        assert part not in (".", "..")
        walked.append(part)
    assert walked[1] == "h" or split.path == "/h"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=8), st.one_of(st.none(), st.text()))
def test_headers_never_fail_and_never_carry_a_secret(
    pairs: list[tuple[str, str]], address: str | None
) -> None:
    pairs = [*pairs, ("Cookie", "sessionid=secret; habitue=ours"), ("AUTHORIZATION", "secret")]
    passed = request_headers(
        pairs, cookie="habitue", address=address, scheme="http", keep_host=True, host="server"
    )
    assert [value for name, value in passed if name == "host"]
    assert [value for name, value in passed if name == "cookie"][-1] == "habitue=ours"
    assert "authorization" not in dict(passed)
    response_headers(pairs, cookie="habitue", secure=True)


@settings(deadline=None, max_examples=40)
@given(st.one_of(st.none(), st.text()), st.one_of(st.none(), st.text()))
def test_a_chain_is_bounded_text(chain: str | None, address: str | None) -> None:
    told = appended(chain, address)
    assert len(told.split(", ")) <= 16
    assert told.isascii()
    assert "\n" not in told
    assert "\r" not in told


@pytest.mark.parametrize("text", ["-1", "1e3", " 1", "٣", "9" * 20, "0x10"])
def test_a_length_is_a_number(text: str) -> None:
    with pytest.raises(Refused):
        declared_length(text, 1_000)


def test_a_length_within_its_limit() -> None:
    assert declared_length("1000", 1_000) == 1_000
    assert declared_length(None, 1_000) is None
    with pytest.raises(Refused) as refused:
        declared_length("1001", 1_000)
    assert refused.value.status == 413
