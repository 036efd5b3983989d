"""What tests of the whole pipeline share: a folder for build products, a small set of pictures, and `inv` itself."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

import artifact
from calibration import convert
from datasets import Dataset, load
from deploy import bundle
from measure import report_file
from models import build, weights
from models.network import Network
from models.presets import Preset
from pipeline.command_line import main
from tests import shipped

T = TypeVar("T")
CHECKOUT = Path(__file__).resolve().parents[2]
SHARED_DATA = CHECKOUT.parent / "shared" / "data"
PRESET = "v1_025_32"
CLASSES = ("dark", "left", "right", "light")
SETTINGS = convert.Settings(pictures=16, is_plain=True)
"""Plain conversion: the improved one takes seconds more, and random weights have no accuracy to keep."""


def pictures(count: int, side: int = 40, seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return uint8 pictures (n, side, side, 3) and labels: four patterns under noise, the classes in turn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    x = rng.integers(0, 90, (count, side, side, 3))
    x[labels == 1, :, : side // 2] += 120
    x[labels == 2, :, side // 2 :] += 120
    x[labels == 3] += 150
    return x.astype(np.uint8), labels


def tiny_network(preset: Preset) -> Network:
    """Return a network of three layers for pictures of 8x8, whatever the preset: a step takes milliseconds."""
    net = Network(8, 8, preset.channels)
    net.conv("conv", 4, kernel=3, stride=2, activation="relu6")
    net.depthwise("deep", kernel=3, stride=1, activation="relu6")
    net.pool("pool")
    net.dropout("dropout", 0.1)
    net.dense("classes", preset.classes)
    net.softmax("softmax")
    return net


def save_npz(path: Path, train: int = 80, test: int = 60, seed: int = 1) -> Path:
    (x, y), (xt, yt) = pictures(train, seed=seed), pictures(test, seed=seed + 1)
    np.savez(path, x_train=x, y_train=y, x_test=xt, y_test=yt, class_names=np.array(CLASSES))
    return path


def save_folder(root: Path, count: int = 24, classes: tuple[str, ...] = CLASSES, suffix: str = ".png") -> Path:
    """Write `count` pictures of each class into a folder per class."""
    x, y = pictures(count * len(CLASSES), side=48, seed=3)
    for label, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i, picture in enumerate(x[y == label]):
            Image.fromarray(picture).save(root / name / f"{i:03d}{suffix}")
    return root


@contextlib.contextmanager
def at_home(home: Path) -> Iterator[Path]:
    """Build into a folder of the tests' own meanwhile, as ALPHARHO_HOME does for a process."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (artifact, bundle):
            patch.setattr(module, "BUILD_DIR", home / "build")
        patch.setattr(weights, "TRAINED_DIR", home / "trained")
        patch.setattr(report_file, "REPORTS_DIR", home / "reports")
        yield home


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of this run's build products, the same for every test."""
    path = tmp_path_factory.getbasetemp() / "alpharho-home"
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture(autouse=True)
def _build_at_home(home: Path) -> Iterator[None]:
    with at_home(home):
        yield


@pytest.fixture(scope="session")
def npz(home: Path) -> Path:
    path = home / "four.npz"
    return path if path.exists() else save_npz(path)


@pytest.fixture(scope="session")
def data(npz: Path) -> Dataset:
    return load(f"npz:{npz}")


@pytest.fixture(scope="session")
def network(home: Path, data: Dataset) -> artifact.Artifact[build.KerasFacts]:
    """Return v1_025_32 with random weights, as a Keras artifact."""

    def make() -> artifact.Artifact[build.KerasFacts]:
        source = weights.resolve(PRESET, "random", data.identity, data.class_names, 3)
        return build.build(source, data.class_names)

    return _made_once(home, make)


@pytest.fixture(scope="session")
def int8(
    home: Path, network: artifact.Artifact[build.KerasFacts], data: Dataset
) -> artifact.Artifact[convert.Int8Facts]:
    """Return it in int8."""
    return _made_once(home, lambda: convert.calibrate(network, data, SETTINGS))


def _made_once(home: Path, make: Callable[[], artifact.Artifact[T]]) -> artifact.Artifact[T]:
    """Return an artifact in the folder of this process, made by the first of all processes that needs it."""
    with shipped.one_at_a_time("fixtures") as common, at_home(common):
        made = make().path.parent
    copy = home / made.relative_to(common)
    if not copy.exists():
        shutil.copytree(made, copy)
    with at_home(home):
        return make()


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(CHECKOUT / "tasks.py"), *map(str, arguments)]


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "ALPHARHO_HOME": str(home), "COLUMNS": "120", **more}


def inv(home: Path, *arguments: object, timeout: float = 240, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `inv` in a process of its own, from another folder, with its build products in `home`."""
    return subprocess.run(
        command(*arguments),
        env=environment(home, **more),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def call_inv(home: Path, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `inv` as `inv` does, but in this process: for all that a process of its own would show no better.

    It takes a second less, and four less where TensorFlow is used.
    """
    importlib.import_module("tasks")  # registers them
    words, out, err = [str(argument) for argument in arguments], io.StringIO(), io.StringIO()
    with at_home(home), contextlib.chdir(home), pytest.MonkeyPatch.context() as patch:
        for name, value in {"COLUMNS": "120", **more}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["tasks.py", *words])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def options(npz: Path, model: str = PRESET) -> list[str]:
    """Return the options with which the command line finds the artifacts of the fixtures."""
    return ["--model", model, "--weights", "random", "--data", f"npz:{npz}", "--calibration-images", "16", "--plain"]


def one_line(done: subprocess.CompletedProcess[str], *expected: str, code: int = 1) -> str:
    """Check that a command ended with one line of error that has all of `expected` in it, and return the line."""
    assert done.returncode == code, done.stderr + done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    for text in expected:
        assert text in lines[0], lines[0]
    return lines[0]


def leftovers(home: Path) -> list[Path]:
    """Return what a stopped or failed run must not leave."""
    return [p for p in home.rglob(".*") if p.name not in (".", "..")]


def report_of(home: Path, model: str, target: str = "host") -> dict[str, Any]:
    """Return the report of a model on a target."""
    report: dict[str, Any] = json.loads((home / "reports" / target / model / "report.json").read_text())
    return report
