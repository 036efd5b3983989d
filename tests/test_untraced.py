"""Foreign code runs without the trace function, ours that it calls with it, and both ends leave it as it was."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType

import pytest

from tests.untraced import traced, untraced


def called_in(body: Callable[[], None]) -> list[str]:
    """Return the names of the functions of this file that a thread's trace function sees while it runs `body`."""
    names: list[str] = []

    def trace(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_filename == __file__:
            names.append(frame.f_code.co_name)

    def run() -> None:
        sys.settrace(trace)
        body()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return names


def ours() -> None:
    pass


@traced
def callback() -> None:
    ours()


@untraced
def foreign(is_failing: bool) -> None:
    ours()
    callback()
    if is_failing:
        raise ValueError("of the library")


def test_what_a_library_does_is_not_traced_but_what_it_calls_of_ours_is() -> None:
    def body() -> None:
        foreign(False)
        ours()

    assert called_in(body) == ["body", "callback", "ours", "ours"]


def test_an_error_of_a_library_leaves_the_trace_function() -> None:
    def body() -> None:
        with pytest.raises(ValueError, match="of the library"):
            foreign(True)
        ours()

    assert called_in(body) == ["body", "callback", "ours", "ours"]
