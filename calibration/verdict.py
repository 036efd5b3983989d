"""What the trials of preparations say: a table, which one the network wants, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calibration import labels as label_maps
from calibration import preparation
from calibration.trials import REORDERED, REVERSED, SHIFTED, Trial, is_better

SHOWN = 14
"""Rows of the table."""
CHANCE_FACTOR = 2.0
"""A top-1 below so many times that of chance is no sign that a preparation is right."""


@dataclass(frozen=True)
class Verdict:
    """What a user is told: sentences, and whether the options as they are give the best result beyond chance."""

    lines: tuple[str, ...]
    options_are_best: bool


def table(trials: Sequence[Trial], best: Trial, given: Trial) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows, the best first: each way with the better of its orders of classes.

    The last column says which is the best, and which is as the options are now. It has 80 columns but for the long
    names of values.
    """
    columns = [(name, "left") for name in ("pixels 0..255", "channels", "picture", "resize", "classes")]
    columns += [("top-1", "right"), ("", "left")]
    shown = sorted(trials, key=lambda trial: (-trial.top1, trial is not best, trial is not given))
    chosen = [trial for i, trial in enumerate(shown) if i < SHOWN or trial in (best, given)]
    return columns, [[*_cells(trial), f"{100 * trial.top1:.1f} %", _mark(trial, best, given)] for trial in chosen]


def _cells(trial: Trial) -> list[str]:
    """Return a trial in words: values, channels, sides, resizing and classes."""
    way = trial.way
    sides = "transposed" if way.transposed else "as it is"
    return [way.values.name, way.channels, sides, way.resize, trial.order]


def _mark(trial: Trial, best: Trial, given: Trial) -> str:
    """Return what is to be said of a trial; `now` is as the options are."""
    return ", ".join(["best"] * (trial is best) + ["now"] * (trial is given))


def verdict(best: Trial, given: Trial, labels: Sequence[str], class_names: Sequence[str], range_from: str) -> Verdict:
    """Return which preparation the network wants, which options to give, and why PC and device could differ.

    `labels` are the network's, `class_names` the data set's; `range_from` says where the range of `given` is from.
    """
    chance = 1 / max(2, len(class_names))
    if best.top1 < CHANCE_FACTOR * chance and not _is_sure(best, chance):
        return Verdict((_no_way_text(best, chance, len(class_names)),), options_are_best=False)
    if best is given:
        return Verdict((_right_text(given, range_from),), options_are_best=True)
    lines = [
        f"the file wants {_described(best)}: {100 * best.top1:.1f} %, as the options are {100 * given.top1:.1f} % of "
        f"{len(best.right)} pictures",
        *_advice(best, given, labels, class_names),
        f"a device gets pixels as the options say, {_described(given)}: it would be at {100 * given.top1:.1f} % where "
        f"a program on a PC that prepares them as above is at {100 * best.top1:.1f} %",
    ]
    return Verdict(tuple(lines), options_are_best=not is_better(best, given))


def _is_sure(trial: Trial, chance: float) -> bool:
    """Return whether a top-1 is above chance by four standard errors."""
    deviation: float = (chance * (1 - chance) / len(trial.right)) ** 0.5
    return trial.top1 > chance + 4 * deviation


def _no_way_text(best: Trial, chance: float, classes: int) -> str:
    return (
        f"no preparation is better than chance ({100 * best.top1:.1f} % at best, chance is {100 * chance:.1f} % of "
        f"{classes} classes): the network may not be trained, or not on these classes; give its own --data and --labels"
    )


def _right_text(given: Trial, range_from: str) -> str:
    said = "; it was assumed, make it sure with " + _range_option(given) if range_from == "assumed" else ""
    return (
        f"the options are right: the file wants {_described(given)}, {100 * given.top1:.1f} % of {len(given.right)} "
        f"pictures, and no other preparation is better beyond chance{said}"
    )


def _described(trial: Trial) -> str:
    way = trial.way
    parts = [f"pixels as {way.values.name} in {way.channels}", way.resize]
    parts += ["transposed"] * way.transposed
    parts += [f"classes {trial.order}"] * (trial.order in (REORDERED, REVERSED, SHIFTED))
    return ", ".join(parts)


def _range_option(trial: Trial) -> str:
    low, high = trial.way.values.input_range or (0.0, 0.0)
    return f"--input-range={low:g},{high:g}"


def _advice(best: Trial, given: Trial, labels: Sequence[str], class_names: Sequence[str]) -> list[str]:
    """Return what to give or to change for each thing in which the best differs from the options."""
    way, now = best.way, given.way
    lines: list[str] = []
    if way.values != now.values and way.values.input_range is not None:
        lines.append(f"give {_range_option(best)}")
    elif way.values != now.values:
        lines.append("each channel has its own mean: put a Normalization layer before the network, and give 0,255")
    if way.bgr:
        lines.append("the network reads BGR: swap the channels before its first layer, or in its weights")
    if way.transposed:
        lines.append("height and width are swapped: transpose the pictures, or the network's input")
    if way.resize != now.resize:
        lines.append(
            f"pictures were resized otherwise ({way.resize}): resize them so and give them as --data npz:FILE; "
            f"this project resizes {preparation.Way(way.values).resize}, smoothed"
        )
    if best.order != given.order:
        lines.append(_labels_advice(best, labels, class_names))
    return lines


def _labels_advice(best: Trial, labels: Sequence[str], class_names: Sequence[str]) -> str:
    classes = max(len(labels), max(best.numbers) + 1)
    names = [f"unused {i}" for i in range(classes)]
    if best.order == SHIFTED:
        names[0] = label_maps.BACKGROUND
    for name, number in zip(class_names, best.numbers, strict=True):
        names[number] = name
    if any("," in name for name in names) or len(names) > label_maps.SHOWN * 4:
        return f"the classes are {best.order}: give --labels a file in the network's order, {label_maps.shown(names)}"
    return f"the classes are {best.order}: give --labels {','.join(names)!r}"
