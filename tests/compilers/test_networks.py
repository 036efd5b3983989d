"""Whole networks: the generated C against LiteRT's reference kernels, warnings as errors, sanitizers on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compilers.aot import KERNEL_SETS, compile_model, smallest
from compilers.aot.lower import lower
from graph.builder import Builder
from graph.reader import read
from tests.compilers import host_build
from tests.compilers.equality import count_equal
from tests.compilers.networks import application_of, shared_data, tflite_of
from tests.compilers.reference import Reference
from tests.kernels import core_runner
from tests.kernels.core_runner import CoreRunner

PRESETS = ("v1_025", "v2_035", "v3s_075", "v3sm_075")
# MLPerf Tiny's, and TFLite-Micro's own, whose biases have the axis of the weights.
# Bytes of the arena with any kernel set: what the planner reaches must not grow again.
SHARED = {
    "mlperf_vww_96_int8.tflite": 28_000, "mlperf_resnet8_int8.tflite": 28_576, "mlperf_kws_int8.tflite": 9_344,
    "mlperf_ad01_int8.tflite": 2_048, "tflm_person_detect.tflite": 15_136,
}  # fmt: skip
# Bytes of activations, input included: what the planner reaches must not grow again.
PRESET_ARENA = 31_072  # v2_035_96
ARENA_LIMITS = {"v1_025": 68_672, "v2_035": 205_968, "v3s_075": 80_880, "v3sm_075": 80_880}


@pytest.fixture(scope="module", params=PRESETS)
def preset_model(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """Return a preset's name and its int8 network with random weights."""
    return request.param, tflite_of(request.param)


@pytest.mark.slow
@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_outputs_equal_the_reference(preset_model: tuple[str, Path], kernels: str) -> None:
    count = count_equal(preset_model[1], images=12, kernels=kernels)
    assert count.equal == count.total == 12
    assert len(count.distinct) > 6, "outputs that do not differ prove nothing"


def test_arena_does_not_grow(preset_model: tuple[str, Path], tmp_path: Path) -> None:
    name, model = preset_model
    assert compile_model(model, tmp_path).arena_bytes <= ARENA_LIMITS[name]


@pytest.mark.slow
def test_sanitizers_find_nothing(preset_model: tuple[str, Path], tmp_path: Path) -> None:
    model = preset_model[1]
    plan = host_build.compile_to(model, tmp_path)
    program = host_build.build(tmp_path, tmp_path / "program", *host_build.ADDRESS, main=True)
    rng = np.random.default_rng(0)
    inputs = rng.integers(-128, 128, (3, *plan.inputs[0].shape[1:])).astype(np.int8)
    outputs = np.frombuffer(host_build.run_program(program, inputs.tobytes()), np.int8).reshape(3, -1)
    reference = Reference(model)
    for ours, picture in zip(outputs, inputs, strict=True):
        np.testing.assert_array_equal(ours, reference.run(picture)[0].reshape(-1))


@pytest.mark.slow
@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_keras_applications_need_no_more_ram_than_the_preset(kernels: str, tmp_path: Path) -> None:
    """Theirs has PAD and VALID where ours has SAME."""
    model = application_of("v2_035_96")
    assert compile_model(model, tmp_path, kernels).arena_bytes <= PRESET_ARENA
    count = count_equal(model, images=12, kernels=kernels)
    assert count.equal == count.total == 12
    assert len(count.distinct) > 6, "outputs that do not differ prove nothing"


def shared_network(name: str) -> Path:
    """Return a network of the shared test data; without it the test is skipped."""
    model = shared_data(name)
    if not model.exists():
        pytest.skip(f"{name} is not there: ../shared/data is absent")
    return model


@pytest.mark.slow
@pytest.mark.parametrize("kernels", KERNEL_SETS)
@pytest.mark.parametrize("name", SHARED)
def test_networks_of_others_equal_the_reference(name: str, kernels: str, tmp_path: Path) -> None:
    model = shared_network(name)
    engine, reference = host_build.HostEngine(model, tmp_path, kernels=kernels), Reference(model)
    assert engine.plan.arena_bytes <= SHARED[name]
    rng, distinct = np.random.default_rng(0), set()
    for _ in range(20):
        values = rng.integers(-128, 128, engine.plan.inputs[0].shape).astype(np.int8)
        ours = engine.run(values)[0]
        np.testing.assert_array_equal(ours, reference.run(values)[0])
        distinct.add(ours.tobytes())
    assert len(distinct) > 1, "outputs that do not differ prove nothing"


@pytest.mark.slow
@pytest.mark.skipif(core_runner.missing() is not None, reason=f"install {core_runner.missing()}")
@pytest.mark.parametrize("core", [kernels for kernels in KERNEL_SETS if kernels in core_runner.CORES])
@pytest.mark.parametrize("name", SHARED)
def test_networks_of_others_equal_the_reference_on_the_set_s_core(name: str, core: str) -> None:
    graph = read(shared_network(name))
    steps, layout = smallest(graph, lower(graph, core), stream_input=False)
    runner, reference = CoreRunner(graph, steps, layout, core), Reference(shared_data(name))
    rng, shape = np.random.default_rng(1), graph.tensors[graph.inputs[0]].shape
    inputs = [rng.integers(-128, 128, shape).astype(np.int8) for _ in range(2)]
    requests = [runner.request(values) for values in inputs]
    received = core_runner.core(core).run(requests)
    for values, (memory, _), reply in zip(inputs, requests, received, strict=True):
        np.testing.assert_array_equal(runner.outputs(memory, reply)[0], reference.run(values)[0])


@pytest.mark.parametrize(("network", "images"), [("v3s_075", 300), ("v2_035", 1000)])
@pytest.mark.slow
def test_many_pictures(network: str, images: int) -> None:
    count = count_equal(tflite_of(network), images=images)
    assert count.equal == count.total == images


def _residual() -> tuple[bytes, int]:
    """Return a network with every kind of layer of MLPerf Tiny's image and keyword networks, random weights."""
    rng = np.random.default_rng(5)
    b = Builder()

    def conv(x: int, shape: tuple[int, ...], out: tuple[int, ...], stride: int = 1, activation: int = 1) -> int:
        axis = 3 if shape[0] == 1 and shape[3] == out[3] else 0
        depthwise = axis == 3
        w = rng.integers(-127, 128, shape)
        k = b.tensor(shape, scale=rng.uniform(0.001, 0.01, out[3]).tolist(), data=w, axis=axis)
        bias = b.tensor((out[3],), "int32", scale=[1e-4] * out[3], data=rng.integers(-500, 500, out[3]))
        y = b.tensor(out, scale=0.05, zero_point=-128 if activation else 3)
        options = {"StrideH": stride, "StrideW": stride, "FusedActivationFunction": activation}
        if depthwise:
            b.operator(
                "DEPTHWISE_CONV_2D", [x, k, bias], [y], options | {"DepthMultiplier": 1}, "DepthwiseConv2DOptions"
            )
        else:
            b.operator("CONV_2D", [x, k, bias], [y], options, "Conv2DOptions")
        return y

    x = b.tensor((1, 49, 10, 1), scale=0.05, zero_point=83)
    first = conv(x, (16, 10, 4, 1), (1, 25, 5, 16), stride=2)
    second = conv(first, (1, 3, 3, 16), (1, 25, 5, 16))
    third = conv(second, (16, 1, 1, 16), (1, 25, 5, 16), activation=0)
    total = b.tensor((1, 25, 5, 16), scale=0.08, zero_point=-128)
    b.operator("ADD", [first, third], [total], {"FusedActivationFunction": 1}, "AddOptions")
    pooled = b.tensor((1, 1, 1, 16), scale=0.08, zero_point=-128)
    options = {"Padding": 1, "StrideH": 25, "StrideW": 5, "FilterHeight": 25, "FilterWidth": 5}
    b.operator("AVERAGE_POOL_2D", [total], [pooled], options, "Pool2DOptions")
    flat = b.tensor((1, 16), scale=0.08, zero_point=-128)
    b.operator("RESHAPE", [pooled, b.tensor((2,), "int32", data=[-1, 16])], [flat], {}, "ReshapeOptions")
    logits = b.tensor((1, 12), scale=0.2, zero_point=10)
    kernel = b.tensor((12, 16), scale=0.01, data=rng.integers(-127, 128, (12, 16)))
    b.operator("FULLY_CONNECTED", [flat, kernel, -1], [logits], {}, "FullyConnectedOptions")
    y = b.tensor((1, 12), scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [logits], [y], {"Beta": 1.0}, "SoftmaxOptions")
    return b.finish([x], [y, logits]), 49 * 10


def test_residual_network_with_two_outputs(tmp_path: Path) -> None:
    model, size = _residual()
    engine, reference = host_build.HostEngine(model, tmp_path), Reference(model)
    rng = np.random.default_rng(0)
    distinct = set()
    for _ in range(50):
        picture = rng.integers(-128, 128, size).astype(np.int8)
        for ours, theirs in zip(engine.run(picture), reference.run(picture), strict=True):
            np.testing.assert_array_equal(ours, theirs)
            distinct.add(ours.tobytes())
    assert len(distinct) > 50


def test_autoencoder_of_dense_layers(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    b = Builder()
    x = last = b.tensor((1, 640), scale=0.4, zero_point=92)
    for width in (128, 128, 8, 128, 640):
        depth = b.tensors[last].shape[1]
        kernel = b.tensor((width, depth), scale=0.003, data=rng.integers(-127, 128, (width, depth)))
        bias = b.tensor((width,), "int32", data=rng.integers(-3000, 3000, width))
        y = b.tensor((1, width), scale=0.4, zero_point=-128)
        b.operator(
            "FULLY_CONNECTED", [last, kernel, bias], [y], {"FusedActivationFunction": 1}, "FullyConnectedOptions"
        )
        last = y
    model = b.finish([x], [last])
    engine, reference = host_build.HostEngine(model, tmp_path), Reference(model)
    for _ in range(10):
        sound = rng.integers(-128, 128, (1, 640)).astype(np.int8)
        np.testing.assert_array_equal(engine.run(sound)[0], reference.run(sound)[0])
