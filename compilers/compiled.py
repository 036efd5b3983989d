"""A network as a compiler left it: what a firmware build needs to know of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from artifact import ROOT

# MLPerf Tiny's runner sends pixels, 0 to 255; the input is int8.
PIXEL_OFFSET = 128
_HEADERS = (
    *("engine", "engine_model", "profile", "trace", "port"),
    *(path.stem for path in (ROOT / "firmware" / "kernels").glob("*.h")),
    *("assert", "complex", "ctype", "errno", "fenv", "float", "inttypes", "iso646", "limits", "locale", "math"),
    *("setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbool", "stddef", "stdint", "stdio", "stdlib"),
    *("stdnoreturn", "string", "tgmath", "threads", "time", "uchar", "wchar", "wctype"),
)


@dataclass(frozen=True)
class CompiledModel:
    """A compiled network: sources in `folder`, and their facts as planned by the compiler.

    `name` is the model's name for people and devices. `arena_bytes` and `weights_bytes` are what the linker must
    place. `input_shape` and `input_dtype` are those of the first input, `input_bytes` those of all inputs together.
    `is_streamed` says that the device takes the input row by row, `is_traced` that it hashes what each operator writes,
    `is_profiled` that it counts the ticks of each call.
    """

    name: str
    folder: Path
    sha256: str
    arena_bytes: int
    weights_bytes: int
    input_bytes: int
    input_shape: tuple[int, ...]
    input_dtype: str = "int8"
    is_streamed: bool = False
    is_traced: bool = False
    is_profiled: bool = False

    @property
    def identifier(self) -> str:
        """The model's name in C: its symbols begin with it."""
        return c_identifier(self.name)

    @property
    def pixel_offset(self) -> int:
        """What to subtract from a pixel (0 to 255) to get an input value; 0 where the input is not a picture.

        A picture is (1, n, n, channels): square, unlike the spectra that keyword networks take. A uint8 input has
        pixels as they are.
        """
        shape = self.input_shape
        is_picture = len(shape) == 4 and shape[1] == shape[2]
        return PIXEL_OFFSET if is_picture and self.input_dtype == "int8" else 0


def c_identifier(name: str) -> str:
    """Return a name as a C identifier: other characters become "_", and it begins with a letter.

    It is not the name of a header of C or of the firmware: generated headers are named by it. Nor is it all in capital
    letters, as the macros of a name in small letters are.
    """
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    is_free = re.match(r"[A-Za-z]", plain) and plain.lower() not in _HEADERS and plain != plain.upper()
    return plain if is_free else f"model_{plain}"


def macro_prefix(identifier: str) -> str:
    """Return how the macros of a C identifier begin: names that differ only in case have other macros each."""
    return identifier.upper() if identifier == identifier.lower() else identifier
