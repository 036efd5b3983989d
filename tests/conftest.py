"""What all tests on this machine share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# TensorFlow reads these when it is imported: no GPU, and errors only.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# A shell's background jobs ignore Ctrl-C and so would the processes that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("everywhere", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("everywhere")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that take minutes start first: with several processes the others run meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the root of the checkout."""
    return Path(__file__).resolve().parent.parent
