"""Which preparation of pictures a network wants is found, whichever it is, and the advice says it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from calibration import preparation, verdict
from calibration.preparation import CAFFE, RANGES, TORCH, Way, of_range, resized
from calibration.trials import REORDERED, REVERSED, SHIFTED, Trials, orders_of
from datasets import Dataset, Split

CLASSES = ("ant", "bee", "cat", "dog")
SIDE = 12
COUNT = 120


def _pictures(seed: int, side: int = SIDE) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return pictures (n, side, side, 3) whose classes differ in color and in where they are bright, and labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(COUNT) % len(CLASSES)
    pixels = rng.integers(40, 140, (COUNT, side, side, 3))
    half = side // 2
    pixels[labels == 0, :half, :, 0] += 110
    pixels[labels == 1, :, :half, 0] += 110
    pixels[labels == 2, :half, :, 1] += 110
    pixels[labels == 3, :, :half, 2] += 110
    return pixels.astype(np.uint8), labels


def _data(side: int = SIDE) -> Dataset:
    pixels, labels = _pictures(seed=1, side=side)
    split = Split(labels, lambda i: Image.fromarray(pixels[i]))
    return Dataset("npz:x.npz", CLASSES, split, split, "x.npz")


class Nearest:
    """A network that knows a preparation: its answer is the class whose mean, prepared so, is nearest."""

    size = (SIDE, SIDE)
    channels = 3

    def __init__(self, way: Way, order: tuple[int, ...] = (0, 1, 2, 3), classes: int = 4, side: int = SIDE) -> None:
        pixels, labels = _pictures(seed=2, side=side)
        split = Split(labels, lambda i: Image.fromarray(pixels[i]))
        prepared = way(resized(split, range(COUNT), self.size, 3, way.resize))
        self.means = np.stack([prepared[labels == label].mean(axis=0) for label in range(len(CLASSES))])
        self.order, self.classes = np.array(order), classes

    def top1(self, inputs: npt.NDArray[np.float32], progress: Callable[[], None]) -> npt.NDArray[np.int64]:
        for _ in inputs:
            progress()
        distances = ((inputs[:, None] - self.means[None]) ** 2).reshape(len(inputs), len(CLASSES), -1).mean(axis=2)
        return self.order[distances.argmin(axis=1)]


def _trials(network: Nearest, given: tuple[float, float] | None = (-1.0, 1.0), side: int = SIDE) -> Trials:
    trials = Trials(network, CLASSES[: network.classes], _data(side), np.arange(COUNT), given)
    done: list[int] = []
    trials.run(done.append)
    assert len(done) <= trials.count
    return trials


def _text(trials: Trials, labels: tuple[str, ...] = CLASSES, range_from: str = "assumed") -> str:
    best, given = trials.best(), trials.as_options_say()
    return "\n".join(verdict.verdict(best, given, labels, CLASSES, range_from).lines)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("bgr", [False, True])
@pytest.mark.parametrize("values", [*RANGES, CAFFE, TORCH], ids=lambda values: values.name[:9])
def test_values_channels_and_sides_are_found(values: preparation.Values, bgr: bool, turned: bool) -> None:
    wanted = Way(values, bgr=(bgr and values is not TORCH) or values is CAFFE, transposed=turned)
    trials = _trials(Nearest(wanted))
    best = trials.best()
    assert (best.way.bgr, best.way.transposed) == (wanted.bgr, turned)
    assert best.top1 > 0.9
    at_wanted = max(trial.top1 for trial in trials.done if trial.way == wanted)
    assert best.top1 >= at_wanted - 0.05
    text = _text(trials)
    assert ("BGR:" in text) == wanted.bgr
    assert ("height and width are swapped" in text) == turned


def test_the_option_to_give_and_why_pc_and_device_differ() -> None:
    values = of_range(0, 255)
    trials = _trials(Nearest(Way(values)))
    assert values.input_range is not None
    text = _text(trials)
    low, high = values.input_range
    assert f"give --input-range={low:g},{high:g}" in text
    given = 100 * trials.as_options_say().top1
    assert (
        f"a device gets pixels as the options say, pixels as -1..1 in RGB, bilinear: it would be at {given:.1f} %"
        in text
    )
    right = _text(_trials(Nearest(Way(values)), values.input_range), range_from="option")
    assert right.startswith(f"the options are right: the file wants pixels as {low:g}..{high:g} in RGB")
    assert "assumed" not in right
    assert f"make it sure with --input-range={low:g},{high:g}" in _text(
        _trials(Nearest(Way(values)), values.input_range), range_from="assumed"
    )


@pytest.mark.parametrize(
    ("order", "classes", "name", "option"),
    [
        ((3, 2, 1, 0), 4, REVERSED, "--labels 'dog,cat,bee,ant'"),
        ((1, 2, 3, 4), 5, SHIFTED, "--labels 'background,ant,bee,cat,dog'"),
        ((2, 0, 3, 1), 4, REORDERED, "--labels 'bee,dog,ant,cat'"),
    ],
)
def test_orders_of_classes(order: tuple[int, ...], classes: int, name: str, option: str) -> None:
    trials = _trials(Nearest(Way(of_range(0, 255)), order, classes), (0.0, 255.0))
    assert trials.best().order == name
    assert trials.best().way == trials.given
    assert option in _text(trials)


def test_two_things_at_once_are_found() -> None:
    trials = _trials(Nearest(Way(of_range(0, 255), bgr=True), (3, 2, 1, 0)))
    best = trials.best()
    assert (best.way.values, best.way.bgr, best.order) == (of_range(0, 255), True, REVERSED)


def test_without_training_no_preparation_is_better_than_chance() -> None:
    class Random(Nearest):
        def top1(self, inputs: npt.NDArray[np.float32], progress: Callable[[], None]) -> npt.NDArray[np.int64]:
            super().top1(inputs, progress)
            return np.random.default_rng(len(inputs)).integers(0, 4, len(inputs))

    text = _text(_trials(Random(Way(of_range(0, 1)))))
    assert text.startswith("no preparation is better than chance (")
    assert "chance is 25.0 % of 4 classes" in text


def test_kinds_of_resizing_differ_where_pictures_are_larger() -> None:
    split = _data(side=4 * SIDE).test
    results = {kind: resized(split, range(4), (SIDE, SIDE), 3, kind) for kind in preparation.RESIZES}
    for kind, pixels in results.items():
        assert pixels.shape == (4, SIDE, SIDE, 3), kind
        same = [other for other in results if np.array_equal(results[other], pixels)]
        assert same in ([kind], ["bilinear", "center crop"])
    exact = np.asarray(split.read(0)).astype(float)
    assert np.abs(results["area"][0] - exact.reshape(SIDE, 4, SIDE, 4, 3).mean(axis=(1, 3))).max() <= 1
    # Half-pixel centers, as tf.image.resize and OpenCV have them: pixel i is between 4i+1 and 4i+2.
    four = sum(exact[row:, column:][::4, ::4] for row in (1, 2) for column in (1, 2))
    assert np.abs(results["bilinear, not smoothed"][0] - four / 4).max() <= 1


def test_a_wide_picture_is_cropped_and_not_stretched() -> None:
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 200
    split = Split(np.array([0]), lambda i: Image.fromarray(pixels))
    assert resized(split, [0], (20, 20), 3, "center crop").min() == 200
    assert resized(split, [0], (20, 20), 3, "bilinear").min() == 0


def test_orders_are_each_tried_once() -> None:
    data = dataclasses.replace(_data(), class_names=("dog", "ant"))
    orders: dict[str, Any] = orders_of(("ant", "dog"), data, 2)
    assert orders == {"as given": (1, 0), "by number": (0, 1)}
    assert orders_of((), dataclasses.replace(data, class_names=("a", "b", "c")), 2) == {}


def test_values_are_those_of_keras_applications() -> None:
    imagenet_utils = pytest.importorskip("keras.applications.imagenet_utils")
    pixels, _ = _pictures(seed=3)
    for mode, way in (("tf", Way(of_range(-1, 1))), ("caffe", Way(CAFFE, bgr=True)), ("torch", Way(TORCH))):
        expected = imagenet_utils.preprocess_input(pixels.astype(np.float32), data_format="channels_last", mode=mode)
        assert np.allclose(way(pixels), expected, atol=1e-3), mode


def test_a_network_of_one_channel_is_given_gray_pictures_in_one_order() -> None:
    class Gray(Nearest):
        channels = 1

        def __init__(self) -> None:
            super().__init__(Way(of_range(0, 1)))
            self.means = self.means.mean(axis=-1, keepdims=True)

    trials = _trials(Gray())
    assert {trial.way.channels for trial in trials.done} == {"gray"}
    assert {trial.way.values.input_range for trial in trials.done} == {values.input_range for values in RANGES}
    assert "in gray" in _text(trials)
