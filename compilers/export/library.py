"""Static libraries of an export's network and kernels, one for each core, in place of their sources."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import process
from compilers.image.toolchain import TOOLCHAINS
from errors import CompileError, nearest

FRAMEWORKS = ("cmake", "zephyr", "esp-idf")
"""Those whose projects choose a library by the core."""
TIMEOUT_S = 120.0
OPTIONS = ("-std=gnu11", "-O2", "-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra")
_INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Core:
    """A core and how it passes floats: a toolchain of compilers.image, its options, and the kernel sets it runs."""

    toolchain: str
    options: tuple[str, ...]
    kernels: tuple[str, ...] = ("portable",)


def _arm(cpu: str, floats: str, *kernels: str) -> Core:
    options = (f"-mcpu={cpu}", "-mthumb", *floats.split())
    return Core("arm-none-eabi", options, ("portable", *kernels))


def _riscv(march: str, abi: str) -> Core:
    return Core("riscv64-unknown-elf", (f"-march={march}", f"-mabi={abi}"), ("portable", "rv32"))


_SOFT, _SINGLE, _FIVE = "-mfloat-abi=soft", "-mfpu=fpv4-sp-d16 -mfloat-abi=hard", "-mfpu=fpv5-sp-d16 -mfloat-abi=hard"
# Those with f pass floats in registers; the others link with code that uses the FPU but passes floats elsewhere.
CORES = {
    "cortex-m0plus": _arm("cortex-m0plus", _SOFT),
    "cortex-m3": _arm("cortex-m3", _SOFT),
    "cortex-m4": _arm("cortex-m4", _SOFT, "dsp"),
    "cortex-m4f": _arm("cortex-m4", _SINGLE, "dsp"),
    "cortex-m7": _arm("cortex-m7", _SOFT, "dsp", "m7"),
    "cortex-m7f": _arm("cortex-m7", _FIVE, "dsp", "m7"),
    "cortex-m33": _arm("cortex-m33", _SOFT, "dsp"),
    "cortex-m33f": _arm("cortex-m33", _FIVE, "dsp"),
    "cortex-m55f": _arm("cortex-m55", "-mfloat-abi=hard", "mve"),
    "rv32imc": _riscv("rv32imc", "ilp32"),
    "rv32imac": _riscv("rv32imac", "ilp32"),
    "rv32imafc": _riscv("rv32imafc", "ilp32f"),
}


def check(cores: Sequence[str], framework: str, kernels: str) -> None:
    """Raise CompileError if a core is not known or does not run the kernels, or if the framework takes sources only."""
    if cores and framework not in FRAMEWORKS:
        raise CompileError(
            f"--library: {framework} takes sources; leave it out, or use --for {' or '.join(FRAMEWORKS)}"
        )
    for core in cores:
        if core not in CORES:
            raise CompileError(f"--library {core}: unknown; {nearest(core, CORES)}")
        if kernels not in CORES[core].kernels:
            known = " or ".join(CORES[core].kernels)
            raise CompileError(f"--library {core}: has no instructions for {kernels} kernels; use --kernels {known}")


def built(code: Mapping[str, str], sources: Sequence[str], name: str, cores: Sequence[str]) -> dict[str, bytes]:
    """Return the libraries of an export's `sources` by path. `code` are its files by path, `name` its name in C.

    The same code and compiler give the same bytes. Raises CompileError naming the package of a missing compiler.
    """
    libraries = {}
    with tempfile.TemporaryDirectory(prefix="alpharho-") as folder:
        root = Path(folder)
        for path, text in code.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        for core in cores:
            libraries[f"lib/{core}/lib{name}.a"] = _archive(root, sources, core)
    return libraries


def _archive(root: Path, sources: Sequence[str], core: str) -> bytes:
    toolchain, options = TOOLCHAINS[CORES[core].toolchain], CORES[core].options
    if toolchain.c_package == "picolibc-riscv64-unknown-elf":
        options = (*options, "--specs=picolibc.specs")
    objects = []
    for i, source in enumerate(sources):
        objects.append(f"{core}-{i:02d}-{Path(source).stem}.o")
        command = [toolchain.c_compiler, *options, *OPTIONS, f"-ffile-prefix-map={root}=.", "-c", source]
        process.run(
            [*command, "-o", objects[-1]],
            error=CompileError,
            timeout_s=TIMEOUT_S,
            install=toolchain.package,
            telling="error",
            folder=root,
        )
    library = f"{core}.a"
    process.run(
        [toolchain.archiver, "rcsD", library, *objects],
        error=CompileError,
        timeout_s=TIMEOUT_S,
        install=toolchain.package,
        folder=root,
    )
    return (root / library).read_bytes()


def without_sources(code: Mapping[str, str], removed: Iterable[str]) -> dict[str, str]:
    """Return the files of an export without `removed`, and without headers that nothing else includes."""
    left = {path: text for path, text in code.items() if path not in set(removed)}
    waiting = [path for path in left if not path.endswith((".h", ".inc")) or path.count("/") == 1]
    needed: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in needed:
            continue
        needed.add(path)
        here = os.path.dirname(path)
        names = (os.path.normpath(os.path.join(here, name)) for name in _INCLUDE.findall(left[path]))
        waiting += [name for name in names if name in left]
    return {path: text for path, text in left.items() if path in needed}
