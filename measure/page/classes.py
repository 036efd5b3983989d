"""Answers by class as a page shows them: a matrix of few classes, the worst of many, and pictures."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from measure.details import Answers

MOST = 20
"""Classes of a matrix that a screen can hold."""
WORST = 20
_BASE64 = re.compile(r"[A-Za-z0-9+/=]*", re.ASCII)


@dataclass(frozen=True)
class Cell:
    """How many pictures of a class got an answer, and which part of the class that is."""

    count: int
    percent: int
    is_right: bool


@dataclass(frozen=True)
class Row:
    """A class: its cells, how often it is right, and what it is most often taken for."""

    name: str
    cells: tuple[Cell, ...]
    right: str
    taken_for: str


@dataclass(frozen=True)
class Shown:
    """A wrong picture, with the names of both classes."""

    picture: int
    truth: str
    answer: str
    png: str


@dataclass(frozen=True)
class View:
    """What the page shows: `matrix` where there are few classes, else the `worst`."""

    names: tuple[str, ...]
    total: int
    matrix: tuple[Row, ...]
    worst: tuple[Row, ...]
    mistakes: tuple[Shown, ...]


def view(answers: Answers) -> View:
    """Return what a page shows of answers."""
    names = answers.names
    counts: dict[int, dict[int, int]] = defaultdict(dict)
    for truth, answer, count in answers.counts:
        counts[truth][answer] = count
    is_small = len(names) <= MOST
    rows = {truth: _row(truth, counts[truth], names, is_small) for truth in sorted(counts)}
    shares = {truth: counts[truth].get(truth, 0) / sum(counts[truth].values()) for truth in counts}
    worst = tuple(rows[truth] for truth in sorted(shares, key=lambda truth: (shares[truth], truth))[:WORST])
    return View(
        names,
        len(names),
        tuple(rows.values()) if is_small else (),
        worst,
        tuple(
            Shown(one.picture, _name(one.truth, names), _name(one.answer, names), one.png)
            for one in answers.mistakes
            if _BASE64.fullmatch(one.png)
        ),
    )


def _row(truth: int, counts: dict[int, int], names: tuple[str, ...], has_cells: bool) -> Row:
    total = sum(counts.values())
    right = counts.get(truth, 0)
    wrong = sorted((-count, answer) for answer, count in counts.items() if answer != truth)
    cells = tuple(
        Cell(count := counts.get(answer, 0), round(85 * count / total), answer == truth) for answer in range(len(names))
    )
    return Row(
        _name(truth, names),
        cells if has_cells else (),
        f"{right:,} of {total:,}, {100 * right / total:.1f} %",
        f"{_name(wrong[0][1], names)} ({-wrong[0][0]:,})" if wrong else "",
    )


def _name(number: int, names: tuple[str, ...]) -> str:
    return names[number] if 0 <= number < len(names) else f"class {number}"
