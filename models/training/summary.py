"""What `inv train` prints at the end: the curve, the accuracy of each class, and what is mistaken for what."""

from __future__ import annotations

import numpy as np

import console
from models.checkpoint import CheckpointFacts

BARS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
CURVE_WIDTH = 40
MATRIX_CLASSES = 12
"""Classes of which the whole confusion matrix is printed."""
SHOWN = 20
"""Classes whose accuracy is printed; of more the worst ones."""
CURVES = {
    "loss": "loss",
    "accuracy": "accuracy",
    "held_out_loss": "held-out loss",
    "held_out_accuracy": "held-out accuracy",
}


def print_summary(facts: CheckpointFacts) -> None:
    """Print the curve of a training and the result of each class on the test pictures."""
    console.table("curve", [("", "left"), ("first", "right"), ("", "left"), ("last", "right")], curve_rows(facts))
    columns = [("class", "left"), ("pictures", "right"), ("right", "right"), ("most often taken for", "left")]
    console.table("", columns, class_rows(facts))
    if facts.confusion is not None and facts.classes <= MATRIX_CLASSES:
        heading = [("taken for", "left"), *((str(i), "right") for i in range(facts.classes))]
        console.table("", heading, matrix_rows(facts))


def curve_rows(facts: CheckpointFacts) -> list[list[str]]:
    """Return the name, first value, curve and last value of each measure that every epoch has."""
    history = facts.history or ()
    rows = []
    for key, name in CURVES.items():
        values = [float(row[key]) for row in history if key in row]
        if values:
            rows.append([name, _number(key, values[0]), sparkline(values), _number(key, values[-1])])
    return rows


def sparkline(values: list[float], width: int = CURVE_WIDTH) -> str:
    """Return values as bars from the lowest to the highest, at most `width` of them, each the mean of its neighbors."""
    parts = [float(part.mean()) for part in np.array_split(np.asarray(values), min(width, len(values)))]
    low, span = min(parts), max(parts) - min(parts)
    return "".join(BARS[1 + round((value - low) / span * (len(BARS) - 2)) if span else 1] for value in parts)


def class_rows(facts: CheckpointFacts) -> list[list[str]]:
    """Return name, test pictures, accuracy and the most frequent wrong answer of each class; of many the worst ones."""
    counts = np.asarray(facts.confusion or ())
    rows = []
    for label, row in enumerate(counts):
        total, right = int(row.sum()), int(row[label])
        wrong = np.where(np.arange(len(row)) == label, 0, row)
        worst = int(wrong.argmax())
        taken_for = f"{facts.labels[worst]} ({int(wrong[worst])})" if wrong[worst] else ""
        accuracy = f"{100 * right / total:.1f} %" if total else "-"
        rows.append((right / total if total else 1.0, [facts.labels[label], str(total), accuracy, taken_for]))
    if len(rows) > SHOWN:
        rows = sorted(rows, key=lambda pair: pair[0])[:SHOWN]
    return [cells for _, cells in rows]


def matrix_rows(facts: CheckpointFacts) -> list[list[str]]:
    """Return a row for each true class: its number and name, and how many of its test pictures got each answer."""
    counts = facts.confusion or ()
    return [[f"{i} {facts.labels[i]}", *(str(n) if n else "." for n in row)] for i, row in enumerate(counts)]


def _number(key: str, value: float) -> str:
    return f"{100 * value:.1f} %" if key.endswith("accuracy") else f"{value:.3f}"
