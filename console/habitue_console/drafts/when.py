"""A condition in its form: rows and groups of rows, and the expression that they are. Pure.

    typed rows ──`written`──▶ expression ──`opened`──▶ typed rows

The rows stand in the form below `builder.rows`; which view is open is `builder.view`. The expression that
the rows were made of is kept in `builder.text`: as long as the rows still say the same, it stays word for
word as its author wrote it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from habitue_console.drafts.draft import Draft
from habitue_console.drafts.rows import Row as TypedRow
from habitue_console.drafts.rows import rows_of, with_rows
from habitue_console.drafts.shapes import Typed
from habitue_console.words import N_
from habitue_recommender.conditions import FIELDS, ConditionError, Field, Type, parse
from habitue_recommender.conditions.form import (
    ALL,
    ROW_OPERATORS,
    SOME,
    Form,
    Group,
    Row,
    field_of,
    field_text,
    operators_of,
    row_at,
    to_form,
)
from habitue_recommender.conditions.form import from_form as text_of
from habitue_recommender.rulebook.mistakes import Mistake

ROWS, VIEW, JOIN, TEXT = "builder.rows", "builder.view", "builder.join", "builder.text"
FORM_VIEW, TEXT_VIEW = "form", "text"
MISSING_VALUE = "A value is missing here."
MISSING_KEY = "Which one? Its name is missing."

Translate = Callable[[str], str]
Suggestions = Callable[[str], Sequence[tuple[str, str]]]
"""What a field's `suggests` stands for in this shop: values, each with a label or ""."""


# ---- rows → expression ---------------------------------------------------------------------------


def synced(draft: Draft) -> Draft:
    """The draft with its expression made of the rows, when it is the rows that are open."""
    if not draft.kind.when or draft.value(VIEW) != FORM_VIEW:
        return draft
    return replace(draft, typed={**draft.typed, draft.kind.when: [written(draft.typed)]})


def written(typed: Mapping[str, list[str]]) -> str:
    """The expression that the rows say; "" of none."""
    form = form_of(typed)
    before = typed.get(TEXT, [""])[0]
    if before.strip():
        known = _form(before)
        if known is not None and known == form:
            return before
    return text_of(form)


def form_of(typed: Mapping[str, list[str]]) -> Form:
    """The rows as they were typed; those without a field say nothing yet."""
    return Form(_join(typed.get(JOIN)), tuple(one for _, one in _rows(typed)))


def incomplete(draft: Draft) -> list[Mistake]:
    """Rows that lack a value or a name, as mistakes of the condition, at their rows."""
    return [mistake for _, mistake in _gaps(draft.typed)] if draft.value(VIEW) == FORM_VIEW else []


def _gaps(typed: Mapping[str, list[str]]) -> Iterator[tuple[str, Mistake]]:
    for path, row in _typed_rows(typed):
        name = _first(row, "field")
        if name not in FIELDS:
            continue
        if FIELDS[name].type is Type.MAP and not _first(row, "key"):
            yield path, Mistake(path, MISSING_KEY)
        operator = ROW_OPERATORS.get(_operator(row, name))
        if operator is None or operator.takes == "nothing":
            continue
        value = _first(row, "value")
        if not value:
            yield path, Mistake(path, MISSING_VALUE)
        elif FIELDS[name].type is Type.NUMBER:
            for one in _listed(value) if operator.takes == "list" else [value]:
                if _number(one) is None:
                    said = f"“{one}” is not a number; numbers are written like 50 or 49.90."
                    yield path, Mistake(path, said)


def _typed_rows(typed: Mapping[str, list[str]]) -> Iterator[tuple[str, TypedRow]]:
    for index, row in enumerate(rows_of(typed, ROWS)):
        if "join" in row:
            for inner, one in enumerate(rows_of(row, "rows")):
                yield f"{ROWS}.{index}.rows.{inner}", one
        else:
            yield f"{ROWS}.{index}", row


def _rows(typed: Mapping[str, list[str]]) -> Iterator[tuple[str, Row | Group]]:
    """The rows that say something, with their places in the form."""
    for index, row in enumerate(rows_of(typed, ROWS)):
        if "join" in row:
            inner = tuple(said for one in rows_of(row, "rows") if (said := _row(one)) is not None)
            if inner:
                yield f"{ROWS}.{index}", Group(_join(row["join"]), inner)
        elif (said := _row(row)) is not None:
            yield f"{ROWS}.{index}", said


def _row(row: TypedRow) -> Row | None:
    name = _first(row, "field")
    known = FIELDS.get(name)
    if known is None:
        return None
    keyed = known.type is Type.MAP
    kind = known.member_type if keyed else known.type
    code = _operator(row, name)
    operator = ROW_OPERATORS.get(code)
    if operator is None:
        return None
    at = field_text(name, _first(row, "key") if keyed else None)
    said = _first(row, "value")
    if operator.takes == "nothing":
        return Row(at, code)
    if operator.takes == "list":
        return Row(at, code, tuple(_value(one, kind) for one in _listed(said)))
    return Row(at, code, _value(said, kind))


def _operator(row: TypedRow, name: str) -> str:
    """The operator that was chosen, or the field's first one where it has no such."""
    codes = [one.code for one in operators_of(_readable(name))]
    said = _first(row, "operator")
    return said if said in codes else codes[0] if codes else ""


def _readable(name: str) -> str:
    known = FIELDS.get(name)
    if known is None:
        return name
    return field_text(name, "x") if known.type is Type.MAP else name


def _value(said: str, kind: Type) -> str | int | float | bool:
    if kind is Type.NUMBER:
        number = _number(said)
        return said if number is None else number
    if kind is Type.ANY:
        if len(said) > 1 and said[0] == said[-1] == '"':
            return said[1:-1]
        if said in ("true", "false"):
            return said == "true"
        number = _number(said)
        return said if number is None else number
    return said


def _number(said: str) -> int | float | None:
    plain = said.replace(",", ".") if "." not in said else said
    if not plain or plain.strip("+-0123456789.") or len(plain) > 30:
        return None
    try:
        number = float(plain)
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _listed(said: str) -> list[str]:
    """`a, b, "c, d"` → three texts."""
    try:
        (row,) = csv.reader([said.replace("\n", " ")], skipinitialspace=True)
    except (csv.Error, ValueError):
        row = said.split(",")
    return [one.strip() for one in row if one.strip()]


# ---- expression → rows ---------------------------------------------------------------------------


def opened(draft: Draft, view: str = FORM_VIEW) -> Draft:
    """The draft with its expression in this view. What cannot stand in rows stays an expression."""
    text = draft.value(draft.kind.when)
    form = _form(text) if view == FORM_VIEW else None
    typed = {name: values for name, values in draft.typed.items() if not name.startswith("builder.")}
    if form is None:
        return replace(draft, typed={**typed, VIEW: [TEXT_VIEW]})
    typed |= {VIEW: [FORM_VIEW], JOIN: [form.join], TEXT: [text]}
    return replace(draft, typed=with_rows(typed, ROWS, [_typed(row) for row in form.rows]))


def can_be_rows(text: str) -> bool:
    """Whether the form can show it; a text that is no condition yet is no reason to say that it cannot."""
    try:
        return not text.strip() or to_form(parse(text)) is not None
    except ConditionError:
        return True


@lru_cache(maxsize=1_024)
def _form(text: str) -> Form | None:
    if not text.strip():
        return Form()
    try:
        return to_form(parse(text))
    except ConditionError:
        return None


def _typed(row: Row | Group) -> TypedRow:
    if isinstance(row, Group):
        return with_rows({"join": [row.join]}, "rows", [_typed(one) for one in row.rows])
    found = field_of(row.field)
    name, key = (found[0].name, found[1]) if found is not None else (row.field, None)
    kind = FIELDS[name].member_type if key is not None else FIELDS[name].type
    values = row.value if isinstance(row.value, tuple) else (row.value,)
    listed = ROW_OPERATORS[row.operator].takes == "list"
    said = ", ".join(_said(one, kind, listed) for one in values) if row.value is not None else ""
    return {"field": [name], "key": [key or ""], "operator": [row.operator], "value": [said]}


def _said(value: Any, kind: Type, listed: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value}"
    text = str(value)
    ambiguous = kind is Type.ANY and (
        text in ("true", "false") or _number(text) is not None or text[:1] == '"'
    )
    if ambiguous or (listed and ("," in text or '"' in text)):
        return f'"{text}"' if not listed else '"{}"'.format(text.replace('"', '""'))
    return text


# ---- steps ---------------------------------------------------------------------------------------


def with_group(draft: Draft) -> Draft:
    """One group more, with an empty row in it."""
    rows = rows_of(draft.typed, ROWS)
    join = SOME if _join(draft.typed.get(JOIN)) == ALL else ALL
    group: Typed = {"join": [join], "rows.0.field": [""]}
    return replace(draft, typed=with_rows(draft.typed, ROWS, [*rows, group]))


# ---- for templates -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuilderRow:
    """One row as the template writes it. `rows` is None but for a group."""

    path: str
    field: str = ""
    key: str = ""
    operator: str = ""
    value: str = ""
    keyed: bool = False
    takes_value: bool = False
    number: bool = False
    operators: tuple[tuple[str, str], ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    value_list: str = ""
    key_list: str = ""
    placeholder: str = ""
    wrong: tuple[Mistake, ...] = ()
    rows: tuple[BuilderRow, ...] | None = None
    join: str = ALL


@dataclass(slots=True)
class Builder:
    """The condition's editor: see `drafts/when.html`."""

    view: str
    join: str
    rows: tuple[BuilderRow, ...]
    text: str
    only_text: bool
    field_groups: list[tuple[str, list[tuple[str, str]]]]
    lists: list[tuple[str, Sequence[tuple[str, str]]]] = field(default_factory=list)


GROUPS = {
    "visitor": "Visitor",
    "item": "Item that could be offered",
    "page": "Page",
    "slot": "Slot",
    "time": "Time",
}


VALUES: Mapping[str, str] = {
    "in_stock": N_("in stock"),
    "out_of_stock": N_("out of stock"),
    "preorder": N_("can be preordered"),
    "backorder": N_("will be ordered for the buyer"),
    "desktop": N_("computer"),
    "mobile": N_("phone"),
    "tablet": N_("tablet"),
    "bot": N_("bot"),
    "mon": N_("Monday"),
    "tue": N_("Tuesday"),
    "wed": N_("Wednesday"),
    "thu": N_("Thursday"),
    "fri": N_("Friday"),
    "sat": N_("Saturday"),
    "sun": N_("Sunday"),
    "home": N_("Home page"),
    "category": N_("Category page"),
    "product": N_("Product page"),
    "cart": N_("Cart"),
    "search": N_("Search"),
    "thanks": N_("After the order"),
}
"""What people call the values that fields name themselves."""


def in_words(text: str, suggestions: Suggestions, translate: Translate) -> str:
    """A condition as its rows read, in one line; "" where only the expression can say it."""
    form = _form(text)

    def joined(join: str, rows: Sequence[Row | Group]) -> str:
        between = f" {translate('and') if join == ALL else translate('or')} "
        return between.join(
            f"({joined(one.join, one.rows)})" if isinstance(one, Group) else row(one) for one in rows
        )

    def row(one: Row) -> str:
        typed = _typed(one)
        known = FIELDS[typed["field"][0]]
        names = dict(suggestions(known.suggests)) if known.suggests in ("segments", "slots") else {}

        def named(value: Any) -> str:
            if isinstance(value, bool):
                return translate("yes") if value else translate("no")
            said = str(value)
            shown = names.get(said) or (translate(VALUES[said]) if said in known.values else said)
            return f"“{shown}”" if isinstance(value, str) else shown

        values = one.value if isinstance(one.value, tuple) else () if one.value is None else (one.value,)
        operator = translate(ROW_OPERATORS[one.operator].label)
        field = " ".join(part for part in (_label(known, translate), *typed["key"]) if part)
        if ROW_OPERATORS[one.operator].takes == "nothing" and one.operator in ("yes", "no"):
            return f"{field}: {operator}"
        return f"{field} {operator} {', '.join(map(named, values))}".rstrip()

    return joined(form.join, form.rows) if form is not None else ""


def builder(
    draft: Draft, suggestions: Suggestions, translate: Translate, *, groups: Sequence[str] = tuple(GROUPS)
) -> Builder:
    """The editor of a draft's condition. `groups` are the kinds of fields that make sense there."""
    lists: dict[str, Sequence[tuple[str, str]]] = {}
    placed = _wrong_rows(draft)

    def row(path: str, typed: TypedRow) -> BuilderRow:
        name = _first(typed, "field")
        known = FIELDS.get(name)
        if known is None:
            return BuilderRow(path, wrong=tuple(placed.get(path, ())))
        keyed = known.type is Type.MAP
        kind = known.member_type if keyed else known.type
        code = _operator(typed, name)
        operator = ROW_OPERATORS[code]
        value = _first(typed, "value")
        listed = operator.takes == "list"
        choices = () if listed else _choices(known, kind, value, suggestions, translate)
        named = f"values-{known.suggests}" if known.suggests else ""
        if named and named not in lists:
            lists[named] = suggestions(known.suggests)
        if not named and known.values and not choices:
            named = f"values-of-{name.replace('.', '-')}"
            lists[named] = [(one, translate(VALUES.get(one, one))) for one in known.values]
        return BuilderRow(
            path,
            name,
            _first(typed, "key"),
            code,
            value,
            keyed,
            operator.takes != "nothing",
            kind is Type.NUMBER and not listed,
            tuple((one.code, translate(one.label)) for one in operators_of(_readable(name))),
            choices,
            "" if keyed else named,
            named if keyed else "",
            _placeholder(kind, listed, translate),
            tuple(placed.get(path, ())),
        )

    rows = []
    for index, typed in enumerate(rows_of(draft.typed, ROWS)):
        path = f"{ROWS}.{index}"
        if "join" in typed:
            inner = tuple(row(f"{path}.rows.{at}", one) for at, one in enumerate(rows_of(typed, "rows")))
            rows.append(BuilderRow(path, rows=inner, join=_join(typed["join"])))
        else:
            rows.append(row(path, typed))
    text = draft.value(draft.kind.when)
    view = FORM_VIEW if draft.value(VIEW) == FORM_VIEW else TEXT_VIEW
    return Builder(
        view,
        _join(draft.typed.get(JOIN)),
        tuple(rows),
        text,
        view == TEXT_VIEW and not can_be_rows(text),
        [
            (
                translate(GROUPS[group]),
                [(one.name, _label(one, translate)) for one in FIELDS.values() if one.group == group],
            )
            for group in groups
        ],
        sorted(lists.items()),
    )


def _label(one: Field, translate: Translate) -> str:
    """What a field is called; those of the item on the page in two parts: `Viewed item: Brand`."""
    if not one.name.startswith("page.item."):
        return translate(one.label)
    head, _, rest = one.label.partition(": ")
    return f"{translate(head)}: {translate(rest)}" if rest else translate(head)


def _choices(
    known: Field, kind: Type, value: str, suggestions: Suggestions, translate: Translate
) -> tuple[tuple[str, str], ...]:
    """The values to choose from where there are no others; what stands there is kept in any case."""
    if known.values:
        offered = [(one, translate(VALUES.get(one, one))) for one in known.values]
    elif known.suggests in ("segments", "slots") and kind is not Type.MAP:
        offered = [(one, label or one) for one, label in suggestions(known.suggests)]
    else:
        return ()
    if not value:
        offered.insert(0, ("", "…"))
    elif value not in {one for one, _ in offered}:
        offered.append((value, value))
    return tuple(offered)


def _placeholder(kind: Type, listed: bool, translate: Translate) -> str:
    if listed:
        return translate("a, b, c")
    return {Type.NUMBER: "0", Type.DATE: "2026-12-24"}.get(kind, "")


def _wrong_rows(draft: Draft) -> dict[str, list[Mistake]]:
    """The condition's mistakes by the row in which they are."""
    found: dict[str, list[Mistake]] = {}
    if draft.value(VIEW) != FORM_VIEW:
        return found
    for mistake in draft.mistakes:
        if mistake.field.startswith(ROWS + "."):
            found.setdefault(mistake.field, []).append(mistake)
    wrong = [one for one in draft.wrong(draft.kind.when) if one.position is not None]
    if not wrong:
        return found
    form, places = form_of(draft.typed), [path for path, _ in _rows(draft.typed)]
    for mistake in wrong:
        at = row_at(form, mistake.position or 0)
        if at and at[0] < len(places):
            path = places[at[0]]
            found.setdefault(f"{path}.rows.{at[1]}" if len(at) > 1 else path, []).append(mistake)
    return found


def _first(row: Mapping[str, list[str]], name: str) -> str:
    values = row.get(name)
    return values[0].strip() if values else ""


def _join(values: list[str] | None) -> str:
    return SOME if values and values[0] == SOME else ALL
