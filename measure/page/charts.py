"""Charts as SVG, drawn with classes that the page's style colors, so that they follow light, dark and print."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from measure.details import MemoryPlan

WIDTH = 640
BINS = 40
BEYOND_WIDTH = 170
"""Room at the right for what is far beyond, and for its label."""
FENCE = 3.0
"""Interquartile ranges beyond the third quartile (Tukey, 1977)."""
LINE_LEFT = 190
"""Room for the labels of a line, such as 12,345,678 rp2040js cycles."""
LABEL_CHARACTERS = 28
BAR = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>')

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Point:
    """A run in a chart of two figures: less of `x` is better, more of `y`."""

    label: str
    x: float
    y: float
    anchor: str


def histogram(samples: Sequence[float], text: Callable[[float], str]) -> Markup:
    """Return the distribution of samples, with marks at the median and at the 90th percentile.

    Those far beyond the others, by Tukey's outer fence, share a bar at the end: they would take all room.
    """
    ordered = sorted(samples)
    inner, beyond = _split(ordered)
    low, high = inner[0], inner[-1]
    span, right = high - low or 1.0, WIDTH - 20 - (BEYOND_WIDTH if beyond else 0)
    counts = [0] * BINS
    for value in inner:
        counts[min(BINS - 1, int((value - low) / span * BINS))] += 1
    most, step = max(counts), (right - 20) / BINS
    parts = [
        BAR.format(
            "bar", 20 + i * step, 130 - 110 * count / most, step - 1, 110 * count / most,
            f"{count} from {text(low + i * span / BINS)}",
        )
        for i, count in enumerate(counts)
        if count
    ]  # fmt: skip
    if beyond:
        height, about = 110 * len(beyond) / most, f"{len(beyond)} from {text(beyond[0])} to {text(beyond[-1])}"
        parts.append(BAR.format("bar", WIDTH - 20 - step, 130 - height, step - 1, height, about))
        parts.append(label(WIDTH - 20, 148, f"{len(beyond)} up to {text(beyond[-1])}", "end"))
    median, p90 = (20 + (_at(ordered, part) - low) / span * (right - 20) for part in (0.5, 0.9))
    for name, x, text_x in zip(("median", "p90"), (median, p90), _apart(median, p90), strict=True):
        parts.append(
            Markup('<line class="mark" x1="{0:.1f}" x2="{0:.1f}" y1="14" y2="132"/>').format(x)
            + Markup('<text x="{:.1f}" y="11" text-anchor="middle">{}</text>').format(text_x, name)
        )
    parts.append(label(20, 148, text(low), "start") + label(right, 148, text(high), "end"))
    return svg(156, f"Distribution of {len(ordered)} inferences, from {text(low)} to {text(ordered[-1])}", parts)


def _split(ordered: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """Return sorted samples in two parts, the second of which is far beyond the first; it has a tenth at most."""
    third = _at(ordered, 0.75)
    fence = max(third + FENCE * (third - _at(ordered, 0.25)), _at(ordered, 0.9))
    count = bisect.bisect_right(ordered, fence)
    return ordered[:count], ordered[count:]


def _apart(median: float, p90: float) -> tuple[float, float]:
    """Return where the middles of both names are so that neither covers the other or leaves the chart."""
    half, other = 22, 14  # of the widths of the names, with some room
    right = min(max(p90, max(median, half) + half + other), WIDTH - other)
    return max(half, min(median, right - half - other)), right


def scatter(
    points: Sequence[Point], x_name: str, y_name: str, x_text: Callable[[float], str], y_text: Callable[[float], str]
) -> Markup:
    """Return points of two figures, with those that no other beats in both joined by a line."""
    x_of, y_of = scale([p.x for p in points], 70, WIDTH - 120), scale([p.y for p in points], 200, 20)
    best = front(points)
    way = " ".join(f"{x_of(p.x):.1f},{y_of(p.y):.1f}" for p in best)
    parts = [
        Markup('<polyline class="axis" points="60,10 60,210 {},210"/>').format(WIDTH - 10),
        Markup('<polyline class="front" points="{}"/>').format(way),
    ]
    for point in points:
        x, y, is_best = x_of(point.x), y_of(point.y), point in best
        about = f"{point.label}: {y_text(point.y)}, {x_text(point.x)}" + (", on the Pareto front" if is_best else "")
        parts.append(
            Markup('<a href="#{}"><title>{}</title>').format(point.anchor, about)
            + Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(x, y, 6 if is_best else 4)
            + label(
                x - 9 if x > WIDTH - 180 else x + 9, y + 4, _short(point.label), "end" if x > WIDTH - 180 else "start"
            )
            + Markup("</a>")
        )
    xs, ys = [p.x for p in points], [p.y for p in points]
    parts += [
        label(62, 226, x_text(min(xs)), "start"), label(WIDTH - 120, 226, x_text(max(xs)), "end"),
        label(WIDTH // 2, 240, x_name, "middle"),
        label(56, 204, y_text(min(ys)), "end"), label(56, 24, y_text(max(ys)), "end"), label(4, 110, y_name, "start"),
    ]  # fmt: skip
    return svg(246, f"{y_name} against {x_name} of {len(points)} runs", parts)


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats in both figures, by `x`."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x, -p.y)):
        if not best or point.y > best[-1].y:
            best.append(point)
    return best


def memory_map(plan: MemoryPlan) -> Markup:
    """Return the arena over the steps: a box for each tensor, from and to the steps that need it, at its addresses."""
    steps, height = len(plan.steps), 240
    step, scale = (WIDTH - 90) / steps, height / (plan.arena_bytes or 1)
    peak = plan.steps[plan.peak]
    parts: list[Markup] = []
    for place in sorted(plan.places, key=lambda place: -place.bytes):
        first, last = max(0, place.first), min(steps - 1, place.last)
        about = f"{place.name}: {place.bytes:,} bytes at {place.offset:,}, steps {first} to {last}"
        parts.append(
            BAR.format(
                "tensor", 80 + first * step + 0.5, 10 + height - (place.offset + place.bytes) * scale,
                max(1.0, (last - first + 1) * step - 1), max(1.0, place.bytes * scale - 0.5), about,
            )
        )  # fmt: skip
    parts.append(
        Markup('<rect class="peak" x="{:.1f}" y="10" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
            80 + plan.peak * step, step, height, f"most RAM: step {plan.peak} {peak.name}, {peak.live_bytes:,} bytes"
        )
    )
    parts += [
        label(76, 20, f"{plan.arena_bytes:,}", "end"), label(76, 10 + height, "0 bytes", "end"),
        label(80, height + 26, "step 0", "start"), label(WIDTH - 10, height + 26, f"step {steps - 1}", "end"),
        label(80 + (plan.peak + 0.5) * step, height + 26, "peak", "middle") if 3 < plan.peak < steps - 4 else Markup(),
    ]  # fmt: skip
    return svg(height + 34, f"Arena of {plan.arena_bytes:,} bytes over {steps} steps", parts)


def line(values: Sequence[tuple[str, float]], text: Callable[[float], str]) -> Markup:
    """Return a figure over runs, from the first to the last; each is (when, value)."""
    y_of = scale([value for _, value in values], 90, 16)
    step = (WIDTH - LINE_LEFT - 50) / max(1, len(values) - 1)
    way = " ".join(f"{LINE_LEFT + i * step:.1f},{y_of(value):.1f}" for i, (_, value) in enumerate(values))
    parts = [Markup('<polyline class="front" points="{}"/>').format(way)]
    for i, (when, value) in enumerate(values):
        parts.append(
            Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3"><title>{}</title></circle>').format(
                LINE_LEFT + i * step, y_of(value), f"{when}: {text(value)}"
            )
        )
    low, high = min(value for _, value in values), max(value for _, value in values)
    parts += [
        label(LINE_LEFT - 8, 94, text(low), "end"),
        label(LINE_LEFT - 8, 20, text(high), "end") if high > low else Markup(),
    ]
    parts += [label(LINE_LEFT, 112, values[0][0][:10], "start"), label(WIDTH - 50, 112, values[-1][0][:10], "end")]
    return svg(118, f"{len(values)} runs from {text(values[0][1])} to {text(values[-1][1])}", parts)


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def scale(values: Sequence[float], low: float, high: float) -> Scale:
    """Return a function that maps the range of the values onto `low` to `high`; equal values to the middle."""
    first, span = min(values), max(values) - min(values)
    return lambda value: low + (high - low) * ((value - first) / span if span else 0.5)


def _beside(x: float, y: float, text: str) -> Markup:
    """Return a label beside a mark, on the side that has room."""
    return label(x - 9, y + 4, text, "end") if x > WIDTH - 180 else label(x + 9, y + 4, text, "start")


def _short(text: str) -> str:
    return text if len(text) <= LABEL_CHARACTERS else f"{text[: LABEL_CHARACTERS - 3]}..."


def label(x: float, y: float, text: str, anchor: str) -> Markup:
    """Return text at a place; `anchor` is start, middle or end."""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def svg(height: int, about: str, parts: Sequence[Markup]) -> Markup:
    """Return a drawing of WIDTH times `height` units; `about` is what a screen reader says of it."""
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, height, escape(about))
    return head + Markup("").join(parts) + Markup("</svg>")
