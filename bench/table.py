"""The printed table, and the same one in docs/benchmarks.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .rows import Row

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- bench: begin -->", "<!-- bench: end -->"
_FRAME = f"""\
# What it costs

`make bench` measures this. Every answer is checked, ratios are to nginx `return 204` of the same run, each
figure is the median of its runs. `python -m bench --write` rewrites the table.

{_BEGIN}
{_END}
"""


def lines(rows: list[Row], facts: dict[str, str]) -> list[str]:
    """Markdown, which reads well on a terminal too."""
    cells = [("what", "figure", "reach", "beside")]
    for row in rows:
        beside = ", ".join(f"{name} {value}" for name, value in row.beside.items())
        cells.append((row.name, f"{row.value:,.1f} {row.unit}", row.reach, beside))
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    table = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    table.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return [*table, "", *(f"- {name}: {value}" for name, value in facts.items())]


def write(text: list[str], document: Path = DOCUMENT) -> None:
    before = document.read_text() if document.exists() else _FRAME
    head, _, rest = before.partition(_BEGIN)
    tail = rest.partition(_END)[2]
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text("\n".join([head + _BEGIN, "", *text, "", _END]) + tail)
