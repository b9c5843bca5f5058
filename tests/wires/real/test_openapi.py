"""OpenAPI is complete and true: schemathesis finds nothing on the live server that it does not say."""

from __future__ import annotations

import os
import subprocess

import pytest

from .toolbox import HERE, PYTHON
from .witness import SERVER_KEY, Witness

pytestmark = pytest.mark.long


@pytest.mark.timeout(1_800)
def test_schemathesis_runs_clean(shop: Witness) -> None:
    ended = subprocess.run(
        [
            *(str(PYTHON.with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{shop.address}/openapi.json"),
            *("--header", f"Authorization: Bearer {SERVER_KEY}", "--no-color", "--seed", "1"),
            *("--max-examples", os.environ.get("HABITUE_EXAMPLES", "5"), "--workers", "1"),
            *("--phases", "examples,coverage,fuzzing", "--exclude-path-regex", "^/metrics$"),
        ],
        capture_output=True,
        text=True,
        timeout=1_800,
        cwd="/tmp",
    )
    assert ended.returncode == 0, ended.stdout[-20_000:]
