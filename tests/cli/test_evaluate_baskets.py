"""`habitue evaluate --baskets`, as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from habitue_cli.main import main


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    file = tmp_path / "orders.csv"
    lines = [f"{day},anna,{item},2025-12-{day}" for day in range(10, 17) for item in ("bread", "milk")]
    lines += [f"x,anna,{item},2026-01-02" for item in ("bread", "milk", "tea")]
    file.write_text("\n".join(["order_id,user_id,item_id,timestamp", *lines]))
    return file


def test_next_orders_are_judged(orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["evaluate", "--baskets", str(orders), "--before", "2026-01-01", "--model", "frequency", "--json"]
    assert main(asked, {}) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["queries"] == 1
    assert found["recall@20"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--baskets", "{orders}"], "--baskets needs --before"),
        (["--baskets", "{orders}", "--before", "soon"], "is not a day"),
        (["--baskets", "nowhere.csv", "--before", "2026-01-01"], "there is no such file"),
        ([], "name --train and --test"),
    ],
)
def test_what_is_missing_is_said(
    orders: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *(one.format(orders=orders) for one in arguments)], {}) == 1
    assert sentence in capsys.readouterr().err
