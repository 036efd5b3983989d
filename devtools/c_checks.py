"""Static checks of the C code: clang-tidy and cppcheck, each file with the options of the machine that it is for.

Run as `python -m devtools.c_checks clang-tidy` or `... cppcheck`.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import process
import target
from artifact import ROOT
from errors import Error
from target.sections import FIRMWARE_DIR

FIRMWARE = "firmware"
TIMEOUT_S = 600.0
# Files for this machine; the kernel sets in C. Those of ON_DEVICE that are not among them are for a microcontroller.
ON_HOST = (
    "kernels/*/*.c",
    "protocol/*.c",
    "app/*.c",
    "engines/*.c",
    "engines/aot/*.c",
    "families/host/*.c",
    "families/linux/*.c",
    "tests/*.c",
    "tests/cycles/plugin/*.c",
    "tests/standin/*.c",
)
ON_DEVICE = ("engines/*/*.c", "families/*/*.c", "port/*.c", "tests/rawline/*.c", "tests/cycles/stub.c")
INCLUDES = ("app", "engines", "families", "kernels", "port", "protocol", "tests/engine_model")
# What CMake passes for a board and a network.
FACTS = (
    'BOARD_NAME="board"',
    'FIRMWARE_REVISION="0"',
    'MODEL_NAME="network"',
    "MODEL_INPUT_BYTES=3072u",
    "TEXT_OFFSET=128u",
    "UART_BAUD=115200u",
    "INPUT=0x21200000u",
    "STACK=0x21100000u",
    "PLUGIN_VERSION=1",
)
HOST = ("-DLINUX_BOARD", "-DTRACED")
DEVICE = ("--target=thumbv7em-none-eabi", "-mcpu=cortex-m4", "-isystem", "/usr/lib/arm-none-eabi/include")
# For the folders of families that serve more than one family, such as cmsdk and stm32.
OTHER_TARGET = "qemu-m3"
SHARED = {"stm32": "stm32f4"}
# Each is about something that is not a fault here.
CPPCHECK_SUPPRESSED = {
    "missingIncludeSystem": "system headers are not read",
    "unusedFunction": "a file is checked by itself",
    "normalCheckLevelMaxBranches": "says only that the normal level was used",
    "shiftNegativeLHS": "a static assertion says that right shifts are arithmetic",
    "shiftTooManyBitsSigned": "x >> 31 is the sign, by the same assertion",
    "comparePointers": "symbols of the linker script are two ends of one memory",
}


@dataclass(frozen=True)
class Unit:
    """C files, relative to the checkout, and the compiler options they are checked with."""

    sources: tuple[str, ...]
    options: tuple[str, ...]


def units(count: int) -> list[Unit]:
    """Return the C files that are checked, those of equal options in up to `count` units of equal size."""
    host = [path for pattern in ON_HOST for path in sorted((ROOT / FIRMWARE).glob(pattern))]
    device = [path for pattern in ON_DEVICE for path in sorted((ROOT / FIRMWARE).glob(pattern)) if path not in host]
    by_options: dict[tuple[str, ...], list[str]] = {}
    for path in (*host, *device):
        options = _options(path, DEVICE if path in device else HOST)
        by_options.setdefault(options, []).append(str(path.relative_to(ROOT)))
    parts = [(sources[i::count], options) for options, sources in by_options.items() for i in range(count)]
    return [Unit(tuple(sources), options) for sources, options in parts if sources]


def _options(path: Path, machine: tuple[str, ...]) -> tuple[str, ...]:
    family = path.parent.name
    chosen = _target_of(SHARED.get(family, family))
    own = (FIRMWARE_DIR / "boards" / family).is_dir()
    board = family if own or chosen.mcu is None else chosen.mcu.board
    includes = [f"-I{FIRMWARE}/{folder}" for folder in (*INCLUDES, f"boards/{board}")]
    facts = [*FACTS, f"CLOCK_HZ={chosen.mcu.clock_hz if chosen.mcu else 0}u"]
    facts += ["EMULATED"] if chosen.measured_on == "emulated" else []
    return *includes, *(f"-D{fact}" for fact in facts), *machine


@functools.cache
def _target_of(family: str) -> target.Target:
    """Return a target of a family, whose board.h and clock its files are checked with: on hardware, if there is one."""
    boards = [board for board in map(target.load, target.names()) if board.mcu and board.mcu.family == family]
    boards.sort(key=lambda board: board.measured_on != "hardware")
    return boards[0] if boards else target.load(OTHER_TARGET)


def clang_tidy(unit: Unit) -> list[str]:
    """Return the command that checks a unit; .clang-tidy has the settings."""
    program = str(Path(sys.executable).with_name("clang-tidy"))
    return [program, "--quiet", *unit.sources, "--", "-std=c11", *unit.options]


def cppcheck(unit: Unit) -> list[str]:
    """Return the command that checks a unit."""
    suppressed = [f"--suppress={name}" for name in CPPCHECK_SUPPRESSED]
    options = [option for option in unit.options if option.startswith(("-I", "-D"))]
    levels = ["--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1", "--quiet"]
    return ["cppcheck", "--std=c11", *levels, *suppressed, *options, *unit.sources]


TOOLS: dict[str, Callable[[Unit], list[str]]] = {"clang-tidy": clang_tidy, "cppcheck": cppcheck}


def findings(tool: str) -> list[str]:
    """Run a tool on all units, one per processor at a time, and return its output for each that fails.

    Raises Error if the tool is not installed.
    """
    processors = os.cpu_count() or 1
    with ThreadPoolExecutor(processors) as pool:
        outputs = pool.map(lambda unit: _run(TOOLS[tool](unit)), units(processors))
        return [output for output in outputs if output]


def _run(command: Sequence[str]) -> str:
    done = process.run(
        command, error=Error, timeout_s=TIMEOUT_S, install="`./inv test` installs it", check=False, folder=ROOT
    )
    return done.stdout + done.stderr if done.exit_code else ""


def main(arguments: Sequence[str]) -> int:
    """Run the tool that the one argument names; return 1 if it finds anything."""
    output = findings(arguments[0])
    print("\n".join(output), end="\n" if output else "")
    return 1 if output else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Error as error:
        sys.exit(f"error: {error}")
