"""The terminal that everything is printed on."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

out = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
LABEL_WIDTH = 10


@contextmanager
def beside_json(is_json: bool) -> Iterator[None]:
    """Print steps and notes on standard error meanwhile, if standard output is to have JSON alone."""
    before = out.stderr
    out.stderr = is_json or before
    try:
        yield
    finally:
        out.stderr = before
