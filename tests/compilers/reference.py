"""The oracle with LiteRT's reference kernels, for networks that are int8 from input to output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graph.oracle import Oracle

Int8 = npt.NDArray[np.int8]


class Reference:
    """A network in LiteRT, from a file or its bytes, with `OpResolverType.BUILTIN_REF` unless others are named."""

    def __init__(self, model: bytes | Path, kernels: str = "reference") -> None:
        self._oracle = Oracle(model, kernels)

    def run(self, *inputs: Int8) -> Sequence[Int8]:
        """Return the outputs for the inputs."""
        return [output.astype(np.int8, copy=False) for output in self._oracle.run(*inputs)]
