"""Which pixel values a Keras model takes, read from the layers with which it prepares its input. TensorFlow late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.keras_file import as_input

if TYPE_CHECKING:
    import keras

# Layers and operations that prepare pixels: they compute each value from its own, or only move values.
PREPARING = frozenset(
    (
        "InputLayer", "Identity", "Rescaling", "Normalization", "Resizing", "CenterCrop", "Cast", "TrueDivide",
        "Divide", "Subtract", "Multiply", "Add", "Negative", "Dropout",
    )
)  # fmt: skip
UNCHANGING = frozenset(("InputLayer", "Identity", "Cast", "Dropout", "Resizing", "CenterCrop"))
# What prepared values are at most: standard deviations of a Normalization reach about 3.
PREPARED_MAX = 10.0


def read(model: keras.Model) -> tuple[float, float] | None:
    """Return the values that pixels 0 and 255 stand for in the input of a model, None if the model does not say.

    A model says it by its first layers: what maps 0..255 to small numbers (Rescaling, Normalization, a division) takes
    0..255; what does so for 0..1 alone takes 0..1.
    """
    shape = tuple(model.inputs[0].shape)[1:]
    changed, prepared = _prepare(model, np.stack([np.full(shape, x, np.float32) for x in (0.0, 1.0, 255.0)]))
    if not changed:
        return None
    _, one, white = np.abs(prepared).reshape(3, -1).max(axis=1).tolist()
    if white <= PREPARED_MAX:
        return 0.0, 255.0
    return (0.0, 1.0) if one <= PREPARED_MAX else None


def _prepare(model: keras.Model, pictures: npt.NDArray[np.float32]) -> tuple[bool, npt.NDArray[np.float32]]:
    """Return whether layers prepare the pictures, (n, h, w, c), and what the first other layer is given."""
    import keras

    if isinstance(model, keras.Sequential):
        return _prepare_in_turn(model, pictures)
    tensor, changed = model.inputs[0], False
    while True:
        following = _consumers(model, tensor)
        if len(following) != 1:
            break
        operation = following[0]
        if isinstance(operation, keras.Model) and not _only_prepares(operation):
            given = _run(keras.Model(model.inputs, tensor), pictures) if changed else pictures
            more, prepared = _prepare(operation, given)
            return changed or more, prepared
        if not _only_prepares(operation) or len(_inputs(operation)) != 1:
            break
        changed = changed or _changes(operation)
        tensor = operation._inbound_nodes[-1].output_tensors[0]
    return changed, _run(keras.Model(model.inputs, tensor), pictures) if changed else pictures


def _prepare_in_turn(
    model: keras.Sequential, pictures: npt.NDArray[np.float32]
) -> tuple[bool, npt.NDArray[np.float32]]:
    import keras

    changed = False
    for layer in model.layers:
        if isinstance(layer, keras.Model) and not _only_prepares(layer):
            more, prepared = _prepare(layer, pictures)
            return changed or more, prepared
        if not _only_prepares(layer):
            break
        changed = changed or _changes(layer)
        pictures = np.asarray(layer(pictures))
    return changed, pictures


def _parts(operation: keras.Operation) -> list[keras.Operation]:
    """Return a layer or an operation, or those inside of a nested model."""
    import keras

    if not isinstance(operation, keras.Model):
        return [operation]
    return [part for layer in operation.layers for part in _parts(layer)]


def _only_prepares(operation: keras.Operation) -> bool:
    return all(type(part).__name__ in PREPARING for part in _parts(operation))


def _changes(operation: keras.Operation) -> bool:
    return any(type(part).__name__ not in UNCHANGING for part in _parts(operation))


def _consumers(model: keras.Model, tensor: keras.KerasTensor) -> list[keras.Operation]:
    """Return the layers and operations of a model that read a tensor."""
    return [op for op in model.operations if any(x is tensor for x in _inputs(op))]


def _inputs(operation: keras.Operation) -> list[keras.KerasTensor]:
    """Return the tensors that a layer or an operation reads, in its first call."""
    nodes = operation._inbound_nodes
    return list(nodes[-1].input_tensors) if nodes else []


def _run(model: keras.Model, pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Run a model on pictures one by one, since its batch may be fixed at 1."""
    answers = [model(as_input(model, p[None]), training=False) for p in pictures]
    return np.concatenate([np.asarray(answer) for answer in answers])
