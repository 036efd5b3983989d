"""The oracle: LiteRT with its reference kernels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType

Int8 = npt.NDArray[np.int8]


class Reference:
    """A network in LiteRT with `OpResolverType.BUILTIN_REF`, from a file or its bytes."""

    def __init__(self, model: bytes | Path) -> None:
        self.interpreter = Interpreter(
            model_path=str(model) if isinstance(model, Path) else None,
            model_content=None if isinstance(model, Path) else model,
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            num_threads=1,
        )
        self.interpreter.allocate_tensors()
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()

    def run(self, *inputs: Int8) -> Sequence[Int8]:
        """Return the outputs for the inputs."""
        for detail, value in zip(self.inputs, inputs, strict=True):
            self.interpreter.set_tensor(detail["index"], value.reshape(detail["shape"]))
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(detail["index"]) for detail in self.outputs]
