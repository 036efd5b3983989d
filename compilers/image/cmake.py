"""Running CMake: the first error of a failed build, and the log that keeps all of it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import process
from artifact import LOGS_DIR, write_atomic
from errors import CompileError, FitError

TIMEOUT_S = 900.0
HINT = "a build of the firmware takes some seconds; see whether this machine is busy"
SHOWN_CHARACTERS = 400
# A user's flags would change the image's bytes.
DROPPED_VARIABLES = ("CFLAGS", "CPPFLAGS", "CXXFLAGS", "ASFLAGS", "LDFLAGS", "CC", "CXX", "ASM")
# It keeps object files by all that their bytes depend on: most sources are the same in the images of two networks.
COMPILER_CACHE = "ccache"

# Lines that say why a build failed: of gcc and ninja (error:), of the assembler (Error:), of the linker and objcopy.
# `in function` comes before the error itself; collect2 and `ld returned` only say that the linker failed.
_ERROR = re.compile(
    r"(^|[\s:])(fatal error|internal compiler error|error|Error): (?!ld returned)"
    r"|undefined reference to|multiple definition of|(^|/)\S*(ld|ld\.bfd|objcopy|ar)(\.exe)?: (?!.*: in function )"
)
_CMAKE_ERROR = re.compile(r"^CMake Error")
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")


def run(
    command: Sequence[str], target_name: str, *, variables: Mapping[str, str] | None = None, hint: str = HINT
) -> None:
    """Run CMake to its end, with more environment variables; `hint` is what to see to where that takes too long.

    Objects come from ccache where it is installed, which changes no byte of them. Raises FitError where a memory is
    too small for the linker, with the missing bytes. Raises CompileError with the first error that the compiler,
    assembler, linker or CMake printed; the whole output is then in build/logs.
    """
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    environment |= {"LC_ALL": "C", "CMAKE_COLOR_DIAGNOSTICS": "OFF"} | _compiler_cache() | dict(variables or {})
    done = process.run(
        command,
        error=CompileError,
        timeout_s=TIMEOUT_S,
        hint=hint,
        environment=environment,
        is_merged=True,
        check=False,
    )
    if done.exit_code == 0:
        return
    overflow = _OVERFLOW.search(done.stdout)
    if overflow:
        memory = "RAM" if overflow[1] == "RAM" else "flash"
        raise FitError(
            f"{target_name}: {memory} is short by {int(overflow[2]):,} bytes at link time; "
            "take a smaller preset or a larger board"
        )
    log = _keep(f"firmware-{target_name}.log", f"{' '.join(command)}\n{done.stdout}")
    raise CompileError(
        f"{target_name}: the firmware's build failed: {first_error(done.stdout)}; all output is in {log}"
    )


def _compiler_cache() -> dict[str, str]:
    """Return the variables with which CMake calls compilers through ccache, none where it is not installed."""
    path = shutil.which(COMPILER_CACHE)
    return {f"CMAKE_{language}_COMPILER_LAUNCHER": path for language in ("C", "CXX")} if path else {}


def first_error(output: str) -> str:
    """Return the first error in the output of a build as one line; its last line if no error is recognized."""
    lines = output.splitlines()
    for at, line in enumerate(lines):
        if _CMAKE_ERROR.search(line):
            return _shortened([line, *_paragraph(lines[at + 1 :])])
        if _ERROR.search(line):
            return _shortened([line])
    return _shortened([line for line in lines if line.strip()][-1:] or ["no output"])


def _paragraph(lines: Sequence[str]) -> list[str]:
    """Return the indented lines at the start: CMake prints its message there, with empty lines between its parts."""
    paragraph: list[str] = []
    for line in lines:
        if line and not line.startswith(" "):
            break
        if paragraph and not line:
            break
        paragraph.append(line)
    return paragraph


def _shortened(lines: Sequence[str]) -> str:
    text = " ".join(" ".join(lines).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


def _keep(name: str, text: str) -> Path:
    write_atomic(LOGS_DIR / name, text)
    return LOGS_DIR / name
