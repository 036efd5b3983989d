"""Names become things: the target, the data set, the labels and the weights that a request means. Nothing is built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import console
import target as targets
from artifact import no_such_file
from calibration import labels
from datasets import Dataset, empty_split, load
from errors import ConfigError
from models import weights
from pipeline.request import Request
from target import Target


@dataclass(frozen=True)
class Resolved:
    """A request, and what its names mean. `source` are the weights, None for a .tflite, which has its own.

    `is_default_data` says that a .tflite is run without a data set of the user's: its classes are others.
    """

    request: Request
    target: Target
    engine: str
    data: Dataset
    labels: tuple[str, ...]
    source: weights.Source | None
    is_default_data: bool = False

    @property
    def tflite(self) -> Path | None:
        """The user's own .tflite, None if the model is to be built or converted here."""
        return Path(self.request.model) if self.request.model_kind == "tflite" else None


def resolve(request: Request, needs_data: bool = True) -> Resolved:
    """Return what a request means; say which pictures of the data set can't be read.

    Without `needs_data` the data set of a .tflite is loaded where the user names one, and has no pictures elsewhere.
    Raises ConfigError if a name, a file or the labels are wrong.
    """
    board = targets.load(request.target)
    is_default = request.model_kind == "tflite" and request.is_default_data
    data = Dataset("", (), empty_split(), empty_split(), "") if is_default and not needs_data else load(request.data)
    for text in data.notes:
        console.note(text)
    if data.damaged:
        shown = ", ".join(data.damaged[:3]) + (", ..." if len(data.damaged) > 3 else "")
        console.note(f"{len(data.damaged)} pictures of {data.name} can't be read and are left out: {shown}")
    names = read_labels(request.labels) if request.labels is not None else () if is_default else data.class_names
    source = None
    if request.model_kind != "tflite":
        source = weights.resolve(request.model, request.weights, data.identity, names, request.channels, request.rho)
    return Resolved(request, board, request.engine_for(board), data, names, source, is_default)


def read_labels(text: str) -> tuple[str, ...]:
    """Return the class names of --labels: a file with one on each line, or a,b,c.

    Numbers before the names in a file, as in Teachable Machine's labels.txt, are taken off. A file may have a name
    several times, as ImageNet's has "crane".
    Raises ConfigError if the file can't be read, or if there are fewer than two names or, in a list, two equal ones.
    """
    lines = _lines(text)
    if lines is not None:
        if len(set(lines)) < 2:
            raise ConfigError(f"--labels {text}: expected at least two names, one on each line, got {len(lines)}")
        return labels.of_file(lines)
    names = tuple(name.strip() for name in text.split(","))
    if len(set(names)) < max(2, len(names)):
        raise ConfigError(f"--labels {text}: expected at least two names, all different, got {len(names)}")
    return names


def _lines(text: str) -> tuple[str, ...] | None:
    """Return the lines of a labels file, None for a list a,b,c."""
    path = Path(text)
    try:
        if path.is_file():
            return tuple(line.strip() for line in path.read_text("utf-8-sig").splitlines() if line.strip())
    except UnicodeDecodeError as e:
        raise ConfigError(f"--labels {text}: expected text in UTF-8, one name on each line ({e.reason})") from e
    except OSError as e:
        if "," not in text:  # a long list can't be the name of a file
            raise ConfigError(f"--labels {text}: can't be read ({e.strerror})") from e
    if "," not in text:
        raise ConfigError(f"--labels {text}: {no_such_file(path)}, and not a list a,b,c")
    return None
