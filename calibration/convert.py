"""Full int8 conversion with a representative data set, and what it costs in accuracy. TensorFlow is imported late."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from artifact import Artifact, no_such_file, produce, sha256_of, versions, write_atomic
from calibration import checks, evaluate
from calibration import labels as label_maps
from console.quiet import interrupts, output_to
from datasets import Dataset, digest_of, prepare_many, sample
from errors import CalibrationError, ConfigError

FILENAME = "model.tflite"
LOG = "converter.log"
PICTURES = 200
HELD_OUT = 1000
RANDOM_SEED = 0


@dataclass(frozen=True)
class Settings:
    """How to calibrate: pictures in the representative data set, pictures held out for the check, seed."""

    pictures: int = PICTURES
    held_out: int = HELD_OUT
    seed: int = RANDOM_SEED


def to_range(pixels: npt.NDArray[np.uint8], input_range: tuple[float, float]) -> npt.NDArray[np.float32]:
    """Map uint8 pictures to the float range that a model takes, 0 to `low` and 255 to `high`."""
    low, high = input_range
    return pixels.astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)


def calibrate(model: Artifact, data: Dataset, settings: Settings) -> Artifact:
    """Return the int8 form of a Keras artifact: kind `int8`, int8 in and out, batch 1, per-channel weights.

    Facts: the model's own, `input` and `output` (shape, dtype, scale, zero point), and `check`: float and int8 top-1
    and their agreement on held-out pictures. Raises CalibrationError if something stays in float or a scale is
    degenerate.
    """
    rho, channels = model.facts["input_shape"][1], model.facts["input_shape"][3]
    if model.facts["labels"] and model.facts["classes"] != len(model.facts["labels"]):
        raise ConfigError(f"{model.path}: {model.facts['classes']} classes but {len(model.facts['labels'])} labels")
    if min(len(data.train), len(data.test)) == 0:
        raise ConfigError(
            f"--data {data.name}: expected pictures to calibrate and to check with, has {len(data.train)} to train "
            f"and {len(data.test)} to test with; give at least 2 a class"
        )
    chosen = sample(data.train, min(settings.pictures, len(data.train)), settings.seed)
    held_out = sample(data.test, min(settings.held_out, len(data.test)), settings.seed)
    pixels = prepare_many(data.train, chosen, rho, channels)
    test_pixels = prepare_many(data.test, held_out, rho, channels)
    labels = data.test.labels[held_out]

    def make(folder: Path) -> dict[str, Any]:
        target = folder / FILENAME
        low, high = model.facts["input_range"]
        target.write_bytes(_convert(model.path, to_range(pixels, (low, high)), folder / LOG))
        found = checks.inspect(target)
        check = _compare(model, target, test_pixels, labels, data)
        return dict(model.facts) | asdict(found) | {"check": check, "damaged_pictures": list(data.damaged)}

    return produce(
        "int8",
        model.name,
        FILENAME,
        make,
        parents={model.kind: model.sha256},
        tools=versions("tensorflow", "keras", "ai-edge-litert"),
        parameters={
            "data": data.name,
            "pictures": len(chosen),
            "seed": settings.seed,
            "digest": digest_of(pixels),
            "held_out": digest_of(test_pixels, labels),
        },
    )


def adopt(path: Path, labels: tuple[str, ...], input_range: tuple[float, float] | None) -> Artifact:
    """Return an int8 .tflite made elsewhere as an artifact of kind `int8`.

    Without `input_range` it is told from the scale and zero point of the input. Raises ConfigError if the file is
    missing, float or dynamic, or the range can't be told.
    """
    if not path.is_file():
        raise ConfigError(f"--model {path}: {no_such_file(path)}")

    def make(folder: Path) -> dict[str, Any]:
        found = checks.inspect(path)
        write_atomic(folder / FILENAME, path.read_bytes())
        classes = found.output["shape"][-1]
        if labels and classes != len(labels):
            raise ConfigError(
                f"--model {path}: it has {classes} classes, the data set {len(labels)}; give its own --data"
            )
        own_range = input_range or _range_of(path, found.input)
        own = {"input_shape": found.input["shape"], "classes": classes, "labels": list(labels)}
        return own | {"input_range": list(own_range)} | asdict(found)

    parameters = {"file": sha256_of(path), "labels": list(labels), "input_range": list(input_range or ())}
    return produce("int8", path.stem, FILENAME, make, tools=versions("ai-edge-litert"), parameters=parameters)


def _range_of(path: Path, tensor: dict[str, Any]) -> tuple[float, float]:
    """Tell the float input range from what the quantised input can hold, to within two steps."""
    bottom = -128 if tensor["dtype"] == "int8" else 0
    low = tensor["scale"] * (bottom - tensor["zero_point"])
    high = tensor["scale"] * (bottom + 255 - tensor["zero_point"])
    for known in ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0), (-128.0, 127.0)):
        if max(abs(low - known[0]), abs(high - known[1])) <= 2 * tensor["scale"]:
            return known
    raise ConfigError(
        f"--model {path}: its input holds {low:.4g} to {high:.4g}; say the range with --input-range LOW,HIGH"
    )


def _convert(path: Path, inputs: npt.NDArray[np.float32], log: Path) -> bytes:
    with output_to(log), interrupts() as interrupted:
        import keras
        import tensorflow as tf

        try:
            converter = tf.lite.TFLiteConverter.from_keras_model(keras.models.load_model(path, compile=False))
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([picture[None]] for picture in inputs)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
            return bytes(converter.convert())
        except Exception as e:  # the converter raises whatever MLIR gave it
            if interrupted():
                # Ctrl-C came in a callback of its C++, which makes another error of it.
                raise KeyboardInterrupt from e
            reason = (str(e).strip().splitlines() or [type(e).__name__])[0]
            raise CalibrationError(f"{path}: TensorFlow's converter failed ({reason[:300]})") from e


def convert_float(path: Path, log: Path) -> bytes:
    """Return the float .tflite of a Keras file: the same graph, to compare layer by layer."""
    with output_to(log):
        import keras
        import tensorflow as tf

        return bytes(tf.lite.TFLiteConverter.from_keras_model(keras.models.load_model(path, compile=False)).convert())


def _compare(
    model: Artifact, int8: Path, pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], data: Dataset
) -> dict[str, Any]:
    """Compare float and int8 on held-out pictures; top-1 only where labels and classes are the same thing."""
    low, high = model.facts["input_range"]
    with output_to(int8.parent / LOG):
        expected = evaluate.keras_top1(model.path, to_range(pixels, (low, high)))
    got = evaluate.outputs(int8, pixels, (low, high)).argmax(axis=1)
    check: dict[str, Any] = {"n": len(labels), "dataset": data.name, "agreement": float((expected == got).mean())}
    classes = label_maps.align(model.facts["labels"], data.class_names, model.facts["classes"])
    if classes is not None:
        truth = classes[labels]
        check |= {"float_top1": float((expected == truth).mean()), "int8_top1": float((got == truth).mean())}
    return check
