"""SOFTMAX of a tiny scale: the reference kernel would abort this process."""

from __future__ import annotations

import numpy as np
import pytest

from graph.builder import Builder
from graph.oracle import Oracle
from graph.reader import parse
from graph.softmax import corrected, usable_beta


def network(scale: float) -> bytes:
    b = Builder()
    x, y = b.tensor((1, 4), scale=scale), b.tensor((1, 4), scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [x], [y], {"Beta": 1.0}, "SoftmaxOptions")
    return b.finish([x], [y])


@pytest.mark.parametrize("scale", [2.0**-26, 7.84e-9, 1e-12])
def test_all_outputs_are_equal(scale: float) -> None:
    copy = corrected(network(scale))
    assert copy is not None
    (operator,) = parse(copy, "").operators
    beta = float(operator.options["Beta"])
    assert beta == usable_beta(1.0, float(np.float32(scale)))
    assert 1 < beta * float(np.float32(scale)) * (1 << 26) < 1 + 1e-6
    (output,) = Oracle(network(scale)).run(np.array([-128, 0, 5, 127], np.int8))
    assert output.tolist() == [[-64] * 4]


def test_a_usual_scale_and_a_damaged_file_have_no_copy() -> None:
    assert corrected(network(2.0**-25)) is None
    assert corrected(network(1e-9)[:60]) is None
    assert usable_beta(0.0, 1e-9) == 0
