"""Charts as geometry: lines, areas, bars and sparklines, drawn by `templates/charts.html` (pure).

No style and no script goes into them: colours are CSS classes, sizes are attributes, so the strict CSP holds
and both themes work. The drawing is stretched to its place (`preserveAspectRatio="none"`), all text stands
outside of it as HTML, and the numbers stand in a table behind it for whoever cannot or will not look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

WIDTH = 600.0
HEIGHT = 160.0
_TOP = 4.0  # so that the highest line is not cut in half
_LABELS = 8  # below the drawing, at most
_SHADES = 6
_STEPS = (1, 2, 3, 4, 5, 6, 8, 10)
_WHOLE_STEPS = (1, 2, 4, 6, 8, 10)

Value = float | int | None
Write = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn: one value for each label, None where there is none. `faint`: to compare with."""

    name: str
    values: Sequence[Value]
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """One series as shapes. `css` names its colour."""

    name: str
    css: str
    line: str = ""
    area: str = ""
    bars: tuple[Bar, ...] = ()
    dots: tuple[tuple[float, float], ...] = ()  # values that have no neighbour to be joined with


@dataclass(frozen=True, slots=True)
class Column:
    """One place on the horizontal axis: where it is, what it is called, what each series says there."""

    x: float
    width: float
    label: str
    values: tuple[str, ...]
    shown: bool  # whether its label stands below the drawing
    spare: bool  # and goes where there is little room


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with everything that has to be said of it."""

    id: str
    title: str
    description: str
    first: str  # what the labels are: the head of the table's first column
    names: tuple[str, ...]  # of the series, in the order of each column's values
    drawn: tuple[Drawn, ...]
    columns: tuple[Column, ...]
    ticks: tuple[tuple[float, str], ...]  # (y, text), highest first
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def is_empty(self) -> bool:
        """Whether no series has a value anywhere."""
        return not any(text for column in self.columns for text in column.values)


def lines(
    id: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    first: str,
    write: Write,
    description: str = "",
    area: bool = True,
    from_zero: bool = True,
) -> Chart:
    """A line for each series; the first one with its area. `from_zero` False shows small differences."""
    low, high, ticks = _scale([v for one in series for v in one.values], from_zero)
    step = WIDTH / max(1, len(labels))
    drawn = []
    for place, one in enumerate(series):
        points = [
            None if value is None else ((index + 0.5) * step, _y(value, low, high))
            for index, value in enumerate(one.values)
        ]
        runs = _runs(points)
        path = "".join("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in run) for run in runs if len(run) > 1)
        filled = ""
        if area and place == 0 and not one.faint:
            filled = "".join(
                f"M{run[0][0]:.1f},{HEIGHT:g}L"
                + "L".join(f"{x:.1f},{y:.1f}" for x, y in run)
                + f"L{run[-1][0]:.1f},{HEIGHT:g}Z"
                for run in runs
                if len(run) > 1
            )
        dots = tuple(run[0] for run in runs if len(run) == 1)
        drawn.append(Drawn(one.name, _css(place, one), path, filled, dots=dots))
    return _chart(id, title, description, first, labels, series, drawn, ticks, low, high, write)


def bars(
    id: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    first: str,
    write: Write,
    description: str = "",
) -> Chart:
    """Bars beside each other for every label; a faint series stands behind the others, wider."""
    low, high, ticks = _scale([v for one in series for v in one.values], True)
    step = WIDTH / max(1, len(labels))
    solid = [one for one in series if not one.faint]
    drawn = []
    for place, one in enumerate(series):
        share = 0.86 if one.faint or len(solid) == 1 else 0.8 / len(solid)
        start = (1 - 0.86) / 2 if share == 0.86 else 0.1 + share * solid.index(one)
        if not one.faint and any(other.faint for other in series):  # in front of what it is compared with
            start, share = start + share * 0.15, share * 0.7
        shapes = tuple(
            Bar(
                round((index + start) * step, 2),
                round(_y(value, low, high), 2),
                round(share * step, 2),
                round(HEIGHT - _y(value, low, high), 2),
            )
            for index, value in enumerate(one.values)
            if value
        )
        drawn.append(Drawn(one.name, _css(place, one), bars=shapes))
    drawn.sort(key=lambda one: one.css != "faint")
    return _chart(id, title, description, first, labels, series, drawn, ticks, low, high, write)


def sparkline(values: Sequence[Value], *, width: float = 96.0, height: float = 24.0) -> Drawn:
    """A line without axes, for a table's row: its shape only."""
    known = [value for value in values if value is not None]
    high = max(known, default=0) or 1
    step = width / max(1, len(values) - 1)
    points = [
        None if value is None else (index * step, height - 2 - (value / high) * (height - 4))
        for index, value in enumerate(values)
    ]
    path = "".join(
        "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in run) for run in _runs(points) if len(run) > 1
    )
    path += "".join(f"M{x:.1f},{y:.1f}h.01" for run in _runs(points) if len(run) == 1 for x, y in run)  # dots
    return Drawn("", "series-1", path)


def day_label(ms: int, language: str, zone: tzinfo = UTC) -> str:
    """A day in as few signs as an axis has room for."""
    day = datetime.fromtimestamp(ms / 1_000, zone)
    if language == "en":
        return f"{day:%b} {day.day}"
    return f"{day.day}.{day.month}" if language == "pl" else f"{day.day}.{day.month}."


def hour_label(ms: int, zone: tzinfo = UTC) -> str:
    """An hour of the shop's day; the first of a day tells which one."""
    hour = datetime.fromtimestamp(ms / 1_000, zone)
    return f"{hour.day}.{hour.month}." if hour.hour == 0 else f"{hour:%H:%M}"


def nice(value: float) -> float:
    """The next number from `value` up that is easy to read, and its half too."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _STEPS if step * power >= value * (1 - 1e-9))


def _scale(values: Sequence[Value], from_zero: bool) -> tuple[float, float, list[float]]:
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    top = max(known, default=0.0)
    low = 0.0 if from_zero else min(known, default=0.0)
    if from_zero:
        high = nice(top)
        parts = 2
        if high <= 10 and all(value == int(value) for value in known):
            # What is counted comes in whole things: no line at half a visitor.
            high = next(float(step) for step in _WHOLE_STEPS if step >= high)
            parts = 2 if high > 1 else 1
        return 0.0, high, [high * part / parts for part in range(parts, -1, -1)]
    spread = nice((top - low) or abs(top) * 0.1 or 1.0)
    low = math.floor(low / spread * 2) * spread / 2
    high = low + spread
    while high < top:
        high += spread / 2
    return low, high, [high, (high + low) / 2, low]


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.0
    return HEIGHT - min(1.0, max(0.0, share)) * (HEIGHT - _TOP)


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Points that belong together: a missing value ends a line."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _css(place: int, one: Series) -> str:
    return "faint" if one.faint else f"series-{place % _SHADES + 1}"


def _chart(
    id: str,
    title: str,
    description: str,
    first: str,
    labels: Sequence[str],
    series: Sequence[Series],
    drawn: Sequence[Drawn],
    ticks: Sequence[float],
    low: float,
    high: float,
    write: Write,
) -> Chart:
    count = max(1, len(labels))
    step = WIDTH / count
    every = -(-count // _LABELS)
    columns = tuple(
        Column(
            round(index * step, 2),
            round(step, 2),
            label,
            tuple(
                "" if one.values[index] is None else write(float(one.values[index] or 0)) for one in series
            ),
            index % every == 0,
            index // every % 2 == 1,
        )
        for index, label in enumerate(labels)
    )
    said = tuple((round(_y(tick, low, high), 1), write(tick)) for tick in ticks)
    names = tuple(one.name for one in series)
    return Chart(id, title, description, first, names, tuple(drawn), columns, said)
