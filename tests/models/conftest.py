"""Fixtures of the whole pipeline, for the tests of this folder."""

from tests.models.training_setup import small, tiny
from tests.pipeline.small import _build_at_home, data, home, int8, network, npz

__all__ = ["_build_at_home", "data", "home", "int8", "network", "npz", "small", "tiny"]
