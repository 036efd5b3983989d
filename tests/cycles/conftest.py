"""The network of the pipeline's fixtures, for the tests of this folder."""

from tests.pipeline.small import data, home, int8, network, npz

__all__ = ["data", "home", "int8", "network", "npz"]
