"""The search for TFLite-Micro's smallest arena, which crashes with some that are too small."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest
from hypothesis import strategies as st

from compilers.tflm.trial import ALIGNMENT, LIMIT, _run, _survives, least, measure
from tests.compilers.networks import shared_data
from tests.compilers.test_compile import small_network

# The arena of each, as the interpreter of the pinned version needs it.
SHARED = {
    "mlperf_ad01_int8": 4640,
    "mlperf_kws_int8": 24272,
    "mlperf_resnet8_int8": 55984,
    "mlperf_vww_96_int8": 103680,
    "tflm_person_detect": 85264,
}


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(st.integers(0, 5000), st.integers(0, 5000))
def test_the_search_finds_the_least_and_never_goes_below_its_start(start: int, more: int) -> None:
    tried: list[int] = []

    def works(size: int) -> bool:
        tried.append(size)
        return size >= (start + more) * ALIGNMENT

    assert least(start * ALIGNMENT, works) == (start + more) * ALIGNMENT
    assert min(tried) == start * ALIGNMENT
    assert len(tried) < 30


def test_the_search_ends() -> None:
    with pytest.raises(RuntimeError, match=f"an arena of {LIMIT} bytes"):
        least(64, lambda size: False)


def test_a_trial_may_die_in_any_way() -> None:
    def fail() -> None:
        raise RuntimeError("refused")

    assert _survives(lambda: None)
    assert not _survives(fail)
    assert not _survives(lambda: os.kill(os.getpid(), signal.SIGSEGV))


def test_what_is_found_runs_and_less_does_not() -> None:
    """Allocating this network needs more for a while than it uses afterwards."""
    model = small_network()
    figures = measure(model)
    smallest, used = figures["smallest"], figures["total"]
    assert isinstance(smallest, int)
    assert isinstance(used, int)
    assert smallest > used
    assert _survives(lambda: _run(model, smallest))
    assert not _survives(lambda: _run(model, smallest - ALIGNMENT))


@pytest.mark.parametrize("name", SHARED)
def test_networks_that_crash_the_interpreter_in_smaller_arenas(name: str) -> None:
    path = shared_data(f"{name}.tflite")
    if not path.is_file():
        pytest.skip("needs ../shared/data")
    assert measure(path.read_bytes())["smallest"] == SHARED[name]
