"""Ctrl-C in libraries that make another error of it, or none."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_received: list[int] = []


def _note(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    raise KeyboardInterrupt


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed since.

    Code in C++ may swallow the KeyboardInterrupt, and an import that it stops may end in an ImportError.
    """
    handler, earlier = signal.getsignal(signal.SIGINT), len(_received)
    is_usual = handler in (signal.default_int_handler, _note)
    if not is_usual or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    signal.signal(signal.SIGINT, _note)
    try:
        yield lambda: len(_received) > earlier
    finally:
        signal.signal(signal.SIGINT, handler)
