"""Int8 `.tflite` files of whole networks for tests: made once, kept in the build folder.

Without a trained checkpoint the weights are random but scaled so that the outputs differ from picture to picture:
batch normalisation gets the moments of real pictures and the last layer logits of a plain spread. A network with
untouched random weights has flat logits, and equal outputs of it prove nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "test-networks"
CALIBRATION_PICTURES = 40
LOGIT_SPREAD = 3.0


def shared_data(name: str) -> Path:
    """Return the path of a file of the shared test data, which may be absent."""
    return ROOT.parent / "shared" / "data" / name


def tflite_of(preset: str, classes: int = 10, checkpoint: Path | None = None) -> Path:
    """Return the int8 `.tflite` of a preset, converting it in a process of its own if it is not in the cache."""
    seed = checkpoint.read_bytes() if checkpoint else b"random"
    path = CACHE / f"{preset}.{classes}.{hashlib.sha256(seed).hexdigest()[:8]}.tflite"
    if not path.exists():
        command = [sys.executable, __file__, preset, str(path), "--classes", str(classes)]
        if checkpoint:
            command += ["--checkpoint", str(checkpoint)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        if done.returncode:
            raise RuntimeError(f"{preset}: not converted\n{done.stderr[-2000:]}")
    return path


def _convert(preset_name: str, path: Path, classes: int, checkpoint: Path | None) -> None:
    import keras
    import numpy as np
    import tensorflow as tf

    import datasets
    from models import checkpoint as checkpoints
    from models import keras_model, presets

    keras.utils.set_random_seed(1)
    preset = presets.parse(preset_name, classes=classes)
    dataset = datasets.load("fashion_mnist")
    chosen = datasets.sample(dataset.train, CALIBRATION_PICTURES)
    pixels = datasets.prepare_many(dataset.train, chosen, preset.rho, preset.channels)
    x = pixels.astype(np.float32) / 127.5 - 1.0
    if checkpoint:
        weights, _ = checkpoints.load(checkpoint)
    else:
        weights = _random_weights(preset, x)
    model = keras_model.build(preset.network(), batch=1)
    keras_model.set_weights(model, weights)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[i : i + 1]] for i in range(len(x)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(converter.convert())
    partial.replace(path)


def _random_weights(preset, x):  # type: ignore[no-untyped-def]
    import keras
    import numpy as np

    from models import keras_model

    model = keras_model.build(preset.network(), momentum=0.0)
    rng = np.random.default_rng(7)
    for v in model.weights:
        if v.path.endswith(("kernel", "depthwise_kernel")):
            fan_in = np.prod(v.shape[:2]) if "depthwise" in v.path.rsplit("/", 1)[-1] else np.prod(v.shape[:-1])
            v.assign(rng.normal(0, np.sqrt(2 / fan_in), v.shape))
        elif v.path.endswith(("beta", "bias")):
            v.assign(rng.normal(0, 0.3, v.shape))
        elif v.path.endswith("gamma"):
            v.assign(rng.uniform(0.5, 1.5, v.shape))
    model(x, training=True)
    logits = keras.Model(model.input, model.layers[-2].output).predict(x, verbose=0)
    dense = model.layers[-2]
    kernel, bias = dense.get_weights()
    dense.set_weights([kernel * LOGIT_SPREAD / logits.std(axis=0).mean(), bias])
    spread = keras.Model(model.input, dense.output).predict(x, verbose=0)
    dense.set_weights([dense.get_weights()[0], bias - spread.mean(axis=0)])
    return {v.path: np.asarray(v.value) for v in model.weights}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("path", type=Path)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--checkpoint", type=Path)
    options = parser.parse_args()
    _convert(options.preset, options.path, options.classes, options.checkpoint)
