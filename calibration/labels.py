"""Class numbers of a data set and of a model need not be the same; names decide."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IMAGENET_CLASSES = 1000
BACKGROUND = "background"
SHOWN = 5
"""Names that a note shows at most."""
# "0 name" (Teachable Machine), "0  name" (Coral), "0: name", "0,name", "0_name" (folders).
_NUMBERED = re.compile(r"\s*(\d{1,6})\s*[\s:;,._)-]\s*(\S.*)")
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, eq=False)
class Matching:
    """How the classes of a data set are those of a model.

    `numbers` are the model's class numbers by the data set's, None if some class has none. `unmatched` are the names of
    the data set that the model does not have, `ambiguous` those that it has more often.
    """

    numbers: npt.NDArray[np.int64] | None
    unmatched: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()


def align(model_labels: Sequence[str], class_names: Sequence[str], classes: int) -> npt.NDArray[np.int64] | None:
    """Return the model's class number for each class of the data set, or None if they are not about the same things.

    Matched by name where the model has labels, see `match`; by number where it has none and the counts agree.
    """
    if not model_labels:
        return np.arange(classes) if len(class_names) == classes else None
    return match(model_labels, class_names).numbers


def match(model_labels: Sequence[str], class_names: Sequence[str]) -> Matching:
    """Match the names of a data set with a model's: as they are, else without numbering, else by their words alone.

    Names that occur several times on one side, as ImageNet's two "crane", are matched in their order.
    """
    exact = _match(model_labels, class_names)
    if exact.numbers is not None:
        return exact
    plain = without_numbers(model_labels), without_numbers(class_names)
    folded = _folded(plain[0]), _folded(plain[1])
    for left, right in (plain, folded):
        found = _match(left, right)
        if found.numbers is not None and _keeps_apart(plain[0], left) and _keeps_apart(plain[1], right):
            return found
    lost = [name for name, words in zip(class_names, folded[1], strict=True) if words not in folded[0]]
    return Matching(None, tuple(lost) or exact.unmatched)


def note(model_labels: Sequence[str], class_names: Sequence[str], classes: int, data: str) -> str:
    """Return a line that says why there is no accuracy on the data set `data`, or what it counts; "" if all match."""
    if not model_labels:
        if len(class_names) == classes:
            return ""
        return (
            f"no accuracy: the model has {classes} classes without names, {data} has {len(class_names)}; "
            "name them with --labels"
        )
    matching = match(model_labels, class_names)
    if matching.numbers is None:
        return (
            f"no accuracy: {len(matching.unmatched)} of {len(class_names)} classes of {data} are not among the model's "
            f"({shown(matching.unmatched)}; the model has {shown(model_labels)}); name the model's with --labels"
        )
    if matching.ambiguous:
        return f"several classes of the model have one name, the first counts: {shown(matching.ambiguous)}"
    return ""


def shown(names: Sequence[str]) -> str:
    """Return the first names of some, joined by commas."""
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def without_numbers(names: Sequence[str]) -> tuple[str, ...]:
    """Return names without the numbers before them, if all have one and these count from 0 or from 1."""
    numbered = _numbered(names)
    return tuple(name for _, name in numbered) if numbered else tuple(names)


def of_file(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the class names in the lines of a labels file: numbers from 0 are taken off and give the order."""
    numbered = _numbered(lines)
    is_numbered = min((number for number, _ in numbered), default=1) == 0
    return tuple(name for _, name in sorted(numbered)) if is_numbered else tuple(lines)


def fit(labels: Sequence[str], classes: int) -> tuple[str, ...]:
    """Return the labels for a model of so many classes: ImageNet's 1,000 with or without the background class, 0.

    Other labels are returned as they are.
    """
    if len(labels) == IMAGENET_CLASSES == classes - 1:
        return (BACKGROUND, *labels)
    if len(labels) - 1 == IMAGENET_CLASSES == classes and labels[0].casefold() in (BACKGROUND, "dummy"):
        return tuple(labels[1:])
    return tuple(labels)


def _match(model_labels: Sequence[str], class_names: Sequence[str]) -> Matching:
    places: dict[str, list[int]] = {}
    for i, name in enumerate(model_labels):
        places.setdefault(name, []).append(i)
    unmatched = tuple(name for name in class_names if name not in places)
    if unmatched:
        return Matching(None, unmatched)
    numbers, seen = [], dict.fromkeys(places, 0)
    for name in class_names:
        if seen[name] == len(places[name]):
            return Matching(None, (name,))
        numbers.append(places[name][seen[name]])
        seen[name] += 1
    ambiguous = tuple(name for name, used in seen.items() if 0 < used < len(places[name]))
    return Matching(np.array(numbers, np.int64), ambiguous=ambiguous)


def _numbered(names: Sequence[str]) -> list[tuple[int, str]]:
    """Return the numbers and the names of "0 name", "1 name", ...; nothing if some are not numbered so.

    "1 car" and "2 car", which only their numbers tell apart, are names.
    """
    found = [_NUMBERED.fullmatch(name) for name in names]
    pairs = [(int(m[1]), m[2].strip()) for m in found if m]
    numbers = sorted(number for number, _ in pairs)
    if len(pairs) < len(names) or numbers not in (list(range(len(names))), list(range(1, len(names) + 1))):
        return []
    return pairs if numbers[:1] == [0] or _keeps_apart(names, [name for _, name in pairs]) else []


def _keeps_apart(names: Sequence[str], changed: Sequence[str]) -> bool:
    """Return whether changed names are as many different ones as before."""
    return len(set(changed)) == len(set(names))


def _folded(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(_BETWEEN_WORDS.sub(" ", name).strip().casefold() for name in names)
