"""Runs a `.tflite` once in LiteRT, as `python -m graph.trial FILE`: some files that LiteRT loads abort the process."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from errors import GraphError
from graph.kernels import USUAL
from graph.oracle import Oracle


def main(path: Path) -> None:
    """Load the file with the kernels that LiteRT takes by itself, and run it on zeros. Raises GraphError."""
    oracle = Oracle(path, USUAL)
    oracle.run(*(np.zeros(end.shape, end.dtype) for end in oracle.inputs))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except GraphError as e:
        sys.exit(str(e.__cause__).strip().splitlines()[0] if e.__cause__ else str(e))
