"""Labeled pictures: `load` finds a data set by name, `sample` picks from it, `prepare` makes the model's input."""

from datasets.catalog import load
from datasets.pictures import (
    Dataset,
    Identity,
    Split,
    array_split,
    digest_of,
    empty_split,
    prepare,
    prepare_many,
    sample,
)

__all__ = [
    "Dataset", "Identity", "Split", "array_split", "digest_of", "empty_split", "load", "prepare", "prepare_many",
    "sample",
]  # fmt: skip
