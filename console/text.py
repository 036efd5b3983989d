"""Text as a terminal may get it.

What a file, a path, a device or a model says can't move the cursor, change colors or send a command to the terminal.
"""

from __future__ import annotations

import re
import textwrap

NARROWEST = 20
"""Columns of text that a line has at least."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 but tab and line feed, DEL, C1, ends of lines and directions of Unicode, and halves of surrogate pairs."""


def clean(text: str) -> str:
    """Return text with its control characters written out, as Python would; lines and tabs stay."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def end_of(name: str, characters: int = 40) -> str:
    """Return the end of a long name, such as that of a tensor, which tells it from others."""
    return name if len(name) <= characters else f"...{name[3 - characters :]}"


def one_line(text: str) -> str:
    """Return text on one line, with its control characters written out."""
    return clean(" ".join(line.strip() for line in text.splitlines()))


_UNIT = re.compile(r"(?<=\d) of (?=\d)|(?<=\d) (?=[A-Za-z%])")
"""A space between a number and its unit, and `of` between two numbers."""
_KEPT = "\ue000"
"""What stands for a space at which a line is not broken."""


def wrapped(text: str, width: int, indent: int = 0, begin: int | None = None, narrowest: int = NARROWEST) -> str:
    """Return one line of text as lines of at most `width` columns, broken between words and not behind a number.

    Lines but the first are indented by `indent`; the first one begins `begin` columns from the left, by default as
    many. A word that is wider stays whole, and a line has `narrowest` columns of text at least.
    """
    kept = _UNIT.sub(lambda match: match[0].replace(" ", _KEPT), text)
    lines = textwrap.wrap(
        kept, max(width, indent + narrowest), initial_indent=" " * (indent if begin is None else begin),
        subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(lines).replace(_KEPT, " ")[indent if begin is None else begin :]
