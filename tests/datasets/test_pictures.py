"""Samples are even, seeded and grow from the front; a prepared picture has the pixels of Pillow's own resizing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from datasets import digest_of, prepare, prepare_many, sample
from datasets.pictures import Split
from errors import ConfigError


def split_of(labels: list[int]) -> Split:
    return Split(np.array(labels, np.int64), lambda i: Image.new("L", (4, 4), i % 256))


# --- sample --------------------------------------------------------------------------------------------------------

labels_and_seed = st.tuples(
    st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 2**32 - 1), st.integers(0, 10**6)
)


@given(labels_and_seed)
def test_a_sample_is_distinct_even_and_of_its_size(case: tuple[list[int], int, int]) -> None:
    labels, seed, pick = case
    count = 1 + pick % len(labels)
    chosen = sample(split_of(labels), count, seed)
    assert len(set(chosen.tolist())) == len(chosen) == count
    there, taken = Counter(labels), Counter(np.array(labels)[chosen].tolist())
    most = max(taken.values())
    # A class may have fewer than another by more than one only if all its pictures are taken.
    assert all(taken[label] >= most - 1 or taken[label] == there[label] for label in there)


@given(labels_and_seed)
def test_a_larger_sample_begins_with_the_smaller(case: tuple[list[int], int, int]) -> None:
    labels, seed, pick = case
    whole = sample(split_of(labels), len(labels), seed)
    count = 1 + pick % len(labels)
    assert sample(split_of(labels), count, seed).tolist() == whole[:count].tolist()


def test_the_seed_decides_the_sample() -> None:
    split = split_of([i % 10 for i in range(200)])
    first, again, other = sample(split, 50, 1), sample(split, 50, 1), sample(split, 50, 2)
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
    assert np.bincount(split.labels[first]).tolist() == [5] * 10


def test_none_is_all_in_order() -> None:
    assert sample(split_of([0, 1, 0]), None).tolist() == [0, 1, 2]


@pytest.mark.parametrize("count", [0, -1, 4])
def test_a_sample_of_another_size_is_refused(count: int) -> None:
    with pytest.raises(ConfigError, match=rf"--images {count}: the split has 3 pictures; ask for 1 to 3 or `all`"):
        sample(split_of([0, 1, 0]), count)


# --- prepare -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_mode_becomes_the_channels_asked_for(mode: str, channels: int) -> None:
    pixels = prepare(Image.new(mode, (10, 7)), 16, channels)
    assert pixels.shape == (16, 16, channels)
    assert pixels.dtype == np.uint8


def test_gray_is_the_same_in_each_channel() -> None:
    pixels = prepare(Image.new("L", (5, 5), 77), 5, 3)
    assert np.unique(pixels).tolist() == [77]


def test_color_becomes_luma() -> None:
    assert prepare(Image.new("RGB", (1, 1), (255, 0, 0)), 1, 1).item() == 76  # ITU-R 601: 0.299 R


def test_a_picture_of_the_right_size_is_taken_as_it_is() -> None:
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(prepare(Image.fromarray(raw), 32, 3), raw)


def test_resizing_down_averages() -> None:
    checkers = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(prepare(Image.fromarray(checkers), 8, 1).astype(int) - 127).max() <= 2


def test_a_size_is_height_and_width() -> None:
    picture = Image.new("RGB", (40, 30), (1, 2, 3))
    assert prepare(picture, (8, 12), 3).shape == (8, 12, 3)
    split = Split(np.zeros(1, np.int64), lambda i: picture)
    assert prepare_many(split, [0], (8, 12), 1).shape == (1, 8, 12, 1)
    assert prepare_many(split, [], (8, 12), 1).shape == (0, 8, 12, 1)


def test_flip_and_box() -> None:
    picture = Image.fromarray(np.array([[10, 20, 30, 40]] * 4, np.uint8))
    assert prepare(picture, 4, 1, flip=True)[0, :, 0].tolist() == [40, 30, 20, 10]
    assert prepare(picture, 2, 1, box=(2, 0, 4, 2))[0, :, 0].tolist() == [30, 40]


def test_prepare_many_of_none_has_the_shape() -> None:
    split = split_of([0, 1])
    assert prepare_many(split, [], 8, 3).shape == (0, 8, 8, 3)
    assert prepare_many(split, [1, 0], 8, 1)[:, 0, 0, 0].tolist() == [1, 0]


def test_the_digest_knows_pixels_shape_and_labels() -> None:
    pixels = np.zeros((2, 4, 4, 1), np.uint8)
    other = pixels.copy()
    other[1, 2, 3, 0] = 1
    digests = [
        digest_of(pixels),
        digest_of(other),
        digest_of(pixels.reshape(1, 8, 4, 1)),
        digest_of(pixels, [0, 1]),
        digest_of(pixels, [1, 0]),
    ]
    assert len(set(digests)) == len(digests)
    assert digest_of(pixels.copy(), [0, 1]) == digests[3]
