"""Accuracy of int8 over a test split, as networks are and with provoked ranges: plain against improved.

`python -m benchmarks.accuracy --images 10000 --seeds 3` measures what is missing in benchmarks/results/accuracy.json
and prints the table. A provoked network has a random half of its channels scaled down, where float stays the same: its
makers' weights times s, its users' over s. Networks of users have such ranges, and plain int8 loses most of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import console
import datasets
from artifact import ROOT, write_atomic
from calibration import converter, evaluate, examples
from calibration.improve import equalize, statistics
from calibration.improve.improve import Job, improve
from calibration.improve.score import divergence
from datasets import Dataset
from models import build, weights
from models.folded import run
from models.folded.graph import Floats, Folded

RESULTS = ROOT / "benchmarks" / "results" / "accuracy.json"
NETWORKS = ("v1_025", "v2_035", "v3sm_075", "v3s_075")
FACTOR = 100.0
CHUNK = 500
RELU6_MARGIN = 5.4
"""What a channel may reach before ReLU6 to be scaled down."""


@dataclass(frozen=True)
class Row:
    """One network in int8, by one conversion, over `images` test pictures; fractions of 1, divergence in nats.

    `factor` is 1 for the network as it is; `seed` picks the calibration pictures and the channels that are scaled.
    `float_top1` and `agreement` are of the network as it is.
    """

    network: str
    factor: float
    seed: int
    method: str
    images: int
    float_top1: float
    int8_top1: float
    agreement: float
    divergence: float
    refusal: str = ""

    @property
    def key(self) -> tuple[str, float, int, int]:
        """What the row is of, without the method."""
        return self.network, self.factor, self.seed, self.images


def provoke(graph: Folded, inputs: Floats, factor: float, seed: int) -> Folded:
    """Return the network with a random half of its channels scaled down by up to `factor`, where float stays.

    Factors are log-uniform; the widest channel of each tensor stays, so that the tensor's range does.
    """
    rng = np.random.default_rng(seed)
    values, _ = statistics.collect(graph, inputs)
    for group in equalize.groups(graph):
        channels = statistics.channel_range(values, list(group.points))
        is_free = channels < RELU6_MARGIN if group.is_clipped else np.ones(len(channels), bool)
        is_scaled = is_free & (rng.random(len(channels)) < 0.5)
        factors = np.where(is_scaled, np.exp(-rng.uniform(0, np.log(factor), len(channels))), 1.0)
        factors[int(np.argmax(channels))] = 1.0
        graph = equalize.scaled(graph, group, factors)
    return graph


class _Network:
    """A preset with its checkpoint, and the outputs of its float form."""

    def __init__(self, name: str, data: Dataset) -> None:
        import keras

        from models.folded.read import from_keras

        source = weights.resolve(name, None, data.identity, data.class_names, 3)
        artifact = build.build(source, data.class_names)
        self.name, self.data, self.path, self.facts = name, data, artifact.path, artifact.facts
        self.graph = from_keras(keras.models.load_model(artifact.path, compile=False))

    def rows(self, factor: float, seed: int, images: int) -> Iterator[Row]:
        """Yield the row of the plain and of the improved conversion."""
        both = datasets.sample(self.data.train, 400, seed)
        inputs, held_out = (self._examples(part) for part in (both[:200], both[200:]))
        with TemporaryDirectory() as name:
            folder = Path(name)
            path = self.path
            if factor > 1:
                path = folder / "provoked.keras"
                self._save(provoke(self.graph, inputs.real(), factor, seed), path)
            files = {"plain": folder / "plain.tflite", "improved": folder / "better.tflite"}
            log = folder / "log"
            files["plain"].write_bytes(converter.plain(path, inputs.real(), log))
            better, told = improve(Job(path, files["plain"], log, folder / "float.keras", inputs, held_out))
            files["improved"].write_bytes(better or files["plain"].read_bytes())
            yield from self._compare(files, factor, seed, images, told.refusal)

    def _examples(self, chosen: examples.Labels) -> examples.Examples:
        return examples.select(self.data.train, chosen, self.facts, self.name)

    def _save(self, graph: Folded, path: Path) -> None:
        from models.folded.to_keras import to_keras

        to_keras(graph, batch=1).save(path)

    def _compare(self, files: dict[str, Path], factor: float, seed: int, images: int, refusal: str) -> Iterator[Row]:
        exact, outputs, truth = self._outputs(files, images)
        for method, real in outputs.items():
            yield Row(
                self.name, factor, seed, method, images,
                float((exact.argmax(1) == truth).mean()), float((real.argmax(1) == truth).mean()),
                float((real.argmax(1) == exact.argmax(1)).mean()),
                divergence(exact.astype(np.float64), real.astype(np.float64)),
                refusal if method == "improved" else "",
            )  # fmt: skip

    def _outputs(self, files: dict[str, Path], images: int) -> tuple[Floats, dict[str, Floats], examples.Labels]:
        """Return the probabilities (images, classes) in float and by each file, and the labels."""
        test, facts = self.data.test, self.facts
        chosen = datasets.sample(test, images, 0)
        exact: list[Floats] = []
        parts: dict[str, list[Floats]] = {method: [] for method in files}
        with console.bar(self.name, images) as done:
            for start in range(0, images, CHUNK):
                some = chosen[start : start + CHUNK]
                one = examples.select(test, some, facts, self.name)
                exact.append(_float_outputs(self, start, images, one.real()))
                for method, file in files.items():
                    raw = evaluate.outputs(file, one.stored.astype(np.uint8), facts.input_range)
                    parts[method].append((raw.astype(np.float32) + np.float32(128)) / np.float32(256))
                done(start + len(some))
        return np.concatenate(exact), {m: np.concatenate(p) for m, p in parts.items()}, test.labels[chosen]


_CACHE: dict[tuple[str, int, int], Floats] = {}


def _float_outputs(network: _Network, start: int, images: int, inputs: Floats) -> Floats:
    key = (network.name, start, images)
    if key not in _CACHE:
        _CACHE[key] = run.outputs(network.graph, inputs).numpy()
    return _CACHE[key]


def load(path: Path = RESULTS) -> list[Row]:
    """Return the rows of a results file, none if it does not exist."""
    return [Row(**row) for row in json.loads(path.read_text())] if path.is_file() else []


def table(rows: Sequence[Row]) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows: for each network and factor the worst and the mean over the seeds."""
    columns = [
        ("network", "left"),
        ("factor", "right"),
        ("seeds", "right"),
        ("pictures", "right"),
        ("float, %", "right"),
    ]
    columns += [(f"{method}: {what}", "right") for method in ("plain", "improved") for what in ("loss", "as float, %")]
    lines = []
    for network, factor, images in sorted({(row.network, row.factor, row.images) for row in rows}):
        own = [row for row in rows if (row.network, row.factor, row.images) == (network, factor, images)]
        line = [network, f"{factor:g}", str(len({row.seed for row in own})), f"{images:,}"]
        line.append(f"{100 * own[0].float_top1:.2f}")
        for method in ("plain", "improved"):
            of_method = [row for row in own if row.method == method]
            losses = [100 * (row.float_top1 - row.int8_top1) for row in of_method]
            shares = [100 * row.agreement for row in of_method]
            line += [_span(losses), _span(shares)]
        lines.append(line)
    return columns, lines


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def main(words: Sequence[str]) -> None:
    """Measure what is missing, write it after each one, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--networks", default=",".join(NETWORKS), help="presets with a checkpoint, joined by commas")
    parser.add_argument("--factors", default=f"1,{FACTOR:g}", help="1 is the network as it is")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(words)
    data, rows = datasets.load("fashion_mnist"), load(options.out)
    networks: dict[str, _Network] = {}
    for seed in range(options.seeds):  # outermost: a run that is stopped has all networks of the first seeds
        for name in options.networks.split(","):
            for factor in map(float, options.factors.split(",")):
                if any(row.key == (name, factor, seed, options.images) for row in rows):
                    continue
                if name not in networks:
                    networks[name] = _Network(name, data)
                rows += networks[name].rows(factor, seed, options.images)
                write_atomic(options.out, json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    console.table("", *table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
