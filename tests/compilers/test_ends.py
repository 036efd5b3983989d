"""Networks that are int8 inside, with inputs and outputs of other types."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compilers.aot import KERNEL_SETS
from compilers.aot.lower import lower
from errors import CompileError
from graph.builder import Builder
from graph.reader import parse
from tests.compilers import host_build
from tests.compilers.reference import Reference


def _network(start: str, end: str) -> bytes:
    """Return a network of a LOGISTIC, with what converts at its ends."""
    b = Builder()
    shape = (1, 5, 5, 3)
    q = b.tensor(shape, scale=0.05, zero_point=-3)
    x = q if start == "int8" else _tensor(b, shape, start)
    if start != "int8":
        b.operator("QUANTIZE", [x], [q], version=2)
    z = b.tensor(shape, scale=1 / 256, zero_point=-128)
    b.operator("LOGISTIC", [q], [z])
    y = z if end == "int8" else _tensor(b, shape, end)
    if end != "int8":
        b.operator("DEQUANTIZE" if end == "float32" else "QUANTIZE", [z], [y], version=2)
    return b.finish([x], [y])


def _tensor(b: Builder, shape: tuple[int, ...], dtype: str) -> int:
    return b.tensor(shape, dtype, scale=0.02 if dtype == "uint8" else None, zero_point=120)


@pytest.mark.parametrize("kernels", KERNEL_SETS)
@pytest.mark.parametrize(("start", "end"), [("uint8", "uint8"), ("float32", "float32"), ("uint8", "float32")])
def test_ends_are_as_the_file_has_them(start: str, end: str, kernels: str, tmp_path: Path) -> None:
    model = _network(start, end)
    engine, reference = host_build.HostEngine(model, tmp_path, kernels=kernels), Reference(model)
    assert (engine.plan.inputs[0].dtype, engine.plan.outputs[0].dtype) == (start, end)
    rng = np.random.default_rng(0)
    for _ in range(5):
        x = rng.integers(0, 256, (1, 5, 5, 3)).astype(start)
        (ours,), (theirs,) = engine.run(x * _step(start)), reference.run(x * _step(start))
        assert ours.dtype == theirs.dtype == np.dtype(end)
        np.testing.assert_array_equal(ours, theirs)
        assert len(np.unique(ours)) > 10


def _step(start: str) -> np.generic:
    """Return what makes the numbers 0 to 255 values for an input of a type."""
    return np.float32(0.043) if start == "float32" else np.uint8(1)


OTHERS = [("float32", "uint8", "QUANTIZE"), ("uint8", "uint8", "QUANTIZE"), ("uint8", "float32", "DEQUANTIZE")]


@pytest.mark.parametrize(("source", "target", "name"), OTHERS)
def test_other_conversions_are_refused_by_name(source: str, target: str, name: str) -> None:
    b = Builder()
    x, y = _tensor(b, (1, 4), source), _tensor(b, (1, 4), target)
    b.operator(name, [x], [y], version=2)
    with pytest.raises(CompileError, match=f"operator 0 {name}.*from {source} to {target} is not supported"):
        lower(parse(b.finish([x], [y]), "network"))


def test_a_float_that_another_operator_reads_is_refused() -> None:
    b = Builder()
    x, q = b.tensor((1, 4), "float32"), b.tensor((1, 4), scale=0.1)
    b.operator("QUANTIZE", [x], [q], version=2)
    y = b.tensor((1, 4), "float32")
    b.operator("RELU", [x], [y])
    with pytest.raises(CompileError, match="tensor 0 't0': float32, expected int8"):
        lower(parse(b.finish([x], [q, y]), "network"))
