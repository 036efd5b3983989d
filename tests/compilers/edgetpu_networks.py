"""Int8 networks for the tests of the Edge TPU's compiler, and a folder for what is built of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from artifact import Artifact, NoFacts, sha256_of
from graph.builder import Builder
from tests.compilers import edgetpu_files
from tests.pipeline import small


@pytest.fixture
def _at_home(tmp_path: Path) -> Iterator[None]:
    with small.at_home(tmp_path / "home"):
        yield


def network(tmp_path: Path, *operators: str, width: int = 8, name: str = "net") -> Artifact[NoFacts]:
    """Return an int8 chain of operators as an artifact."""
    b = Builder()
    shape = (1, width, width, 3)
    tensors = [b.tensor(shape, scale=0.1, name=f"{name}{i}") for i in range(len(operators) + 1)]
    weights = b.tensor(shape, scale=0.1, data=np.ones(shape))
    for i, operator in enumerate(operators):
        b.operator(operator, [tensors[i], weights] if operator == "ADD" else [tensors[i]], [tensors[i + 1]])
    path = edgetpu_files.write(tmp_path / f"{name}.tflite", b.finish(tensors[:1], tensors[-1:]))
    return Artifact(path, "int8", name, sha256_of(path), NoFacts())
