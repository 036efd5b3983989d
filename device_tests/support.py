"""What device tests share with the tests of `deploy`: targets and artifacts without the pipeline."""

from __future__ import annotations

from pathlib import Path

import target
from artifact import Artifact, sha256_of


def host_target() -> target.Target:
    """Return the target `host`."""
    return target.load("host")


def artifact_of(path: Path) -> Artifact:
    """Return a .tflite as an artifact that came from nowhere."""
    return Artifact(path=path, kind="tflite", name=path.stem, sha256=sha256_of(path))
