"""Class numbers of a data set as a model's: names decide."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration import convert
from calibration.labels import align, fit, match, note, of_file, without_numbers
from tests.pipeline.small import SHARED_DATA

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


@pytest.mark.parametrize(
    "labels",
    [
        ["0 daisy", "1 Night Owl", "2 tulip"],
        ["0: daisy", "1: night_owl", "2: tulip"],
        ["0,daisy", "1,Night owl", "2,tulip"],
        ["1_daisy", "2_night-owl", "3_tulip"],
        ["Daisy ", "NIGHT OWL", "tulip"],
    ],
)
def test_numbers_case_and_spaces_do_not_matter(labels: list[str]) -> None:
    turned = ["tulip", "daisy", "night owl"]
    found = align(labels, turned, 3)
    assert found is not None
    assert found.tolist() == [2, 0, 1]
    back = align(turned, labels, 3)
    assert back is not None
    assert back.tolist() == [1, 2, 0]
    assert note(labels, turned, 3, "folder:x") == ""


def test_names_that_are_equal_but_for_case_stay_apart() -> None:
    assert align(["a", "A", "b"], ["b", "A", "a"], 3) is not None
    assert align(["a", "A", "b"], ["B", "a"], 3) is None
    assert align(["1 car", "2 car"], ["car"], 2) is None
    assert without_numbers(["1 car", "3 bus"]) == ("1 car", "3 bus")


@given(NAMES, st.randoms())
def test_numbering_never_changes_what_is_matched(names: list[str], rng: random.Random) -> None:
    numbered = [f"{i} {name}" for i, name in enumerate(names)]
    turned = rng.sample(numbered, len(numbered))
    found = align(numbered, turned, len(names))
    assert found is not None
    assert [numbered[i] for i in found] == turned


def test_both_cranes_of_imagenet_are_matched_by_their_order() -> None:
    labels = ["stork", "crane", "bus", "crane"]
    found = align(["background", *labels], labels, 5)
    assert found is not None
    assert found.tolist() == [1, 2, 3, 4]
    assert align([f"{i} {name}" for i, name in enumerate(labels)], labels, 4) is not None
    one = match(labels, ["crane", "bus"])
    assert one.numbers is not None
    assert (one.numbers.tolist(), one.ambiguous) == ([1, 2], ("crane",))
    assert "the first counts: crane" in note(labels, ["crane", "bus"], 4, "folder:x")
    assert align(["crane", "bus"], ["crane", "crane"], 2) is None


def test_names_without_a_partner_are_said_in_one_line() -> None:
    text = note(["0 cat", "1 dog"], ["Dog", "bird", "fish"], 2, "folder:x")
    assert text == (
        "no accuracy: 2 of 3 classes of folder:x are not among the model's (bird, fish; the model has 0 cat, 1 dog); "
        "name the model's with --labels"
    )
    assert "4 classes without names, folder:x has 2; name them with --labels" in note([], ["a", "b"], 4, "folder:x")
    assert note([], ["a", "b"], 2, "folder:x") == ""


def test_labels_of_a_file() -> None:
    assert of_file(["0 Class 1", "1 Class 2"]) == ("Class 1", "Class 2")
    assert of_file(["1 dog", "0 cat"]) == ("cat", "dog")
    assert of_file(["1 car", "2 cars"]) == ("1 car", "2 cars")
    assert of_file(["cat", "1 dog"]) == ("cat", "1 dog")


def test_imagenet_with_and_without_background() -> None:
    names = tuple(f"n{i}" for i in range(1000))
    assert fit(names, 1001) == ("background", *names)
    assert fit(("Background", *names), 1000) == names
    assert fit(("tench", *names), 1000) == ("tench", *names)
    assert fit(names, 1000) == names
    assert fit(("a", "b"), 3) == ("a", "b")


CORAL = SHARED_DATA / "coral_mobilenet_v1_0.25_128_quant.tflite"


@pytest.mark.skipif(not CORAL.exists(), reason=f"{CORAL} is not there")
def test_a_network_with_a_background_class_takes_imagenet_s_thousand_names() -> None:
    lines = (SHARED_DATA / "coral_imagenet_labels.txt").read_text("utf-8").splitlines()
    names = tuple(of_file(lines))[1:]
    assert (len(names), len(set(names))) == (1000, 999)
    int8 = convert.adopt(CORAL, names, None)
    assert int8.facts.labels == ("background", *names)
    found = align(int8.facts.labels, names, 1001)
    assert found is not None
    assert found.tolist() == list(range(1, 1001))
