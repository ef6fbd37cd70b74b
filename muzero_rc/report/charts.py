"""SVG line and dot charts, without a plotting library; names are escaped."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 280
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 40


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        points: (x, y) in the order in which they are joined.
        labels: shown when the pointer rests on a dot, one each; empty for a line without dots.
    """

    name: str
    colour: str
    dashed: bool
    points: list[tuple[float, float]]
    labels: list[str]


def line_chart(
    series: Sequence[Series], *, x_label: str, y_label: str, log_x: bool = False, zero_line: bool = False
) -> str:
    """A line chart; of the same size, but empty, when no series has a point.

    Args:
        series: lines, and dots where they have labels.
        x_label: under the axis.
        y_label: beside the axis.
        log_x: the x axis is logarithmic.
        zero_line: marks y = 0 and keeps it in view.
    """
    points = [point for line in series for point in line.points]
    if not points:
        return _empty_chart(f"{y_label}, {x_label}")
    x_low, x_high = _padded([x for x, _ in points], log=log_x)
    y_low, y_high = _padded([y for _, y in points] + ([0.0] if zero_line else []), log=False)
    x_at = _scale(x_low, x_high, LEFT, WIDTH - RIGHT, log=log_x)
    y_at = _scale(y_low, y_high, HEIGHT - BOTTOM, TOP, log=False)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)}, {escape(x_label)}">'
    ]
    x_ticks = _log_ticks(x_low, x_high) if log_x else []
    parts += _x_axis(x_at, x_ticks if len(x_ticks) > 1 else _ticks(x_low, x_high, 6), x_label)
    parts += _y_axis(y_at, _ticks(y_low, y_high, 5), y_label)
    if zero_line:
        parts.append(
            f'<line class="zero" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_at(0):.1f}" y2="{y_at(0):.1f}"/>'
        )
    for line in series:
        parts += _line(line, x_at, y_at)
    return "".join([*parts, "</svg>"])


def _empty_chart(label: str) -> str:
    """A frame in which the page says why there is nothing."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}: no curve">'
        f'<rect class="empty" x="{LEFT}" y="{TOP}" width="{WIDTH - RIGHT - LEFT}" '
        f'height="{HEIGHT - BOTTOM - TOP}"/>'
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle">'
        "no curve</text></svg>"
    )


def dot_chart(
    rows: Sequence[str], dots: Mapping[str, tuple[str, Mapping[str, float | None]]], *, x_label: str
) -> str:
    """A dot chart as an SVG file of its own: a row for each name, a dot for each of its values.

    Args:
        rows: names, top down.
        dots: for each legend entry its colour and its values by row; None is left out.
        x_label: under the axis.
    """
    left, width, step, top = 190, 760, 20, 34
    floor = top + step * len(rows)
    values = [v for _, by_row in dots.values() for v in by_row.values() if v is not None]
    low, high = _padded([*values, 0.0], log=False)
    x_at = _scale(low, high, left, width - 16, log=False)
    style = "text{font:12px system-ui,sans-serif;fill:#39434d}line{stroke:#e3e7eb}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {floor + 42}" width="{width}">',
        f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>',
    ]
    for tick in _ticks(low, high, 8):
        x, stroke = x_at(tick), ' style="stroke:#8d98a3"' if tick == 0 else ""
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 6}" y2="{floor}"{stroke}/>')
        parts.append(f'<text x="{x:.1f}" y="{floor + 15}" text-anchor="middle">{_minus(tick)}</text>')
    parts.append(
        f'<text x="{(left + width) / 2}" y="{floor + 34}" text-anchor="middle">{escape(x_label)}</text>'
    )
    for i, row in enumerate(rows):
        y = top + step * (i + 0.5)
        parts.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{escape(row)}</text>')
        for colour, by_row in dots.values():
            if (value := by_row.get(row)) is not None:
                parts.append(
                    f'<circle cx="{x_at(value):.1f}" cy="{y}" r="4" fill="{colour}" fill-opacity=".85"/>'
                )
    x = float(left)
    for name, (colour, _) in dots.items():
        parts.append(
            f'<circle cx="{x}" cy="14" r="4" fill="{colour}"/><text x="{x + 8}" y="18">{escape(name)}</text>'
        )
        x += 30 + 7 * len(name)
    return "".join([*parts, "</svg>\n"])


def _line(line: Series, x_at: Callable[[float], float], y_at: Callable[[float], float]) -> list[str]:
    places = [(x_at(x), y_at(y)) for x, y in line.points]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dash = ' stroke-dasharray="5 3"' if line.dashed else ""
    parts = [f'<polyline points="{joined}" fill="none" stroke="{line.colour}" stroke-width="1.8"{dash}/>']
    for (x, y), label in zip(places, line.labels, strict=False):
        title = f"<title>{escape(label)}</title>"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{line.colour}">{title}</circle>')
    return parts


def _x_axis(x_at: Callable[[float], float], ticks: Sequence[float], label: str) -> list[str]:
    floor = HEIGHT - BOTTOM
    parts = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>']
    for tick in ticks:
        x = x_at(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{floor}"/>')
        parts.append(f'<text x="{x:.1f}" y="{floor + 15}" text-anchor="middle">{tick:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text class="label" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(label)}</text>'
    )
    return parts


def _y_axis(y_at: Callable[[float], float], ticks: Sequence[float], label: str) -> list[str]:
    parts = []
    for tick in ticks:
        y = y_at(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{_minus(tick)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turn = f'transform="rotate(-90 13 {middle})"'
    parts.append(
        f'<text class="label" x="13" y="{middle}" {turn} text-anchor="middle">{escape(label)}</text>'
    )
    return parts


def _minus(tick: float) -> str:
    return f"{tick:g}".replace("-", "−")


def _padded(values: Sequence[float], *, log: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    if log:
        return low / 1.08, high * 1.08
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def _scale(low: float, high: float, start: float, end: float, *, log: bool) -> Callable[[float], float]:
    if log:
        low, high = math.log(low), math.log(high)
    return lambda value: start + (end - start) * ((math.log(value) if log else value) - low) / (high - low)


def _ticks(low: float, high: float, wanted: int) -> list[float]:
    """Round numbers within [low, high], about `wanted` of them."""
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) + 0.0 for i in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    narrow = high / low < 12
    steps = (1, 1.5, 2, 3, 4, 5, 7) if narrow else (1, 2, 5)
    return [tick for d in decades for m in steps if low <= (tick := m * 10.0**d) <= high]
