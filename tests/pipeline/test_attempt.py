"""What ends a command, whatever error a library makes of Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from errors import ConfigError
from pipeline.command_line import attempt
from process.interrupts import interrupts

STOPPED = (130, "stopped; what was finished is kept")


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def an_import_that_is_stopped() -> None:
    try:
        press_ctrl_c()
    except KeyboardInterrupt as e:
        raise ImportError("install optree") from e


def a_library_that_goes_on_and_fails_later() -> None:
    with interrupts() as is_interrupted:  # as the converter of TensorFlow
        try:
            press_ctrl_c()
        except KeyboardInterrupt:
            assert is_interrupted()
    raise ValueError("no result")


def a_library_that_loses_it() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        press_ctrl_c()


def test_ctrl_c_ends_a_command_even_as_another_error() -> None:
    before = signal.getsignal(signal.SIGINT)
    for body in (
        press_ctrl_c,
        an_import_that_is_stopped,
        a_library_that_goes_on_and_fails_later,
        a_library_that_loses_it,
    ):
        assert attempt(body) == STOPPED, body
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_without_ctrl_c_is_not_hidden() -> None:
    def fails() -> None:
        raise ValueError("a fault of ours")

    def refuses() -> None:
        raise ConfigError("--data x: no such folder")

    with pytest.raises(ValueError, match="a fault of ours"):
        attempt(fails)
    assert attempt(refuses) == (1, "error: --data x: no such folder")
