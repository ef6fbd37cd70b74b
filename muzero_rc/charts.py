"""Line charts as SVG text, without a library: axes with round numbers, lines, dots, a title for each dot."""

import math
from collections.abc import Callable, Sequence
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
    """One chart; "" when no series has a point. `zero_line` marks y = 0 and keeps it in view."""
    points = [point for line in series for point in line.points]
    if not points:
        return ""
    x_low, x_high = _padded([x for x, _ in points], log=log_x)
    y_low, y_high = _padded([y for _, y in points] + ([0.0] if zero_line else []), log=False)
    x_at = _scale(x_low, x_high, LEFT, WIDTH - RIGHT, log=log_x)
    y_at = _scale(y_low, y_high, HEIGHT - BOTTOM, TOP, log=False)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)}, {escape(x_label)}">'
    ]
    parts += _x_axis(x_at, _log_ticks(x_low, x_high) if log_x else _ticks(x_low, x_high, 6), x_label)
    parts += _y_axis(y_at, _ticks(y_low, y_high, 5), y_label)
    if zero_line:
        parts.append(
            f'<line class="zero" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_at(0):.1f}" y2="{y_at(0):.1f}"/>'
        )
    for line in series:
        parts += _line(line, x_at, y_at)
    return "".join([*parts, "</svg>"])


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
