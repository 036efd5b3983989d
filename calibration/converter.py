"""TensorFlow's converter: from a Keras file with a representative data set, or from a folded graph with ranges.

Imports TensorFlow late.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration import evaluate
from calibration.keras_export import quick_export
from console.quiet import output_to
from errors import CalibrationError
from models.folded.graph import Folded, Ranges
from process.interrupts import interrupts


def plain(path: Path, inputs: npt.NDArray[np.float32], log: Path) -> bytes:
    """Return the int8 .tflite of a Keras file; the converter takes ranges from the inputs (n, ...).

    The converter gives a projection before a residual ADD the range of the ADD's output. Raises CalibrationError.
    """

    def prepared() -> Any:
        import tensorflow as tf

        converter = _int8(evaluate.loaded(path))
        converter.representative_dataset = lambda: ([picture[None]] for picture in inputs)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        return converter

    return _run(prepared, path, log)


def with_ranges(graph: Folded, ranges: Ranges, path: Path, log: Path) -> bytes:
    """Return the int8 .tflite of a folded graph with a range for each of its points.

    The ranges reach the converter as `fake_quant` operators, which it removes. `path` is what messages name. Raises
    CalibrationError.
    """

    def prepared() -> Any:
        from models.folded.to_keras import to_keras

        return _int8(to_keras(graph, ranges, batch=1, are_ranges_fixed=True))

    return _run(prepared, path, log)


def _int8(model: Any) -> Any:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter


def _run(prepared: Callable[[], Any], path: Path, log: Path) -> bytes:
    with output_to(log), quick_export(), interrupts() as interrupted:
        try:
            model = bytes(prepared().convert())
        except Exception as e:  # the converter raises whatever MLIR gave it
            if interrupted():
                # Ctrl-C came in a callback of its C++, which makes another error of it.
                raise KeyboardInterrupt from e
            reason = (str(e).strip().splitlines() or [type(e).__name__])[0]
            raise CalibrationError(f"{path}: TensorFlow's converter failed ({reason[:300]})") from e
        if interrupted():
            raise KeyboardInterrupt  # which it lost
        return model


def to_float(path: Path, log: Path) -> bytes:
    """Return the float .tflite of a Keras file: the same graph, to compare layer by layer."""
    with output_to(log), quick_export():
        import tensorflow as tf

        return bytes(tf.lite.TFLiteConverter.from_keras_model(evaluate.loaded(path)).convert())
