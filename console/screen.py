"""The terminal that everything is printed on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from console.text import clean, wrapped

out = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
LABEL_WIDTH = 10


def on_terminal(line: str, indent: int = 0, begin: int | None = None) -> str:
    """Return a line as it is printed: on a terminal broken between words, else as it is. See `text.wrapped`."""
    return wrapped(line, out.width, indent, begin) if out.is_terminal else line


def say(text: str) -> None:
    """Print lines of text that are not part of a table or a step."""
    print(clean(text), file=out.file, flush=True)


def print_json(form: object) -> None:
    """Print the JSON of a task, alone on standard output. Raises ValueError if a number is not finite."""
    print(json.dumps(form, indent=1, allow_nan=False), flush=True)


@contextmanager
def beside_json() -> Iterator[None]:
    """Print steps and notes on standard error meanwhile: standard output has JSON alone."""
    before = out.stderr
    out.stderr = True
    try:
        yield
    finally:
        out.stderr = before
