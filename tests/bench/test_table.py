"""The table is written between its marks, and nothing around it is lost."""

from __future__ import annotations

from pathlib import Path

import table


def test_the_table_replaces_the_one_before(tmp_path: Path) -> None:
    document = tmp_path / "docs" / "benchmarks.md"
    table.write(["| one |"], document)
    document.write_text(document.read_text() + "\nA word of ours.\n")
    table.write(["| two |"], document)
    text = document.read_text()
    assert text.startswith("# What it costs")
    assert "| two |" in text
    assert "| one |" not in text
    assert text.endswith("A word of ours.\n")
