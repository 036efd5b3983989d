"""Class numbers of a data set as a model's: names decide."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from calibration.labels import align

NAMES = st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=12, unique=True)


@given(NAMES, st.randoms())
def test_any_order_is_matched_by_name(names: list[str], rng: random.Random) -> None:
    turned = rng.sample(names, len(names))
    found = align(names, turned, len(names))
    assert found is not None
    assert [names[i] for i in found] == turned


@given(NAMES)
def test_a_part_of_the_model_s_classes_will_do(names: list[str]) -> None:
    found = align(names, names[1:], len(names))
    assert found is not None
    assert found.tolist() == list(range(1, len(names)))


def test_strangers_and_counts() -> None:
    assert align(["cat", "dog"], ["dog", "bird"], 2) is None
    assert align([], ["dog", "bird", "fish"], 2) is None
    assert np.array_equal(np.asarray(align([], ["dog", "bird"], 2)), [0, 1])
