"""Lists in a form: rows added, taken away, moved and counted again. Pure.

A row's fields are named by the list and its index (`consequence.pin.0.item_id`); a list of single values
has its value under the index itself (`consequence.fallback.0`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from habitue_console.drafts.shapes import MAX_ROWS, Typed, indices

Row = Typed
"""The fields of one row by what follows its index (`item_id`; "" for a single value)."""


def rows_of(typed: Mapping[str, list[str]], path: str) -> list[Row]:
    """The rows of the list at `path`, in order."""
    rows: list[Row] = []
    for index in indices(typed, path):
        start = f"{path}.{index}"
        row = {
            name[len(start) :].removeprefix("."): list(values)
            for name, values in typed.items()
            if name == start or name.startswith(start + ".")
        }
        rows.append(row)
    return rows


def with_rows(typed: Mapping[str, list[str]], path: str, rows: Sequence[Row]) -> Typed:
    """The form with these rows in place of those at `path`, numbered from 0."""
    start = path + "."
    kept = {
        name: list(values)
        for name, values in typed.items()
        if not (name.startswith(start) and name[len(start) :].split(".", 1)[0].isdecimal())
    }
    for index, row in enumerate(rows[:MAX_ROWS]):
        for rest, values in row.items():
            kept[f"{path}.{index}.{rest}" if rest else f"{path}.{index}"] = list(values)
    return kept


def add_row(typed: Mapping[str, list[str]], path: str, row: Row | None = None) -> Typed:
    """One row more at the end, an empty one unless it is given."""
    return with_rows(typed, path, [*rows_of(typed, path), row if row is not None else {"": [""]}])


def drop_row(typed: Mapping[str, list[str]], path: str, index: int) -> Typed:
    """Without the row at this index; the later ones move up."""
    rows = rows_of(typed, path)
    return with_rows(typed, path, rows[:index] + rows[index + 1 :])


def move_row(typed: Mapping[str, list[str]], path: str, index: int, by: int) -> Typed:
    """The row at this index `by` places further (-1: up); past an end nothing changes."""
    rows = rows_of(typed, path)
    to = index + by
    if 0 <= index < len(rows) and 0 <= to < len(rows):
        rows[index], rows[to] = rows[to], rows[index]
    return with_rows(typed, path, rows)


def without_empty(typed: Mapping[str, list[str]], path: str, *, needs: Sequence[str] = ()) -> Typed:
    """The rows in which something was typed, numbered anew: the indices of the form are the document's.

    With `needs`, a row in which all of these are empty is empty, whatever else stands in it.
    """
    held = [
        row
        for row in rows_of(typed, path)
        if any(value.strip() for name in (needs or row) for value in row.get(name, ()))
    ]
    return with_rows(typed, path, held)
