"""Models for the tests of the TFLite-Micro engine, and a folder for what is built of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from artifact import Artifact, NoFacts, sha256_of
from tests.compilers.test_compile import small_network


@pytest.fixture(autouse=True)
def build_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path / "build")
    return tmp_path


def int8_artifact(path: Path) -> Artifact[NoFacts]:
    return Artifact(path, "int8", path.stem, sha256_of(path), NoFacts())


@pytest.fixture
def small(tmp_path: Path) -> Artifact[NoFacts]:
    """Return a network of three operators."""
    path = tmp_path / "my net.tflite"
    path.write_bytes(small_network())
    return int8_artifact(path)
