"""Firmware: a compiled network, the engine and a board's port, built by CMake into one image."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import write_atomic
from compilers.compiled import CompiledModel
from compilers.image.elf_sizes import arena_bytes, sections_of
from compilers.image.fit import mcu_of
from errors import CompileError, FitError
from target import ROOT, Mcu, Target

FIRMWARE_DIR = ROOT / "firmware"
HOST_BOARD = "host"
KERNEL_OPTIMISATION = "-O2"
APP_OPTIMISATION = "-Os"
PACKAGES = {
    "cmake": "cmake",
    "ninja": "ninja-build",
    "gcc": "gcc",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "nano.specs": "libnewlib-arm-none-eabi",
}
# The linker aligns each constant; the plan counts their bytes alone.
WEIGHT_ALIGNMENT_SLACK = 4_096
BUILD_TIMEOUT_S = 900.0
CODE_SECTIONS = (".vectors", ".text", ".ARM.extab", ".ARM.exidx", ".init_array")

# What says why a build failed; collect2 only says that the linker did.
_TELLING = re.compile(
    r"(^|: )(fatal )?error: (?!ld returned)|^CMake Error|undefined reference|multiple definition|/ld: "
)
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")


@dataclass(frozen=True)
class FirmwareImage:
    """A built image and what it takes, in bytes.

    Flash is code, constants (start values of variables included) and weights; RAM is all from its origin to the end of
    what the linker placed: stack, arena and all other variables. `binary` is None where an image has two parts.
    On `host`, where nothing is sized, flash and RAM are 0 and `code_bytes` and `constant_bytes` are the process's own.
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
        """Return the sizes by name, without those that mean nothing here."""
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
    variables, for another engine and for tests. `firmware.elf`, `.map` and, for a
    real core, `.bin` and `.hex` are put into `out` once all is built: the same inputs give the same bytes.
    Raises CompileError if a tool is missing (naming its package), the build fails (with the tool's last line) or sizes
    disagree with the plan; FitError if the linker runs out of RAM or flash.
    """
    mcu = mcu_of(target)
    check_tools(mcu)
    revision = firmware_revision(target)
    facts = _facts(target, mcu, model, revision)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="alpharho-") as work:
        build = Path(work) / "build"
        _configure(mcu, model, build, facts, overrides or {})
        _run(["cmake", "--build", str(build)], target)
        built = {p.suffix: p for p in build.glob("firmware.*") if p.suffix in (".elf", ".map", ".bin", ".hex")}
        image = _measure(target, mcu, model, built, out, revision)
        for path in built.values():
            write_atomic(out / path.name, path.read_bytes())
    image.elf.chmod(0o755)
    return image


def check_tools(mcu: Mcu) -> None:
    """Raise CompileError naming the Debian package of the first tool that is missing."""
    compiler = "gcc" if mcu.board == HOST_BOARD else "arm-none-eabi-gcc"
    for tool in ("cmake", "ninja", compiler):
        if not shutil.which(tool):
            raise CompileError(f"{tool}: not found; install it with: apt install {PACKAGES[tool]}")
    if mcu.board != HOST_BOARD:
        # gcc prints the bare name of a file that it does not find.
        done = subprocess.run([compiler, "-print-file-name=nano.specs"], capture_output=True, text=True, check=False)
        if done.stdout.strip() == "nano.specs":
            raise CompileError(f"{compiler}: no newlib; install it with: apt install {PACKAGES['nano.specs']}")


def tool_versions(target: Target) -> dict[str, str]:
    """Return the versions of what decides the image's bytes. Raises CompileError if a tool is missing."""
    mcu = mcu_of(target)
    check_tools(mcu)
    compiler = "gcc" if mcu.board == HOST_BOARD else "arm-none-eabi-gcc"
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False)
    return {compiler: (done.stdout.splitlines() or ["unknown"])[0]}


def firmware_revision(target: Target) -> str:
    """Return 12 hex digits of the sha256 of all sources and options: what INFO calls `firmware`."""
    digest = hashlib.sha256(repr((target, KERNEL_OPTIMISATION, APP_OPTIMISATION)).encode())
    for path in sorted(FIRMWARE_DIR.rglob("*")):
        relative = path.relative_to(FIRMWARE_DIR)
        if path.is_file() and relative.parts[0] != "tests":
            content = path.read_bytes()
            digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


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
        "MODEL_NAME": '"{}"'.format(re.sub(r"[^\w.-]", "_", model.name, flags=re.ASCII)),
        "MODEL_INPUT_BYTES": f"{model.input_bytes}u",
        "TEXT_OFFSET": str(model.pixel_offset),
    }
    if target.measured_on == "emulated":
        facts["EMULATED"] = "1"
    if model.is_streamed:
        facts["STREAMED_INPUT"] = "1"
    return [f"{key}={value}" for key, value in facts.items()]


def _configure(mcu: Mcu, model: CompiledModel, build: Path, facts: Sequence[str], overrides: Mapping[str, str]) -> None:
    variables = {
        "MODEL_DIR": str(model.folder.resolve()),
        "CPU_FLAGS": ";".join(mcu.cpu_flags.split()),
        "FACTS": ";".join(facts),
        "KERNELS": mcu.kernels,
        "KERNEL_OPTIMISATION": KERNEL_OPTIMISATION,
        "APP_OPTIMISATION": APP_OPTIMISATION,
    }
    command = ["cmake", "-S", str(FIRMWARE_DIR), "-B", str(build), "--preset", mcu.board]
    _run(command + [f"-D{name}={value}" for name, value in (variables | dict(overrides)).items()], None)


def _run(command: Sequence[str], target: Target | None) -> None:
    """Run CMake. Raises FitError where the linker found no room, else CompileError with the line that matters."""
    # A user's CFLAGS would make other bytes.
    environment = {k: v for k, v in os.environ.items() if k not in ("CFLAGS", "CPPFLAGS", "LDFLAGS", "CC")}
    environment |= {"LC_ALL": "C", "CMAKE_COLOR_DIAGNOSTICS": "OFF"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise CompileError(f"{command[0]}: the build took over {BUILD_TIMEOUT_S:g} s") from e
    if done.returncode == 0:
        return
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    for line in lines:
        over = _OVERFLOW.search(line)
        if over and target:
            memory = "RAM" if over[1] == "RAM" else "flash"
            raise FitError(
                f"{target.name}: {memory} is short by {int(over[2]):,} bytes, says the linker; "
                "take a smaller preset or a larger board"
            )
    telling = [line for line in lines if _TELLING.search(line)] or lines[-3:]
    raise CompileError(f"firmware: the build failed: {' | '.join(telling[:3])}; mend that or report it")


def _measure(
    target: Target, mcu: Mcu, model: CompiledModel, built: Mapping[str, Path], out: Path, revision: str
) -> FirmwareImage:
    on_mcu = mcu.board != HOST_BOARD
    prefix = "arm-none-eabi-" if on_mcu else ""
    sections = sections_of(built[".elf"], prefix)
    size = {name: section.size for name, section in sections.items()}
    code = sum(size.get(name, 0) for name in CODE_SECTIONS)
    constants = size.get(".rodata", 0) + (size.get(".data", 0) if on_mcu else 0)
    weights = size.get(".weights", 0)
    in_ram = [section.end for name, section in sections.items() if name in (".stack", ".data", ".arena", ".bss")]
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
        ram_bytes=max(in_ram) - mcu.ram_origin if on_mcu else 0,
        arena_bytes=arena_bytes(built[".elf"], prefix),
        stack_bytes=size.get(".stack", 0),
    )
    _check_sizes(target, mcu, model, image)
    return image


def _check_sizes(target: Target, mcu: Mcu, model: CompiledModel, image: FirmwareImage) -> None:
    """Raise CompileError where the image is not what the plan and the TOML say."""
    pairs = [("arena", model.arena_bytes, image.arena_bytes)]
    if mcu.board != HOST_BOARD:
        pairs.append(("stack", mcu.stack_bytes, image.stack_bytes))
        over = image.weights_bytes - model.weights_bytes
        if not 0 <= over <= WEIGHT_ALIGNMENT_SLACK:
            pairs.append(("weights", model.weights_bytes, image.weights_bytes))
    for what, planned, found in pairs:
        if planned != found:
            raise CompileError(
                f"{target.name}: {what}: planned {planned:,} bytes, the linker placed {found:,}; report it"
            )
