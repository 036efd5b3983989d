"""The terminal that everything is printed on."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

out = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
LABEL_WIDTH = 10


@contextmanager
def beside_json() -> Iterator[None]:
    """Print steps and notes on standard error meanwhile: standard output has JSON alone."""
    before = out.stderr
    out.stderr = True
    try:
        yield
    finally:
        out.stderr = before
