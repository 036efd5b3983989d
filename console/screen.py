"""The terminal that everything is printed on."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from console.text import wrapped

out = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
LABEL_WIDTH = 10


def on_terminal(line: str, indent: int = 0, begin: int | None = None) -> str:
    """Return a line as it is printed: on a terminal broken between words, else as it is. See `text.wrapped`."""
    return wrapped(line, out.width, indent, begin) if out.is_terminal else line


@contextmanager
def beside_json() -> Iterator[None]:
    """Print steps and notes on standard error meanwhile: standard output has JSON alone."""
    before = out.stderr
    out.stderr = True
    try:
        yield
    finally:
        out.stderr = before
