"""Exported symbols have the prefix of the project; each header stands by itself, in C and in C++."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from devtools import c_checks
from tests.compilers import host_build
from tests.compilers.test_compile import small_network
from tests.kernels import core_runner

PREFIX = "alpharho_"
# main: the C standard names it. TFLite-Micro's engine exports what newlib asks of an operating system; it is not here.
OTHER_NAMES = {"main"}
FIRMWARE = host_build.FIRMWARE
ARM = "arm-none-eabi-gcc"
CORES = {
    "cortex-m0plus": "portable",
    "cortex-m3": "portable",
    "cortex-m4": "dsp",
    "cortex-m33": "dsp",
    "cortex-m7": "m7",
    "cortex-m55": "mve",
    "rv32imc": "rv32",
}
# Part of the library that a project of somebody else includes.
PUBLIC_HEADERS = ("kernels/*.h", "engines/*.h", "protocol/*.h", "port/*.h", "app/*.h")
ALL_HEADERS = (*PUBLIC_HEADERS, "kernels/*/*.h", "families/*/*.h")
# Each form of the set simd includes these behind its own definitions, compiled for a CPU that this core is not.
PARTS_OF_FORMS = [
    f"kernels/simd/{name}.h" for name in ("arm", "conv", "eight", "elementwise", "functions", "x86", "x86_depthwise")
]


def compiled(command: list[str], source: Path, folder: Path) -> Path:
    output = folder / f"{source.parent.name}-{source.name}.o"
    done = subprocess.run([*command, "-c", str(source), "-o", str(output)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return output


def exported(path: Path) -> set[str]:
    """Return the global and weak symbols that an object file defines."""
    with path.open("rb") as file:
        return {
            symbol.name
            for section in ELFFile(file).iter_sections()
            if isinstance(section, SymbolTableSection)
            for symbol in section.iter_symbols()
            if symbol["st_info"]["bind"] != "STB_LOCAL" and symbol["st_shndx"] != "SHN_UNDEF"
        }


def unprefixed(path: Path) -> set[str]:
    return {name for name in exported(path) - OTHER_NAMES if not name.startswith(PREFIX)}


def core_options(core: str) -> list[str]:
    return [ARM, f"-mcpu={core}", "-mthumb", *(["-mfloat-abi=hard"] if core == "cortex-m55" else []), "-O2"]


def needs_arm() -> None:
    if not shutil.which(ARM):
        pytest.skip("arm-none-eabi-gcc is not installed (gcc-arm-none-eabi)")


@pytest.mark.parametrize("core", CORES)
def test_kernels_for_a_core_export_prefixed_names_only(core: str) -> None:
    needs_arm()
    objects = core_runner.kernel_objects(core, CORES[core])
    assert {name for path in objects for name in unprefixed(path)} == set()


def test_sets_of_kernels_link_into_one_program() -> None:
    """No name of one set is that of another: dsp, m7, mve and rv32 have functions of one purpose."""
    owners: dict[str, str] = {}
    objects = [host_build.kernel_objects(*host_build.OPTIONS, kernels=kernels) for kernels in ("m7", "mve", "rv32")]
    for path in itertools.chain(*objects):
        for name in exported(path):
            assert name.startswith(PREFIX)
            assert owners.setdefault(name, path.name) == path.name


def test_protocol_application_and_families_export_prefixed_names_only(tmp_path: Path) -> None:
    needs_arm()
    seen: set[str] = set()
    for unit in c_checks.units(1):
        options = [option for option in unit.options if option.startswith(("-I", "-D"))]
        command = (
            [*core_options("cortex-m4"), "-O0", "-std=c11"]
            if c_checks.DEVICE[0] in unit.options
            else ["gcc", "-std=c11"]
        )
        for source in unit.sources:
            if source.startswith(("firmware/tests/", "firmware/engines/tflm/")):
                continue
            path = compiled([*command, *(o.replace("-I", f"-I{host_build.ROOT}/") for o in options)],
                            host_build.ROOT / source, tmp_path)  # fmt: skip
            assert unprefixed(path) == set(), source
            seen |= exported(path)
    assert {"main", "alpharho_device_init", "alpharho_port_read", "alpharho_ring_push", "alpharho_info_part"} <= seen


def test_the_engine_exports_prefixed_names_only(tmp_path: Path) -> None:
    host_build.compile_to(small_network(), tmp_path)
    command = ["gcc", "-std=c11", *(f"-I{d}" for d in (tmp_path, host_build.KERNELS, FIRMWARE / "engines"))]
    path = compiled(command, FIRMWARE / "engines" / "aot" / "engine.c", tmp_path)
    assert "alpharho_engine_invoke" in exported(path)
    assert unprefixed(path) == set()


def test_a_name_without_prefix_is_found(tmp_path: Path) -> None:
    source = tmp_path / "limit.c"
    source.write_text("void limit(void) {}\nstatic void own(void) {}\nvoid (*alpharho_kept)(void) = own;\n")
    assert unprefixed(compiled(["gcc"], source, tmp_path)) == {"limit"}


def headers(patterns: tuple[str, ...]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(FIRMWARE.glob(pattern))]


def checked_alone(header: Path, command: list[str]) -> str:
    """Return what a compiler says of a file that includes a header twice, and nothing before it."""
    includes = [f"-I{FIRMWARE / folder}" for folder in (*c_checks.INCLUDES, "boards/mps2")]
    text = f'#include "{header}"\n#include "{header}"\n'
    command = [*command, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *includes, "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True).stderr


ALONE = [path for path in headers(ALL_HEADERS) if str(path.relative_to(FIRMWARE)) not in PARTS_OF_FORMS]


@pytest.mark.parametrize("header", ALONE, ids=lambda path: str(path.relative_to(FIRMWARE)))
def test_a_header_stands_by_itself(header: Path) -> None:
    needs_arm()
    # mve's own headers are for its core or for C models.
    core = "cortex-m55" if header.parent.name == "mve" else "cortex-m4"
    assert checked_alone(header, [*core_options(core), "-std=c11", "-x", "c", "-Wno-unused-function"]) == ""


@pytest.mark.parametrize("header", headers(PUBLIC_HEADERS), ids=lambda path: str(path.relative_to(FIRMWARE)))
def test_a_public_header_can_be_used_from_cpp(header: Path, tmp_path: Path) -> None:
    assert checked_alone(header, ["g++", "-std=c++17", "-x", "c++"]) == ""
    names = [
        line for line in header.read_text().splitlines() if line.endswith(");") and not line.startswith((" ", "#"))
    ]
    assert 'extern "C"' in header.read_text() or not names


def test_macros_of_public_headers_have_the_prefix() -> None:
    text = "".join(header.read_text() for header in headers(PUBLIC_HEADERS))
    macros = set(re.findall(r"^ *# *define +(\w+)", text, re.M))
    assert "ALPHARHO_MAX_PAYLOAD" in macros
    assert {name for name in macros if not name.startswith(PREFIX.upper())} == set()


def test_headers_do_not_include_each_other_in_a_circle() -> None:
    """Include guards hide a circle from the compiler."""
    paths = [path for path in FIRMWARE.rglob("*.h") if path.parent.parent.name != "boards"]
    by_name: dict[str, list[Path]] = {}
    for path in paths:
        by_name.setdefault(path.name, []).append(path)

    def included(path: Path) -> list[Path]:
        names = [line.split('"')[1] for line in path.read_text().splitlines() if line.startswith('#include "')]
        beside = [(path.parent / name).resolve() for name in names]
        return [b if b in paths else by_name[b.name][0] for b in beside if b in paths or b.name in by_name]

    def visit(path: Path, above: tuple[Path, ...]) -> None:
        assert path not in above, " -> ".join(p.name for p in (*above, path))
        for below in included(path):
            visit(below, (*above, path))

    for path in paths:
        visit(path, ())
