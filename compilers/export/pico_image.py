"""The firmware of a board of the Pico SDK: the export with the protocol, built with the user's own SDK."""

from __future__ import annotations

import tempfile
from pathlib import Path

import process
from artifact import Artifact, produce, write_atomic
from compilers.aot import Plan, key
from compilers.compiled import macro_prefix
from compilers.export import EXPORT_VERSION, Settings, files_of
from compilers.export.frameworks import PICO_SDK
from compilers.export.pico_sdk import VARIABLE, PicoSdk, find
from compilers.export.sources import source_digest
from compilers.image import cmake
from compilers.image.elf_sizes import read_sizes
from compilers.image.fit import check_fit, mcu_of, short
from compilers.image.microcontroller import FILENAME, FirmwareFacts
from compilers.image.toolchain import Toolchain, toolchain_of
from errors import CompileError
from target import Target
from target.sections import Mcu

EXPORT_FOLDER = "export"
FORMS = (".elf", ".bin", ".hex")
RAM_SECTIONS = (".ram_vector_table", ".data", ".bss", ".heap")
STACK_SECTION = ".stack_dummy"
STRIP_S = 60.0
HINT = "a build with the Pico SDK takes a minute or less; see whether this machine is busy"


def check(target: Target) -> None:
    """Raise CompileError if the SDK, or a tool that it needs, is missing or too old. Takes milliseconds."""
    toolchain = toolchain_of(mcu_of(target))
    toolchain.check()
    toolchain.check_cpp()  # the SDK links as C++
    find(target.name)


def compile_for(model: Artifact[object], target: Target, optimize: str = "size") -> Artifact[FirmwareFacts]:
    """Return the firmware image of an int8 artifact for a board of the Pico SDK: kind `firmware`.

    The export that it is built of is in `export/` beside it.
    Raises CompileError if an operator can't be compiled, if the SDK or a tool is missing, or if the SDK's build fails,
    with its first error; FitError if RAM or flash is too small.
    """
    check(target)
    mcu, sdk, toolchain = mcu_of(target), find(target.name), toolchain_of(mcu_of(target))
    settings = Settings(PICO_SDK.name, mcu.kernels, optimize, with_protocol=True, board=target.name)
    unit = target.emulator.unit if target.emulator else ""

    def make(folder: Path) -> FirmwareFacts:
        contents, files = files_of(model, settings)
        needs = check_fit(target, contents.plan)
        exported = folder / EXPORT_FOLDER
        for path, content in files.items():
            write_atomic(exported / path, content)
        try:
            _build(target, mcu, sdk, exported, contents.identifier, unit, folder)
        except CompileError as e:
            if not needs.fits:  # which the linker says in its own words
                raise short(target, needs) from e
            raise
        return FirmwareFacts(model.sha256, _memory(target, mcu, folder, contents.plan), contents.plan, optimize)

    return produce(
        "firmware",
        f"{target.name}-{model.name}",
        FILENAME,
        FirmwareFacts,
        make,
        parents={model.kind: model.sha256},
        tools={toolchain.c_compiler: toolchain.version(), PICO_SDK.name: sdk.version_text},
        parameters={
            "engine": key(),
            "export": EXPORT_VERSION,
            "sources": source_digest(mcu.kernels),
            "sdk": sdk.digest(),
            "board": mcu.board,
            "target": target.name,
            "unit": unit,
            "optimize": optimize,
        },
    )


def _build(target: Target, mcu: Mcu, sdk: PicoSdk, exported: Path, name: str, unit: str, out: Path) -> None:
    """Build the program `serve` of an export and put it into `out` in all FORMS, under the name of FILENAME.

    `unit` is what the counter of an emulator counts, "" for a board.
    """
    program = f"{name}_serve"
    variables = {VARIABLE: str(sdk.folder), "PICO_TINYUSB_PATH": str(sdk.tinyusb)}
    with tempfile.TemporaryDirectory(prefix="alpharho-") as build:
        definitions = {
            "PICO_BOARD": mcu.board,
            "PICO_NO_PICOTOOL": "1",  # it would be built first; our flashers make the UF2
            "CMAKE_BUILD_TYPE": "Release",
        }
        if unit:
            definitions[f"{macro_prefix(name)}_COUNTER_UNIT"] = unit
        options = [f"-D{name}={value}" for name, value in definitions.items()]
        configure = ["cmake", "-S", str(exported), "-B", build, "-G", "Ninja", *options]
        cmake.run(configure, target.name, variables=variables, hint=HINT)
        cmake.run(["cmake", "--build", build, "--target", program], target.name, variables=variables, hint=HINT)
        _strip(toolchain_of(mcu), Path(build, program).with_suffix(".elf"))
        for form in FORMS:
            built = Path(build, program).with_suffix(form)
            if not built.is_file():
                raise CompileError(
                    f"{target.name}: the Pico SDK built no {built.name}; see whether {sdk.folder} is whole and "
                    f"{sdk.version_text} as released"
                )
            write_atomic((out / FILENAME).with_suffix(form), built.read_bytes())


def _strip(toolchain: Toolchain, elf: Path) -> None:
    """Remove the debug sections of an ELF image: they hold the paths of this build."""
    if elf.is_file():
        process.run([f"{toolchain.prefix}objcopy", "--strip-debug", str(elf)], error=CompileError, timeout_s=STRIP_S)


def _memory(target: Target, mcu: Mcu, folder: Path, plan: Plan) -> dict[str, int]:
    """Return the sizes of an image in bytes. Raises CompileError if its stack is not the TOML's."""
    sizes = read_sizes(folder / FILENAME)
    flash = (folder / FILENAME).with_suffix(".bin").stat().st_size
    stack = sizes.bytes_of(STACK_SECTION)
    if stack != mcu.stack_bytes:
        raise CompileError(
            f"{target.name}: stack: expected {mcu.stack_bytes:,} bytes, the linker placed {stack:,}; report it"
        )
    return {
        "code": flash - plan.weights_bytes,
        "weights": plan.weights_bytes,
        "flash": flash,
        "ram": sizes.end_of(*RAM_SECTIONS) - mcu.ram_origin + stack,
        "arena": plan.arena_bytes,
        "stack": stack,
    }
