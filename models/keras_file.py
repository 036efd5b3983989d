"""Keras files of users, .keras and .h5: what they hold, repaired for Keras 3, as one network of batch 1.

Code in a file never runs: files with Lambda layers are refused by their configuration, before anything is loaded.
Imports TensorFlow late.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import ConfigError

if TYPE_CHECKING:
    import keras

Table = dict[str, Any]
CONFIG_LIMIT_BYTES = 64 << 20
# Layers of the TensorFlow Model Optimization toolkit, which knows Keras 2 alone.
QUANTIZE_WRAPPERS = ("QuantizeWrapper", "QuantizeWrapperV2", "QuantizeLayer", "QuantizeAnnotate")
# Layers that loop over time: the converter has no int8 form of a loop, and crashes on some.
RECURRENT = ("RNN", "SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
# Layers that do something in training only.
AUGMENTATION_PREFIXES = ("Random", "AutoContrast", "AugMix", "CutMix", "MixUp", "MaxNumBoundingBoxes")

# Keras sets some of its errors in bold.
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Description:
    """What a Keras file says of itself: its configuration, and the version of Keras that wrote it ("" if unknown)."""

    config: Table
    version: str

    @property
    def writer(self) -> str:
        """The Keras that wrote the file, for messages."""
        return f"Keras {self.version}" if self.version else "another version of Keras"


def load(path: Path, rho: int | None = None) -> keras.Model:
    """Return the network in a .keras or .h5 file as a functional model with one float32 input of batch 1.

    `rho` is the side in pixels where the file leaves height and width open. Raises ConfigError naming what the file
    has that cannot be used, and the next step.
    """
    description = describe(path)
    _refuse(path, description)
    return fixed_batch(_load(path, description), path, rho)


def describe(path: Path) -> Description:
    """Return what a file says of itself, without loading it. Raises ConfigError if it is not a Keras model."""
    try:
        if path.suffix == ".h5":
            import h5py

            with h5py.File(path, "r") as file:
                text, version = file.attrs.get("model_config"), file.attrs.get("keras_version", "")
            if text is None:
                raise ConfigError(f"{path}: it holds weights alone; give --model a preset and this file as --weights")
            return Description(_table(text), _text(version))
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > CONFIG_LIMIT_BYTES:
                raise ConfigError(f"{path}: config.json is over {CONFIG_LIMIT_BYTES:,} bytes; not a Keras model")
            metadata = _table(archive.read("metadata.json"))
            return Description(_table(archive.read("config.json")), str(metadata.get("keras_version", "")))
    except (OSError, KeyError, ValueError, TypeError, RecursionError, zipfile.BadZipFile) as e:
        raise ConfigError(f"{path}: not a Keras model ({first_line(e)}); save it with model.save") from e


def _table(text: object) -> Table:
    value = json.loads(_text(text))
    if not isinstance(value, dict):
        raise ValueError("its configuration is not a JSON object")
    return value


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def layers_of(value: object) -> Iterator[Table]:
    """Yield the table of each layer in a configuration, those of nested models too."""
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict):
            yield value
        for inner in value.values():
            yield from layers_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from layers_of(inner)


def _refuse(path: Path, description: Description) -> None:
    """Raise ConfigError for what Keras 3 cannot load, or must not."""
    for layer in layers_of(description.config):
        kind, name = layer["class_name"], layer["config"].get("name", "?")
        if kind == "Lambda":
            raise ConfigError(
                f"{path}: layer {name!r} is a Lambda, which is Python code, and code in a file is never run; "
                "put a layer such as Rescaling in its place, or convert to .tflite in your own program"
            )
        if kind in RECURRENT and not layer["config"].get("unroll"):
            raise ConfigError(
                f"{path}: layer {name!r} is a {kind}, a loop, which has no int8 form; "
                "use Conv1D or other convolutions over time, or build the layer with unroll=True"
            )
        if kind in QUANTIZE_WRAPPERS:
            raise ConfigError(
                f"{path}: layer {name!r} is a {kind} of tensorflow-model-optimization, which Keras 3 does not know "
                f"(the file is of {description.writer}); convert it to int8 .tflite with the program that made it"
            )


def _load(path: Path, description: Description) -> keras.Model:
    import keras

    with tempfile.TemporaryDirectory() as folder:
        source = _repaired(path, description, Path(folder)) if path.suffix == ".h5" else path
        try:
            return keras.models.load_model(source, compile=False, safe_mode=True)
        except Exception as e:  # Keras raises many types, TypeError and zipfile's among them
            raise ConfigError(
                f"{path}: Keras {keras.__version__} can't load what {description.writer} wrote ({first_line(e)}); "
                "save it again with Keras 3, or convert to .tflite in your own program"
            ) from e


def _repaired(path: Path, description: Description, folder: Path) -> Path:
    """Return a copy of an .h5 file whose configuration Keras 3 reads: Keras 2 wrote some options in another form."""
    config = json.loads(json.dumps(description.config))
    for layer in layers_of(config):
        _repair_layer(layer)
    import h5py

    copy = folder / path.name
    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
    return copy


def _repair_layer(layer: Table) -> None:
    """Give one layer's table the options and the class that Keras 3 knows."""
    kind, options = layer["class_name"], layer["config"]
    if kind == "DepthwiseConv2D":
        options.pop("groups", None)
    if kind == "BatchNormalization" and isinstance(options.get("axis"), list):
        options["axis"] = options["axis"][0]
    if kind == "InputLayer" and "batch_input_shape" in options:
        options["batch_shape"] = options.pop("batch_input_shape")
    if kind == "TFOpLambda":
        _make_rescaling(layer)


def _make_rescaling(layer: Table) -> None:
    """Turn `x / 127.5` and the like, which Keras 2 wrote as TFOpLambda, into a Rescaling layer."""
    operation = str(layer["config"].get("function", "")).removeprefix("tf.").removeprefix("__operators__.")
    nodes = layer.get("inbound_nodes")
    try:
        ((name, node, tensor, options),) = nodes  # type: ignore[misc]
        number = float(options["y"])
    except (TypeError, ValueError, KeyError):
        return  # Keras names what it does not know
    known = {
        "math.truediv": (1 / number if number else 0.0, 0.0), "truediv": (1 / number if number else 0.0, 0.0),
        "math.multiply": (number, 0.0), "mul": (number, 0.0),
        "math.subtract": (1.0, -number), "sub": (1.0, -number), "math.add": (1.0, number), "add": (1.0, number),
    }  # fmt: skip
    if operation in known:
        scale, offset = known[operation]
        layer["class_name"] = "Rescaling"
        layer["config"] = {"name": layer["config"].get("name", "rescaling"), "scale": scale, "offset": offset}
        layer["inbound_nodes"] = [[[name, node, tensor, {}]]]


def fixed_batch(model: keras.Model, path: Path, rho: int | None = None) -> keras.Model:
    """Return the model as a functional one with batch 1: an open batch leaves shape arithmetic in the converted graph.

    `rho` is the side in pixels where the model leaves height and width open.
    Raises ConfigError if it has not one input, or sizes that are open.
    """
    import keras

    inputs = getattr(model, "inputs", None) or []  # a Sequential that was never built has none
    if len(inputs) != 1:
        if not inputs:
            raise ConfigError(
                f"--model {path}: its input has no shape, since it was not built; add keras.Input, or call it once, "
                "before model.save"
            )
        shapes = ", ".join(str(list(tensor.shape)) for tensor in inputs)
        raise ConfigError(
            f"--model {path}: expected one input, got {len(inputs)}: {shapes}; join them into one, "
            "or convert it to an int8 .tflite in your own program and give that"
        )
    shape = _input_shape(tuple(inputs[0].shape), path, rho)
    picture = keras.Input(batch_shape=(1, *shape), name="input")
    try:
        inner = _without_augmentation(model)
        outputs = inner(as_input(inner, picture), training=False)
    except Exception as e:  # Keras raises many types where a layer does not fit its input
        raise ConfigError(f"--model {path}: it does not take {list(shape)} ({first_line(e)})") from e
    return keras.Model(picture, _single(outputs), name=model.name)


def _input_shape(shape: tuple[int | None, ...], path: Path, rho: int | None) -> tuple[int, ...]:
    """Return the input's shape without the batch, with `rho` where height and width are open."""
    if len(shape) == 4 and shape[1] is None and shape[2] is None and shape[3] is not None:
        if rho is None:
            raise ConfigError(f"--model {path}: its input {list(shape)} has no fixed size; give the side with --rho")
        return rho, rho, shape[3]
    known = tuple(size for size in shape[1:] if size is not None)
    if len(known) != len(shape) - 1 or not known:
        raise ConfigError(
            f"--model {path}: its input {list(shape)} has sizes that are open; give the network a keras.Input of fixed "
            "sizes, and save it again"
        )
    if rho is not None and (rho, rho) != known[:2]:
        raise ConfigError(f"--rho {rho}: {path.name} takes {'x'.join(map(str, known[:2]))}; leave --rho out")
    return known


def as_input(model: keras.Model, tensor: Any) -> Any:
    """Return a tensor in the form in which a model takes its only input: itself, in a list or in a table."""
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, list | tuple):
        return [tensor]
    return dict.fromkeys(structure, tensor) if isinstance(structure, dict) else tensor


def _single(outputs: Any) -> Any:
    """Return the only output where there is one, in a list or a table of one too."""
    values = list(outputs.values()) if isinstance(outputs, dict) else outputs
    return values[0] if isinstance(values, list | tuple) and len(values) == 1 else values


def is_augmentation(layer: keras.layers.Layer) -> bool:
    """Return whether a layer changes its input in training only."""
    return type(layer).__name__.startswith(AUGMENTATION_PREFIXES)


def _without_augmentation(model: keras.Model) -> keras.Model:
    """Return the model without layers that augment pictures: their seeds are variables that do not convert."""
    import keras

    def has_some(part: keras.Model) -> bool:
        return any(is_augmentation(x) or (isinstance(x, keras.Model) and has_some(x)) for x in part.layers)

    def replace(layer: keras.layers.Layer) -> keras.layers.Layer:
        if is_augmentation(layer):
            # Unlike Identity, it takes the argument `training` that calls in the file may have.
            return keras.layers.Dropout(0.0, name=layer.name)
        if isinstance(layer, keras.Model) and has_some(layer):
            return _without_augmentation(layer)
        return layer

    if not has_some(model):
        return model
    if isinstance(model, keras.Sequential):
        kept = [replace(layer) for layer in model.layers]
        return keras.Sequential([keras.Input(batch_shape=model.inputs[0].shape), *kept], name=model.name)
    return keras.models.clone_model(model, clone_function=replace)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text that says what is wrong, or its type, at most 200 characters."""
    lines = [_COLOR.sub("", line).strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith("Exception encountered when calling")]
    return (telling or [type(error).__name__])[0][:200]
