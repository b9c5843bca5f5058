"""What is compiled on a made-up shop is all that a real one needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMPILE = "from habitue_recommender.training.precompile import precompile; precompile()"
USE = """
import sys
from pathlib import Path
from habitue_recommender import artifact
from habitue_recommender.training.interactions import from_sessions
from habitue_recommender.training.train import TrainingConfig, train_on

folder = Path(sys.argv[1])
artifact.load(folder / train_on(from_sessions(folder / "shop.csv"), folder, TrainingConfig()))
"""


def _shop(file: Path) -> None:
    """Another shop than the one that is compiled with: views only now and then, many baskets, text ids."""
    lines = ["session_id,visitor_id,item_id,timestamp,event"]
    for session in range(3_000):
        for place in range(4):
            item, kind = (session * 7 + place * 13) % 90, "purchase" if session % 3 else "product_view"
            lines.append(
                f"s{session},v{session % 150},sku-{item},{1_750_000_000 + session * 900 + place},{kind}"
            )
    file.write_text("\n".join(lines))


@pytest.mark.long
def test_nothing_is_left_to_compile(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    environ = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    subprocess.run([sys.executable, "-c", COMPILE], env=environ, check=True, timeout=600)
    compiled = {file.name for file in cache.rglob("*.nbc")}
    _shop(tmp_path / "shop.csv")
    subprocess.run([sys.executable, "-c", USE, str(tmp_path)], env=environ, check=True, timeout=600)
    assert compiled
    assert {file.name for file in cache.rglob("*.nbc")} - compiled == set()
