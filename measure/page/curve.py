"""The curve of a training: loss and accuracy of each epoch, on training pictures and on held-out ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from measure.details import Epoch, Training
from measure.page import charts

LEFT, RIGHT, TOP, BOTTOM = 90, charts.WIDTH - 100, 16, 150
HEIGHT = BOTTOM + 26
LINES = (("front", "training"), ("held", "held out"))
"""Class of the line, and its name."""
Values = Sequence[float | None]


def draw(training: Training) -> list[tuple[str, Markup]]:
    """Return the name and the SVG of loss and of accuracy over the epochs; nothing of a training without epochs."""
    epochs = training.epochs
    if not epochs:
        return []
    losses = ([row.loss for row in epochs], [row.held_out_loss for row in epochs])
    shares = ([row.accuracy for row in epochs], [row.held_out_accuracy for row in epochs])
    return [
        ("loss, nats", _chart("Loss", training, losses, lambda value: f"{value:.3f}")),
        ("accuracy", _chart("Accuracy", training, shares, lambda value: f"{100 * value:.1f} %")),
    ]


def caption(training: Training) -> str:
    """Return what the charts are of, in a line."""
    stages = dict.fromkeys(row.side for row in training.epochs)
    text = f"{training.checkpoint}: {len(training.epochs)} epochs at {', '.join(f'{side}x{side}' for side in stages)}"
    return f"{text}; the weights are those of epoch {training.kept_epoch}" if training.kept_epoch else text


def _chart(name: str, training: Training, lines: Sequence[Values], text: Callable[[float], str]) -> Markup:
    epochs = training.epochs
    known = [value for line in lines for value in line if value is not None]
    x_of = charts.scale([row.epoch for row in epochs], LEFT, RIGHT)
    y_of = charts.scale(known, BOTTOM, TOP)
    parts = [
        Markup('<polyline class="axis" points="{0},{1} {0},{2} {3},{2}"/>').format(LEFT - 8, TOP, BOTTOM + 8, RIGHT)
    ]
    if training.kept_epoch in {row.epoch for row in epochs}:
        x = x_of(float(training.kept_epoch or 0))
        parts.append(
            Markup('<line class="mark" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(x, TOP, BOTTOM + 8)
        )
    for (style, whose), values in zip(LINES, lines, strict=True):
        parts += _line(style, whose, epochs, values, x_of, y_of, text)
    parts += [
        charts.label(LEFT - 12, BOTTOM + 4, text(min(known)), "end"),
        charts.label(LEFT - 12, TOP + 4, text(max(known)), "end") if max(known) > min(known) else Markup(),
        charts.label(LEFT, HEIGHT - 2, f"epoch {epochs[0].epoch}", "start"),
        charts.label(RIGHT, HEIGHT - 2, f"epoch {epochs[-1].epoch}", "end") if len(epochs) > 1 else Markup(),
    ]
    return charts.svg(HEIGHT, f"{name} of {len(epochs)} epochs", parts)


def _line(
    style: str, name: str, epochs: Sequence[Epoch], values: Values, x_of: charts.Scale, y_of: charts.Scale,
    text: Callable[[float], str],
) -> list[Markup]:  # fmt: skip
    """Return one line with a mark for each epoch that has a value, and its name behind its end."""
    places = [
        (row, x_of(row.epoch), y_of(value), value)
        for row, value in zip(epochs, values, strict=True)
        if value is not None
    ]
    if not places:
        return []
    way = " ".join(f"{x:.1f},{y:.1f}" for _, x, y, _ in places)
    dots = [
        Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3"><title>{}</title></circle>').format(
            x, y, f"{name}, epoch {row.epoch} at {row.side}x{row.side}: {text(value)}"
        )
        for row, x, y, value in places
    ]
    _, x, y, _ = places[-1]
    return [
        Markup('<polyline class="{}" points="{}"/>').format(style, way),
        *dots,
        charts.label(x + 8, y + 4, name, "start"),
    ]
