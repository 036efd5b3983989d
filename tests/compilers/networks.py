"""Int8 `.tflite` files of whole networks for tests: made once.

Those of shipped checkpoints are what the plain conversion gives, which other tests of a run need too. The others are
kept in the build folder. Without a trained checkpoint the weights are random but scaled so that the outputs differ from
picture to picture: with plain random weights the logits are flat, and equal outputs prove nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

import datasets
from calibration.keras_export import quick_export
from console.quiet import output_to
from models import checkpoint as checkpoints
from models import presets
from models.presets import Preset
from tests import shipped

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "test-networks"
CALIBRATION_PICTURES = 40
# Before the name of a preset: not ours, but the network of keras.applications.
APPLICATION = "keras_"
SHIPPED_CLASSES = 10
FLATTER = 0.125


def shared_data(name: str) -> Path:
    """Return the path of a file of the shared test data, which may be absent."""
    return ROOT.parent / "shared" / "data" / name


def tflite_of(preset: str, classes: int = 10, checkpoint: Path | None = None, *, is_random: bool = False) -> Path:
    """Return the int8 `.tflite` of a preset, converting it if it is not there.

    Without `is_random` it is that of the shipped checkpoint, if there is one.
    Others are converted in a process of its own where TensorFlow was not yet imported: few tests of compilers need it.
    """
    home = shipped.home()
    is_shipped = checkpoints.shipped_path(preset, "fashion_mnist").is_file()
    if home and is_shipped and not is_random and (classes, checkpoint) == (SHIPPED_CLASSES, None):
        return _shipped(preset)
    return _converted(preset, classes, checkpoint)


def _shipped(preset: str) -> Path:
    from pipeline.request import Request
    from pipeline.resolve import resolve
    from pipeline.steps import Steps
    from tests.pipeline.small import at_home

    with shipped.one_at_a_time(preset) as home, at_home(home):
        return Steps(resolve(Request(preset, plain=True))).quantize().path


def application_of(preset: str, classes: int = 10) -> Path:
    """Return the int8 `.tflite` of the MobileNetV2 of keras.applications that has a preset's alpha and rho."""
    return _converted(preset, classes, None, APPLICATION)


def _converted(preset: str, classes: int, checkpoint: Path | None, prefix: str = "") -> Path:
    seed = checkpoint.read_bytes() if checkpoint else b"scaled random"
    preset = prefix + preset
    path = CACHE / f"{preset}.{classes}.{hashlib.sha256(seed).hexdigest()[:8]}.tflite"
    if not path.exists() and "keras" in sys.modules:
        import keras

        keras.utils.clear_session()  # so that names in the file are numbered as in a process of its own
        with output_to(Path(os.devnull)):
            _convert(preset, path, classes, checkpoint)
    elif not path.exists():
        command = [sys.executable, __file__, preset, str(path), "--classes", str(classes)]
        if checkpoint:
            command += ["--checkpoint", str(checkpoint)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        if done.returncode:
            raise RuntimeError(f"{preset}: not converted\n{done.stderr[-2000:]}")
    return path


def _convert(preset_name: str, path: Path, classes: int, checkpoint: Path | None) -> None:
    import keras
    import tensorflow as tf

    from models import keras_model, scaled_random

    keras.utils.set_random_seed(1)
    preset = presets.parse(preset_name.removeprefix(APPLICATION), classes=classes)
    dataset = datasets.load("fashion_mnist")
    chosen = datasets.sample(dataset.train, CALIBRATION_PICTURES)
    pixels = datasets.prepare_many(dataset.train, chosen, preset.rho, preset.channels)
    x = pixels.astype(np.float32) / 127.5 - 1.0
    if preset_name.startswith(APPLICATION):
        shape = (preset.rho, preset.rho, preset.channels)
        model = keras.applications.MobileNetV2(shape, alpha=preset.alpha, weights=None, classes=classes)
        scaled_random.initialize(model)
        # Ten classes of such logits are nearly always 0 or 1 after softmax.
        model.layers[-1].kernel.assign(model.layers[-1].kernel * FLATTER)
    else:
        weights = checkpoints.load(checkpoint) if checkpoint else _random_weights(preset)
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
    with quick_export():
        partial.write_bytes(converter.convert())
    partial.replace(path)


def _random_weights(preset: Preset) -> dict[str, npt.NDArray[np.float32]]:
    from models import keras_model, scaled_random

    model = keras_model.build(preset.network())
    scaled_random.initialize(model)
    return {v.path: np.asarray(v.value) for v in model.weights}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("path", type=Path)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--checkpoint", type=Path)
    options = parser.parse_args()
    _convert(options.preset, options.path, options.classes, options.checkpoint)
