"""Networks that are not picture classifiers: which figure the report has, and its value against a plain oracle."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import target
from artifact import Artifact, ImageFacts
from calibration import convert
from compilers import litert
from datasets import load
from deploy.session import Inference
from errors import ConfigError
from graph.oracle import Oracle, run_joined
from measure import bench, figures, layout, measurement, report_file
from measure.report import Report
from measure.setup import Setup, prepare_pictures, suits, with_random_inputs
from tests.calibration.test_meaning import network
from tests.compilers import several_inputs
from tests.graph.test_axes import network as network_with_axis
from tests.measure.device import SETTINGS, Device

COUNT = 12


class AnyOutputs(Device):
    """A device that answers the bytes of all outputs."""

    def infer(self, data: bytes) -> Inference:
        return Inference(b"".join(value.tobytes() for value in run_joined(self._oracle, data)), 1000, 0.0)


def set_up(folder: Path, content: bytes, x: Any = None, y: Any = None, labels: tuple[str, ...] = ()) -> Setup:
    path = folder / "net.tflite"
    path.write_bytes(content)
    int8 = convert.adopt(path, labels, None)
    image = Artifact(int8.path, "firmware", "net", int8.sha256, ImageFacts(int8.sha256, {"model_file": 7}))
    pictures = np.zeros((COUNT, 4, 4), np.uint8)
    y = np.arange(COUNT) % 3 if y is None else y
    np.savez(folder / "d.npz", x_test=pictures if x is None else x, y_test=y)
    return Setup(
        target.load("rpi4"),
        image,
        int8,
        load(f"npz:{folder / 'd.npz'}"),
        replace(SETTINGS, images=0, allow_mismatch=True),
    )


def reported(setup: Setup, monkeypatch: pytest.MonkeyPatch, count: int | None = None) -> Report:
    one = AnyOutputs(setup.int8.path)

    @contextmanager
    def session(lost: object = None) -> Any:
        yield one

    def device_of(setup: Setup, threads: int) -> Any:
        one.opened.append(threads)
        return one

    one.session = session  # type: ignore[method-assign]
    monkeypatch.setattr(measurement, "device_of", device_of)
    made = bench.measure(setup, ["accuracy"], "").report
    report_file.check(made)
    assert made.exactness is not None
    assert made.exactness.equal == made.exactness.n == (count or len(setup.data.test))
    return made


def features(*shape: int) -> Any:
    return np.random.default_rng(5).uniform(-1, 1, (COUNT, *shape)).astype(np.float32)


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ([(1, 2, 2, 3)], "output is a 1x2x2x3 map"),
        ([(1, 3), (1, 4)], "the model has 2 outputs (1x3, 1x4)"),
        ([(1, 5)], "the 5 classes of the model are not the 3 of npz:d.npz"),
    ],
)
@pytest.mark.parametrize("ends", ["int8", "float32"])
def test_where_accuracy_has_no_meaning_bytes_are_compared_and_that_is_said(
    outputs: list[tuple[int, ...]], why: str, ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = reported(set_up(tmp_path, network((1, 8), outputs, ends), features(8)), monkeypatch)
    assert (made.accuracy, made.auc, made.no_accuracy) == (None, None, why)
    rows = dict(layout.rows(made))
    assert rows["no accuracy"] == f"bytes compared; accuracy has no meaning: {why}"
    assert made.exactness is not None
    assert made.exactness.max_abs_diff == (0 if ends == "int8" else None)


def test_several_inputs_are_random_and_their_outputs_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = several_inputs.sum_of_two(tmp_path / "sum.tflite").read_bytes()
    setup = set_up(tmp_path, content)
    assert not suits(setup)
    setup = with_random_inputs(replace(setup, settings=replace(setup.settings, images=12)))
    pictures = prepare_pictures(setup)
    assert pictures.inputs.shape == (12, sum(several_inputs.BYTES))
    made = reported(setup, monkeypatch, count=12)
    assert made.no_accuracy == "the inputs are random"


@pytest.mark.parametrize("last", ["LOGISTIC", ""])
def test_one_value_has_the_accuracy_of_two_classes(last: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = features(8), np.arange(COUNT) % 2
    setup = set_up(tmp_path, network((1, 8), [(1, 1)], last=last), x, y)
    made = reported(setup, monkeypatch)
    oracle, right = Oracle(setup.int8.path), 0
    for one, label in zip(x, y, strict=True):
        stored = np.clip(np.rint(one * 128), -128, 127).astype(np.int8)
        value = int(oracle.run(stored)[0].reshape(-1)[0])
        right += (value > 0) == label  # of the sigmoid, 0 is stored for 0.5; of the logit for 0
    assert made.accuracy is not None
    assert made.accuracy.top1 == made.accuracy.host_top1 == right / COUNT
    assert 0 < right < COUNT


def test_an_autoencoder_has_the_auc_of_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = features(6), np.array([0, 1] * (COUNT // 2))
    setup = set_up(tmp_path, network((1, 6), [(1, 6)]), x, y)
    made = reported(setup, monkeypatch)
    oracle, errors = Oracle(setup.int8.path), []
    for one in x:
        stored = np.clip(np.rint(one * 128), -128, 127).astype(np.int8)
        errors.append(float(np.square(one - oracle.run(stored)[0].reshape(-1).astype(float) / 16).mean()))
    pairs = list(itertools.product(np.array(errors)[y == 1], np.array(errors)[y == 0]))
    assert made.auc is not None
    assert made.auc.auc == pytest.approx(np.mean([a > b for a, b in pairs]))
    assert (made.auc.n, made.auc.host_auc) == (COUNT, made.auc.auc)
    assert "mean squared reconstruction error" in dict(layout.rows(made))["AUC"]


def test_an_autoencoder_without_labels_of_anomalies_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = reported(set_up(tmp_path, network((1, 6), [(1, 6)]), features(6)), monkeypatch)
    assert made.auc is None
    assert "labels must be 0 (normal) and 1 (anomaly)" in (made.no_accuracy or "")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(cases: list[tuple[int, int]]) -> None:
    errors, truth = (np.array(column) for column in zip(*cases, strict=True))
    if len(set(truth.tolist())) < 2:
        return
    pairs = itertools.product(errors[truth == 1], errors[truth == 0])
    expected = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs])
    assert figures.auc(errors.astype(np.float64), truth) == pytest.approx(expected)


def test_arrays_are_quantized_or_taken_as_they_are(tmp_path: Path) -> None:
    real = features(4, 2)
    stored = np.clip(np.rint(real * 128), -128, 127).astype(np.int8)
    content = network((1, 4, 2), [(1, 3)])
    for x in (real, real.astype(np.float64), real.reshape(COUNT, 8), stored):
        found = prepare_pictures(set_up(tmp_path, content, x)).inputs
        assert found.dtype == np.int8
        assert found.shape == (COUNT, 4, 2)
        assert (found == stored).all()
    pixels = np.arange(COUNT * 8, dtype=np.uint8).reshape(COUNT, 4, 2, 1)[:, :, :, [0] * 2]
    taken = prepare_pictures(set_up(tmp_path, network((1, 4, 2, 2), [(1, 3)]), pixels)).inputs
    assert taken.reshape(-1)[:4].tolist() == [-128, -128, -127, -127]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((COUNT, 7), np.float32), r"npz:d.npz: x_test is 7 each, the model's input is 1x8"),
        (np.zeros((COUNT, 8), np.int16), r"npz:d.npz: x_test is int16, the model's input int8; give float32, or int8"),
        (None, r"it has pictures, and the model's input is 1x8, which is not a picture of 1 or 3 channels; give"),
    ],
)
def test_data_that_the_model_does_not_take(x: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        prepare_pictures(set_up(tmp_path, network((1, 8), [(1, 3)]), x))


@pytest.mark.parametrize(("shape", "ends"), [((1, 8), "int8"), ((1, 2, 4), "uint8"), ((9,), "float32")])
def test_random_inputs_stand_in_for_pictures(
    shape: tuple[int, ...], ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = set_up(tmp_path, network(shape, [(1, 3)], ends))
    assert not suits(setup)
    stood_in = with_random_inputs(setup)
    inputs = prepare_pictures(stood_in).inputs
    assert inputs.dtype == np.dtype(ends)
    assert len(np.unique(inputs)) > 200
    assert (inputs == prepare_pictures(stood_in).inputs).all()
    assert reported(stood_in, monkeypatch).no_accuracy == "the inputs are random"


def test_this_host_runs_the_corrected_copy_of_a_file_that_litert_refuses(tmp_path: Path) -> None:
    setup = set_up(
        tmp_path, network_with_axis(3), np.zeros((COUNT, *Oracle(network_with_axis(3)).inputs[0].shape[1:]), np.int8)
    )
    setup = replace(setup, target=target.load("host"))
    made = bench.measure(replace(setup, compiled=litert.compile_for(setup.int8, setup.target)), ["accuracy"], "").report
    assert made.model.sha256 == setup.int8.sha256
    assert made.exactness is not None
    assert made.exactness.equal == COUNT
