"""What the kernels' headers bound, the compiler enforces: the largest that is taken, and the smallest that is not."""

from __future__ import annotations

import pytest

from compilers.aot.lower import lower
from compilers.aot.operators import POOL_LIMIT, REDUCED_LIMIT, SOFTMAX_LIMIT
from errors import CompileError
from graph.builder import Builder
from graph.reader import parse


def softmax(depth: int) -> bytes:
    b = Builder()
    x, y = b.tensor((1, depth), scale=0.1), b.tensor((1, depth), scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [x], [y], {"Beta": 1.0}, "SoftmaxOptions")
    return b.finish([x], [y])


def reduced(operator: str, count: int) -> bytes:
    b = Builder()
    x, y = b.tensor((1, count, 2), scale=0.1), b.tensor((1, 2), scale=0.1)
    b.operator(operator, [x, b.tensor((1,), "int32", data=[1])], [y], {"KeepDims": False}, "ReducerOptions")
    return b.finish([x], [y])


def pool(operator: str, elements: int) -> bytes:
    """Return a network of one window over (2, elements / 2)."""
    b = Builder()
    width = elements // 2 // 4096
    x, y = b.tensor((1, 8192, width, 1), scale=0.1), b.tensor((1, 1, 1, 1), scale=0.1)
    options = {"FilterHeight": 8192, "FilterWidth": width, "StrideH": 1, "StrideW": 1, "Padding": 1}
    b.operator(operator, [x], [y], options, "Pool2DOptions")
    return b.finish([x], [y])


@pytest.mark.parametrize(
    ("taken", "refused", "limit"),
    [
        (softmax(SOFTMAX_LIMIT - 1), softmax(SOFTMAX_LIMIT), SOFTMAX_LIMIT),
        (reduced("MEAN", REDUCED_LIMIT - 1), reduced("MEAN", REDUCED_LIMIT), REDUCED_LIMIT),
        (reduced("SUM", REDUCED_LIMIT - 1), reduced("SUM", REDUCED_LIMIT), REDUCED_LIMIT),
        (pool("AVERAGE_POOL_2D", POOL_LIMIT - 8192), pool("AVERAGE_POOL_2D", POOL_LIMIT), POOL_LIMIT),
        (pool("MAX_POOL_2D", POOL_LIMIT - 8192), pool("MAX_POOL_2D", POOL_LIMIT), POOL_LIMIT),
    ],
    ids=["SOFTMAX", "MEAN", "SUM", "AVERAGE_POOL_2D", "MAX_POOL_2D"],
)
def test_a_bound_of_the_kernels_is_one_of_the_compiler(taken: bytes, refused: bytes, limit: int) -> None:
    assert len(lower(parse(taken, "m.tflite"))) == 1
    with pytest.raises(CompileError, match=rf"^m\.tflite, operator 0 .*, fewer than {limit} are supported$"):
        lower(parse(refused, "m.tflite"))
