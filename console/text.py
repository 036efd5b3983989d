"""Text as a terminal may get it.

What a file, a path, a device or a model says can't move the cursor, change colors or send a command to the terminal.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 but tab and line feed, DEL, C1, ends of lines and directions of Unicode, and halves of surrogate pairs."""


def clean(text: str) -> str:
    """Return text with its control characters written out, as Python would; lines and tabs stay."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return text on one line, with its control characters written out."""
    return clean(" ".join(line.strip() for line in text.splitlines()))


def say(text: str) -> None:
    """Print lines of text that are not part of a table or a step."""
    print(clean(text), flush=True)
