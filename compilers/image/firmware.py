"""Firmware: a compiled network, the engine and a board's port, built by CMake into one image."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import ROOT, plain_name, write_atomic
from compilers.compiled import CompiledModel
from compilers.image import cmake
from compilers.image.elf_sizes import read_sizes
from compilers.image.fit import mcu_of
from compilers.image.toolchain import toolchain_of
from errors import CompileError
from target import Target
from target.sections import Mcu

FIRMWARE_DIR = ROOT / "firmware"
KERNEL_OPTIMIZATION = "-O2"
LINUX_OPTIMIZATION = "-O3"
"""Of kernels where their size does not matter and the compiler can use vectors."""
APP_OPTIMIZATION = "-Os"
# The linker aligns each constant; the plan counts their bytes alone.
WEIGHT_ALIGNMENT_SLACK = 4_096
CODE_SECTIONS = (".boot2", ".vectors", ".text", ".ARM.extab", ".ARM.exidx", ".init_array")
RAM_SECTIONS = (".stack", ".data", ".arena", ".bss")


@dataclass(frozen=True)
class FirmwareImage:
    """A built image and what it takes, in bytes.

    Flash is code, constants (start values of variables included) and weights; RAM is all from its origin to the end of
    what the linker placed: stack, arena and all other variables. `binary` is None where an image has two parts.
    With a hosted toolchain, flash and RAM are 0, and `code_bytes` and `constant_bytes` are those of the process.
    """

    elf: Path
    map: Path
    binary: Path | None
    hex: Path | None
    revision: str
    code_bytes: int
    constant_bytes: int
    weights_bytes: int
    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    stack_bytes: int

    def facts(self) -> dict[str, int]:
        """Return the sizes by name, without those that are 0."""
        sizes = {
            "code": self.code_bytes,
            "constants": self.constant_bytes,
            "weights": self.weights_bytes,
            "flash": self.flash_bytes,
            "ram": self.ram_bytes,
            "arena": self.arena_bytes,
            "stack": self.stack_bytes,
        }
        return {name: size for name, size in sizes.items() if size}


def build_firmware(
    target: Target, model: CompiledModel, out: Path, *, overrides: Mapping[str, str] | None = None
) -> FirmwareImage:
    """Build the image of a compiled network for a microcontroller target and return it with its sizes.

    `model` is what compilers.aot or compilers.tflm returned; MLPerf Tiny's runner reads its name. `overrides` are CMake
    variables, for another engine and for tests. Once all is built, `firmware.elf` and `.map` are put into `out`, for a
    microcontroller also `.hex` and, unless the image has two parts, `.bin`. The same inputs give the same bytes.
    Raises CompileError if a tool is missing (naming its package), if the build fails (with its first error) or if sizes
    disagree with the plan; FitError if the linker runs out of RAM or flash.
    """
    mcu = mcu_of(target)
    toolchain_of(mcu).check()
    revision = firmware_revision(target)
    facts = _facts(target, mcu, model, revision)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="alpharho-") as work:
        build = Path(work) / "build"
        _configure(target.name, mcu, model, build, facts, overrides or {})
        cmake.run(["cmake", "--build", str(build)], target.name)
        built = {p.suffix: p for p in build.glob("firmware.*") if p.suffix in (".elf", ".map", ".bin", ".hex")}
        image = _measure(target, mcu, model, built, out, revision)
        for path in built.values():
            write_atomic(out / path.name, path.read_bytes())
    image.elf.chmod(0o755)
    return image


def tool_versions(target: Target) -> dict[str, str]:
    """Return the versions of what decides the image's bytes. Raises CompileError if a tool is missing."""
    toolchain = toolchain_of(mcu_of(target))
    return {toolchain.c_compiler: toolchain.version()}


def firmware_revision(target: Target) -> str:
    """Return 12 hex digits of the sha256 of all sources and options: what INFO calls `firmware`."""
    unit = target.emulator.unit if target.emulator else ""
    optimization = _kernel_optimization(mcu_of(target))
    inputs = (target.name, target.measured_on, unit, target.mcu, optimization, APP_OPTIMIZATION)
    digest = hashlib.sha256(repr(inputs).encode())
    for path in sorted(FIRMWARE_DIR.rglob("*")):
        relative = path.relative_to(FIRMWARE_DIR)
        if not path.is_file() or relative.parts[0] == "tests":
            continue
        if relative.parts[0] == "boards" and relative.parts[1] != mcu_of(target).board:
            continue
        content = path.read_bytes()
        digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _kernel_optimization(mcu: Mcu) -> str:
    return LINUX_OPTIMIZATION if mcu.family == "linux" else KERNEL_OPTIMIZATION


def _facts(target: Target, mcu: Mcu, model: CompiledModel, revision: str) -> list[str]:
    facts = {
        "FLASH_ORIGIN": f"{mcu.flash_origin:#x}",
        "FLASH_BYTES": f"{mcu.flash_bytes:#x}",
        "RAM_ORIGIN": f"{mcu.ram_origin:#x}",
        "RAM_BYTES": f"{mcu.ram_bytes:#x}",
        "STACK_BYTES": str(mcu.stack_bytes),
        "CLOCK_HZ": f"{mcu.clock_hz}u",
        "UART_BAUD": f"{mcu.uart_baud}u",
        "BOARD_NAME": f'"{target.name}"',
        "FIRMWARE_REVISION": f'"{revision}"',
        "MODEL_NAME": f'"{plain_name(model.name)}"',
        "MODEL_INPUT_BYTES": f"{model.input_bytes}u",
        "TEXT_OFFSET": str(model.pixel_offset),
    }
    on_mcu = not toolchain_of(mcu).hosted  # a hosted program reads the clock, also in an emulator
    if target.measured_on == "emulated" and on_mcu:
        facts["EMULATED"] = "1"
    if target.emulator is not None and on_mcu:
        facts["COUNTER_UNIT"] = f'"{target.emulator.unit}"'
    if model.is_streamed:
        facts["STREAMED_INPUT"] = "1"
    if model.is_traced:
        facts["TRACED"] = "1"
    if model.is_profiled:
        facts["PROFILED"] = "1"
    return [f"{key}={value}" for key, value in facts.items()]


def _configure(
    name: str, mcu: Mcu, model: CompiledModel, build: Path, facts: Sequence[str], overrides: Mapping[str, str]
) -> None:
    variables = {
        "CMAKE_TOOLCHAIN_FILE": str(FIRMWARE_DIR / "cmake" / "toolchain" / f"{mcu.toolchain}.cmake"),
        "FAMILY": mcu.family,
        "BOARD": mcu.board,
        "MODEL_DIR": str(model.folder.resolve()),
        "CPU_FLAGS": ";".join(mcu.cpu_flags.split()),
        "FACTS": ";".join(facts),
        "KERNELS": mcu.kernels,
        "KERNEL_OPTIMIZATION": _kernel_optimization(mcu),
        "APP_OPTIMIZATION": APP_OPTIMIZATION,
    }
    if mcu.toolchain == "host" and (compiler := toolchain_of(mcu).c_compiler) != "gcc":
        variables["CMAKE_C_COMPILER"] = compiler
    definitions = [f"-D{name}={value}" for name, value in (variables | dict(overrides)).items()]
    cmake.run(["cmake", "-S", str(FIRMWARE_DIR), "-B", str(build), "-G", "Ninja", *definitions], name)


def _measure(
    target: Target, mcu: Mcu, model: CompiledModel, built: Mapping[str, Path], out: Path, revision: str
) -> FirmwareImage:
    on_mcu = not toolchain_of(mcu).hosted
    sizes = read_sizes(built[".elf"])
    code = sizes.bytes_of(*CODE_SECTIONS)
    constants = sizes.bytes_of(".rodata") + (sizes.bytes_of(".data") if on_mcu else 0)
    weights = sizes.bytes_of(".weights")
    image = FirmwareImage(
        elf=out / built[".elf"].name,
        map=out / built[".map"].name,
        binary=out / built[".bin"].name if ".bin" in built else None,
        hex=out / built[".hex"].name if ".hex" in built else None,
        revision=revision,
        code_bytes=code,
        constant_bytes=constants,
        weights_bytes=weights,
        flash_bytes=code + constants + weights if on_mcu else 0,
        ram_bytes=sizes.end_of(*RAM_SECTIONS) - mcu.ram_origin if on_mcu else 0,
        arena_bytes=sizes.arena_bytes,
        stack_bytes=sizes.bytes_of(".stack"),
    )
    _check_sizes(target, mcu, model, image)
    return image


def _check_sizes(target: Target, mcu: Mcu, model: CompiledModel, image: FirmwareImage) -> None:
    """Raise CompileError where the image is not what the plan and the TOML say."""
    pairs = [("arena", model.arena_bytes, image.arena_bytes)]
    if not toolchain_of(mcu).hosted:
        pairs.append(("stack", mcu.stack_bytes, image.stack_bytes))
        over = image.weights_bytes - model.weights_bytes
        if not 0 <= over <= WEIGHT_ALIGNMENT_SLACK:
            pairs.append(("weights", model.weights_bytes, image.weights_bytes))
    for what, planned, placed in pairs:
        if planned != placed:
            raise CompileError(
                f"{target.name}: {what}: planned {planned:,} bytes, the linker placed {placed:,}; report it"
            )
