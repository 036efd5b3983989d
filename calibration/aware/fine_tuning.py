"""A few steps of training of a folded graph, in float or with int8 in the forward pass. Imports TensorFlow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from calibration.improve.equalize import equalize
from calibration.improve.ranges import HARD_SWISH_ZERO, min_max
from calibration.improve.statistics import collect
from datasets import Split
from errors import TrainingError
from models.folded import to_keras
from models.folded.graph import Floats, Folded, Range, Ranges
from models.training.batches import INPUT_RANGE, Batches
from models.training.recipe import Recipe

SMALLEST_WIDTH = 1e-6
BETA_1, BETA_2, EPSILON = 0.9, 0.99, 1e-10
TEACHER_SHARE = 0.5
"""Part of the loss that is the distance to what the teacher answers; the rest is from the labels."""


@dataclass(frozen=True)
class Settings:
    """Steps, pictures of each, and the rates of Adam at the beginning.

    `learning_rate` is relative to the largest weight of each output channel, `range_rate` to each end of a range.
    """

    steps: int = 100
    batch: int = 64
    learning_rate: float = 3e-5
    range_rate: float = 1e-3
    flip: bool = True
    color: float = 0.0
    seed: int = 1


def beginning(graph: Folded, inputs: Floats) -> tuple[Folded, Ranges]:
    """Return the network with its spread channels equalized, and the range of each point over the inputs (n, ...)."""
    values, _ = collect(graph, inputs)
    equal, values, _ = equalize(graph, values)
    return equal, min_max(equal, values, INPUT_RANGE)


def fine_tune(
    graph: Folded,
    ranges: Ranges | None,
    split: Split,
    settings: Settings,
    show: Callable[[int], None],
    teacher: Folded | None = None,
) -> tuple[Folded, dict[str, Range]]:
    """Return the network after training, and the range of each point as training left it.

    With `ranges` each tensor and kernel is rounded to int8 in the forward pass, with the gradient of the identity, and
    the ends of the ranges are learned: not those of the input, 0 behind a ReLU, and -3 before h-swish. Without `ranges`
    the network is trained in float: the control, which sees the same pictures at the same rate. A part of the loss is
    the distance to the answers of `teacher`, by default the network before training. Raises TrainingError if the loss
    is not finite.
    """
    keras.utils.set_random_seed(settings.seed)
    model = to_keras.to_keras(graph, ranges, int8_kernels=ranges is not None)
    known = to_keras.to_keras(graph if teacher is None else teacher)
    ends = _ends(model, graph)
    fixed = {id(variable) for layer in _fakes(model) for variable in layer.weights}
    kernels = [variable for variable in model.trainable_variables if id(variable) not in fixed]
    step = _step(model, known, kernels, ends, settings)
    for done, (x, labels) in enumerate(_batches(split, graph, settings), start=1):
        loss = float(step(tf.constant(x), tf.constant(labels)))
        show(done)
        if not np.isfinite(loss):
            raise TrainingError(
                f"--quantize: training diverged in step {done}: the loss is not finite; the likely reason is "
                f"--learning-rate {settings.learning_rate:g}, try {settings.learning_rate / 10:g}"
            )
    learned = {point: _usable(limits) for point, limits in to_keras.ranges_of(model, graph).items()}
    return graph.with_weights(to_keras.weights_of(model, graph)), learned


def _fakes(model: keras.Model) -> list[to_keras.FakeQuant]:
    return [layer for layer in model.layers if isinstance(layer, to_keras.FakeQuant)]


def _ends(model: keras.Model, graph: Folded) -> list[keras.Variable]:
    """Return the ends of ranges that are learned."""
    ends = []
    fixed = {point for point, node in graph.points() if node.op == "input"}
    names = {to_keras.fake_name(point): point for point, _ in graph.points()}
    for layer in _fakes(model):
        point = names[layer.name]
        if point in fixed:
            continue
        if not layer.is_low_fixed and not (point.endswith(":pre") and layer.limits[0] == HARD_SWISH_ZERO):
            ends.append(layer.low)
        ends.append(layer.high)
    return ends


def _usable(limits: Range) -> Range:
    """Return a learned range with 0 in it and a width."""
    low, high = min(0.0, limits[0]), max(0.0, limits[1])
    return low, max(high, low + SMALLEST_WIDTH)


def _batches(split: Split, graph: Folded, settings: Settings) -> Iterator[tuple[Floats, Floats]]:
    """Yield as many augmented batches as there are steps."""
    side, channels = graph.input.shape[0], graph.input.shape[-1]
    recipe = Recipe(
        ((side, settings.steps),), settings.batch, flip=settings.flip, color=settings.color, seed=settings.seed
    )
    epochs = (Batches(split, recipe, channels, epoch) for epoch in itertools.count())
    steps = (batches[i] for batches in epochs for i in range(len(batches)))
    yield from itertools.islice(steps, settings.steps)


def _step(
    model: keras.Model,
    teacher: keras.Model,
    kernels: list[keras.Variable],
    ends: list[keras.Variable],
    settings: Settings,
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return a function that trains on one batch and returns its loss."""
    adams = [
        Adam(variables, settings.steps, rate, scales)
        for variables, rate, scales in (
            (kernels, settings.learning_rate, _scales(model, kernels)),
            (ends, settings.range_rate, [tf.maximum(tf.abs(end.value), SMALLEST_WIDTH) for end in ends]),
        )
    ]

    @tf.function(autograph=False)
    def step(x: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        known = teacher(x, training=False)
        with tf.GradientTape() as tape:
            answers = model(x, training=True)
            of_labels = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, answers))
            of_teacher = tf.reduce_mean(keras.losses.categorical_crossentropy(known, answers))
            loss = (1 - TEACHER_SHARE) * of_labels + TEACHER_SHARE * of_teacher
        gradients = tape.gradient(loss, [variable.value for adam in adams for variable in adam.variables])
        for adam in adams:
            adam.apply(gradients[: len(adam.variables)])
            gradients = gradients[len(adam.variables) :]
        return loss

    return step


def _scales(model: keras.Model, variables: list[keras.Variable]) -> list[tf.Tensor]:
    """Return for each kernel or bias the largest weight of each output channel, of a shape that multiplies it."""
    scales = {}
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            axes = (0, 1, 3) if is_depthwise else tuple(range(len(layer.kernel.shape) - 1))
            largest = tf.reduce_max(tf.abs(layer.kernel.value), axis=axes, keepdims=True)
            scales[id(layer.kernel)], scales[id(layer.bias)] = largest, tf.reshape(largest, (-1,))
    return [scales[id(variable)] for variable in variables]


class Adam:
    """Adam whose steps are relative to `scales`: spread channels of a tensor then learn alike (arXiv:1412.6980)."""

    def __init__(self, variables: list[keras.Variable], steps: int, rate: float, scales: list[tf.Tensor]) -> None:
        self.variables, self._scales = variables, scales
        self._rate = keras.optimizers.schedules.CosineDecay(rate, steps)
        self._done = tf.Variable(0.0)
        self._means = [tf.Variable(tf.zeros_like(variable.value)) for variable in variables]
        self._squares = [tf.Variable(tf.zeros_like(variable.value)) for variable in variables]

    def apply(self, gradients: list[tf.Tensor]) -> None:
        """Take one step."""
        rate = tf.convert_to_tensor(self._rate(self._done))
        self._done.assign_add(1.0)
        parts = zip(self.variables, gradients, self._scales, self._means, self._squares, strict=True)
        for variable, gradient, scale, mean, square in parts:
            relative = gradient * scale
            mean.assign(BETA_1 * mean + (1 - BETA_1) * relative)
            square.assign(BETA_2 * square + (1 - BETA_2) * tf.square(relative))
            unbiased = tf.sqrt(square / (1 - tf.pow(BETA_2, self._done))) + EPSILON
            variable.assign_sub(rate * scale * mean / (1 - tf.pow(BETA_1, self._done)) / unbiased)
