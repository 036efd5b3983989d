"""Which blocks of code an engine runs in an inference, as a plugin in QEMU counts them."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import process
from artifact import ROOT, NoFacts, produce, sources_digest
from cycles.program import Program, functions_of
from errors import DeviceError

PLUGIN_COMPILER, PLUGIN_PACKAGE = "gcc", "gcc"
SOURCES = ROOT / "firmware" / "tests" / "cycles"
STUB, PLUGIN = SOURCES / "stub.c", sorted((SOURCES / "plugin").glob("*.c"))
LIBRARY = "blocks.so"
INCLUDES = ROOT / "firmware" / "engines"
TIMEOUT_S, COMPILE_TIMEOUT_S = 900.0, 60.0


@dataclass(frozen=True)
class Architecture:
    """What runs programs of an architecture, and what compiles the stub for any core of it, each with its package."""

    qemu: str
    qemu_package: str
    options: tuple[str, ...]
    compiler: str
    compiler_package: str
    compiler_options: tuple[str, ...]


ARM = Architecture(
    "qemu-system-arm", "qemu-system-arm", (), "arm-none-eabi-gcc", "gcc-arm-none-eabi", ("-mcpu=cortex-m0", "-mthumb")
)
RISCV = Architecture(
    "qemu-system-riscv32", "qemu-system-misc", ("-bios", "none"), "riscv64-unknown-elf-gcc",
    "gcc-riscv64-unknown-elf", ("-march=rv32imc", "-mabi=ilp32"),
)  # fmt: skip
FREE_ORIGINS = {
    "mps2-an385": 0x21000000, "mps2-an386": 0x21000000, "mps2-an500": 0x60000000, "mps2-an505": 0x38200000,
    "mps3-an547": 0x60000000, "virt": 0x84000000,
}  # fmt: skip
"""Memory that no firmware uses, by QEMU's machine."""
FLASH_SPAN = 0x10000000
"""Addresses from the first of an image on that are flash; RAM is above."""
NEXT_OPERATOR = -2
"""As the plugin has it."""
_STACK_OFFSET, _INPUT_OFFSET = 0x10000, 0x20000
_OUTPUTS = re.compile(r"^(?:[0-9a-f]{2})+$", re.M)
_PROBLEMS = {1: "the engine reported an error", 2: "the engine could not be made ready"}


@dataclass(frozen=True)
class Block:
    """Code that ran as a whole, up to a jump: its first address, and how many instructions it has."""

    address: int
    instructions: int


@dataclass(frozen=True)
class Passage:
    """A block with the one that ran before it and the address that ran behind it; `operator` is -1 before the first."""

    operator: int
    before: Block
    block: Block
    after: int


@dataclass(frozen=True)
class Flash:
    """Flash that waits: `wait_states` cycles for each line of `line_bytes` that is not in a buffer.

    Buffers keep the last lines that were read: `code_lines` of instructions and `data_lines` of constants, 1 where
    there is no cache.
    """

    wait_states: int
    line_bytes: int = 16
    code_lines: int = 1
    data_lines: int = 1


@dataclass(frozen=True)
class Runs:
    """How often a passage ran, and how many lines were read from flash in all of its runs."""

    times: int = 0
    fills: int = 0

    def __add__(self, other: Runs) -> Runs:
        return Runs(self.times + other.times, self.fills + other.fills)


@dataclass(frozen=True)
class Inference:
    """How often each passage of an inference ran, and the bytes of all outputs."""

    passages: Mapping[Passage, Runs]
    outputs: bytes


def run(
    elf: Path, program: Program, machine: str, data: bytes, calls: Mapping[int, int], flash: Flash | None = None
) -> Inference:
    """Run an engine once on the bytes of all inputs.

    `calls` are the operators of blocks that call one, by the address of the block; NEXT_OPERATOR is the one behind that
    of the block before. With `flash` its lines are counted: it is where the image is loaded.
    Raises DeviceError if it fails or a tool is missing.
    """
    architecture = RISCV if machine == "virt" else ARM
    with tempfile.TemporaryDirectory(prefix="alpharho-cycles-") as name:
        folder = Path(name)
        stub, counts = _build_stub(elf, machine, architecture, folder), folder / "counts"
        plugin = _plugin(folder, stub, counts, calls, cuts(program), architecture)
        plugin += _flash_option(program, flash) if flash else ""
        command = [architecture.qemu, *architecture.options, *_arguments(program, machine, stub, data, folder)]
        finished = process.run(
            [*command, "-plugin", plugin], error=DeviceError, timeout_s=TIMEOUT_S,
            install=architecture.qemu_package, check=False, is_merged=True,
        )  # fmt: skip
        if finished.exit_code:
            problem = _PROBLEMS.get(finished.exit_code, finished.last_line())
            raise DeviceError(f"{architecture.qemu}: {elf.name} did not run to its end: {problem}")
        outputs = _OUTPUTS.search(finished.stdout)
        if not outputs:
            raise DeviceError(f"{architecture.qemu}: {elf.name} wrote no output: {finished.last_line()}")
        return Inference(_read(counts.read_text(encoding="ascii")), bytes.fromhex(outputs[0]))


def cuts(program: Program) -> list[tuple[int, int]]:
    """Return address and end of each instruction behind which code goes on, by address: all but jumps.

    QEMU ends blocks behind some of them, as at borders of its pages.
    """
    return sorted((one.address, one.end) for one in program.code.values() if not one.is_jump)


def _flash_option(program: Program, flash: Flash) -> str:
    first = min(part.address for part in program.segments)
    end = max(part.address + len(part.data) for part in program.segments if part.address < first + FLASH_SPAN)
    return f",flash={first}:{end}:{flash.line_bytes}:{flash.code_lines}:{flash.data_lines}"


def _read(text: str) -> dict[Passage, Runs]:
    found: dict[Passage, Runs] = {}
    for line in text.splitlines():
        operator, before, before_count, address, count, after, times, fills = map(int, line.split())
        passage = Passage(operator, Block(before, before_count), Block(address, count), after)
        # QEMU translates a block again for other states of the core.
        found[passage] = found.get(passage, Runs()) + Runs(times, fills)
    return found


def _build_stub(elf: Path, machine: str, architecture: Architecture, folder: Path) -> Path:
    out = folder / "stub.elf"
    options = [
        "-Os", *architecture.compiler_options, "-nostdlib", "-ffreestanding", f"-I{INCLUDES}",
        f"-DINPUT={FREE_ORIGINS[machine] + _INPUT_OFFSET:#x}u", f"-DSTACK={FREE_ORIGINS[machine] + _STACK_OFFSET:#x}u",
        f"-Wl,-Ttext={FREE_ORIGINS[machine]:#x},-e,alpharho_cycles_go,--just-symbols={elf}",
    ]  # fmt: skip
    command = [architecture.compiler, *options, str(STUB), "-o", str(out)]
    process.run(command, error=DeviceError, timeout_s=COMPILE_TIMEOUT_S, install=architecture.compiler_package)
    return out


def _plugin(
    folder: Path,
    stub: Path,
    counts: Path,
    calls: Mapping[int, int],
    cuts: Sequence[tuple[int, int]],
    architecture: Architecture,
) -> str:
    """Return the plugin with its arguments."""
    wanted, cut = folder / "calls", folder / "cuts"
    for path, numbers in ((wanted, sorted(calls.items())), (cut, cuts)):
        path.write_text("".join(f"{address} {number}\n" for address, number in numbers), encoding="ascii")
    at = {name: address for address, name in functions_of(stub)}
    begin, end = at["alpharho_cycles_begin"], at["alpharho_cycles_end"]
    return f"{_library(architecture)},out={counts},begin={begin},end={end},calls={wanted},cuts={cut}"


def _library(architecture: Architecture) -> Path:
    """Return the plugin as a shared library for the QEMU that is installed, built once."""
    version = 1 if _major_version(_first_line(architecture.qemu, architecture.qemu_package)) < 9 else 2
    options = ["-O2", "-std=gnu11", "-shared", "-fPIC", f"-DPLUGIN_VERSION={version}"]

    def make(work: Path) -> NoFacts:
        command = [PLUGIN_COMPILER, *options, *map(str, PLUGIN), "-o", str(work / LIBRARY)]
        process.run(command, error=DeviceError, timeout_s=COMPILE_TIMEOUT_S, install=PLUGIN_PACKAGE)
        return NoFacts()

    tools = {PLUGIN_COMPILER: _first_line(PLUGIN_COMPILER, PLUGIN_PACKAGE)}
    parameters = {"options": " ".join(options), "sources": sources_digest(SOURCES / "plugin")}
    return produce("cycles", "plugin", LIBRARY, NoFacts, make, tools=tools, parameters=parameters).path


def _major_version(text: str) -> int:
    number = re.search(r"version (\d+)", text)
    return int(number[1]) if number else 0


@functools.cache
def _first_line(program: str, package: str) -> str:
    """Return what a program says its version is."""
    shown = process.run([program, "--version"], error=DeviceError, timeout_s=COMPILE_TIMEOUT_S, install=package)
    return shown.lines[0] if shown.lines else ""


def _arguments(program: Program, machine: str, stub: Path, data: bytes, folder: Path) -> list[str]:
    parts = [(segment.address, segment.data) for segment in program.segments]
    parts.append((FREE_ORIGINS[machine] + _INPUT_OFFSET, data))
    command = ["-M", machine, "-nographic", "-monitor", "none", "-serial", "none", "-semihosting"]
    command += ["-device", f"loader,file={stub},cpu-num=0"]
    for place, (address, image) in enumerate(parts):
        path = folder / f"{place}.bin"
        path.write_bytes(image)
        command += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
    return command
