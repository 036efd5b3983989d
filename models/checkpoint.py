"""Checkpoints: weights by name in an .npz file, and beside it a .json file that says what they are. No TensorFlow."""

from __future__ import annotations

import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from artifact import write_all_atomic, write_zip
from errors import ConfigError

SHIPPED_DIR = Path(__file__).parent / "checkpoints"
REQUIRED_KEYS = {"preset": str, "classes": int, "channels": int, "labels": list, "input_range": list, "data": str}
Weights = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class CheckpointFacts:
    """What the weights of a checkpoint are: the .json file beside the .npz file.

    `labels` are class names in the order of the outputs, `input_range` the values that pixels 0 and 255 stand for.
    `pictures` is the digest of the data set, None where its pictures cannot change.
    `float_top1` is a fraction of the `test_pictures` of the whole test split. The fields from `test_pictures` on say
    how `inv train` made the checkpoint; they are None for one that comes from elsewhere. `kept_epoch` counts from 1;
    `confusion` has the test pictures of each class (row) by the class that the network takes them for (column).
    Quantization-aware training adds the learned `ranges` of the tensors of its folded graph at the preset's rho, the
    sha256 of the checkpoint that it began from, and what it gave beside its float control.
    """

    preset: str
    classes: int
    channels: int
    labels: tuple[str, ...]
    input_range: tuple[float, float]
    data: str
    pictures: str | None = None
    test_pictures: int | None = None
    float_top1: float | None = None
    stored_as: str | None = None
    command: str | None = None
    recipe: Mapping[str, object] | None = None
    history: tuple[Mapping[str, float], ...] | None = None
    begins_with: str | None = None
    held_out_pictures: int | None = None
    kept_epoch: int | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    ranges: Mapping[str, tuple[float, float]] | None = None
    quantized_from: str | None = None
    quantized: Mapping[str, float] | None = None


def shipped_path(preset_name: str, data: str) -> Path:
    """Where the checkpoint that we ship for a preset and a data set is, or would be."""
    return SHIPPED_DIR / f"{preset_name}.{data}.npz"


def path_of_option(out: str | Path) -> Path:
    """Return the path that `--out` names. Raises ConfigError if it does not end in .npz."""
    path = Path(out)
    if path.suffix != ".npz":
        raise ConfigError(f"--out {path}: expected a name that ends in .npz")
    return path


def save(path: Path, weights: Weights, facts: CheckpointFacts, dtype: npt.DTypeLike = np.float16) -> None:
    """Write weights (stored as `dtype`) and the facts about them: both files or none.

    The same weights give the same bytes: NumPy's own `savez` would write the time of day.
    """
    known = {name: value for name, value in asdict(facts).items() if value is not None}
    text = json.dumps(known, indent=1) + "\n"
    write_all_atomic({path.with_suffix(".json"): text, path: pack(weights, dtype)})


def pack(weights: Mapping[str, npt.NDArray[np.float32]], dtype: npt.DTypeLike) -> bytes:
    """Return the bytes of an .npz file with weights stored as `dtype`, in their order."""
    raw = io.BytesIO()
    write_zip(raw, ((f"{name}.npy", _npy(weight, dtype)) for name, weight in weights.items()), is_compressed=True)
    return raw.getvalue()


def _npy(weight: npt.NDArray[np.float32], dtype: npt.DTypeLike) -> bytes:
    member = io.BytesIO()
    np.lib.format.write_array(member, np.ascontiguousarray(weight, dtype), allow_pickle=False)
    return member.getvalue()


def load(path: Path) -> Weights:
    """Return the weights of a checkpoint as float32 by name. Raises ConfigError if the file is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name].astype(np.float32) for name in archive.files}
    # The last two: a lone .npy, and a zip of other things, as a .keras is
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, zlib.error, TypeError, AttributeError) as e:
        raise ConfigError(f"{path}: not a checkpoint of `inv train` ({e})") from e


def load_facts(path: Path) -> CheckpointFacts:
    """Return the facts beside a checkpoint.

    Raises ConfigError if the file is missing, damaged or lacks a key.
    """
    facts_path = path.with_suffix(".json")
    try:
        table = json.loads(facts_path.read_text())
    except (OSError, ValueError, RecursionError) as e:
        raise ConfigError(f"{facts_path}: expected the facts that `inv train` writes beside a checkpoint ({e})") from e
    for key, kind in REQUIRED_KEYS.items():
        if not isinstance(table, dict) or not isinstance(table.get(key), kind):
            raise ConfigError(f"{facts_path}: key {key}: expected {kind.__name__}, as `inv train` writes it")
    if not all(isinstance(label, str) for label in table["labels"]):
        raise ConfigError(f"{facts_path}: key labels: expected a list of names, as `inv train` writes it")
    input_range = table["input_range"]
    if len(input_range) != 2 or not all(isinstance(x, int | float) for x in input_range):
        raise ConfigError(f"{facts_path}: key input_range: expected two numbers, as `inv train` writes it")
    values = {field.name: table[field.name] for field in fields(CheckpointFacts) if field.name in table}
    values |= {"labels": tuple(table["labels"]), "input_range": (float(input_range[0]), float(input_range[1]))}
    if isinstance(table.get("history"), list):
        values["history"] = tuple(table["history"])
    if isinstance(table.get("ranges"), dict):
        values["ranges"] = _ranges(facts_path, table["ranges"])
    if isinstance(table.get("confusion"), list):
        values["confusion"] = tuple(tuple(row) for row in table["confusion"])
    return CheckpointFacts(**values)


def _ranges(path: Path, table: Mapping[str, object]) -> dict[str, tuple[float, float]]:
    ranges = {}
    for name, limits in table.items():
        match limits:
            case [int() | float() as low, int() | float() as high] if low <= 0 <= high and 0 < high - low < math.inf:
                ranges[name] = (float(low), float(high))
            case _:
                raise ConfigError(f"{path}: key ranges.{name}: expected two numbers, the first 0 or less")
    return ranges
