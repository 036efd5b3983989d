"""Generated C built for this machine, as a shared library or as a sanitized program."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import subprocess
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from compilers.aot import Plan, compile_model
from compilers.aot.sets import SETS, folders
from graph.types import Array
from tests.compilers.object_cache import compiled, compiled_data

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
KERNELS = FIRMWARE / "kernels"
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
OPTIONS = ("-O3",)
"""Of kernels and networks in this process, as of Linux programs. Kernels are compiled once for each set of options."""
UNDEFINED = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
CHECKED = ("-O1", *UNDEFINED)
"""With more of an optimizer gcc takes ten seconds for the checks in inlined forms of `simd`, and checks no more."""
ADDRESS = ("-fsanitize=address", *CHECKED)

# Four texts, two numbers, a truth value and two numbers, two tables, a function, on a 64-bit machine.
ENGINE_INFO_BYTES = 4 * 8 + 2 * 4 + 4 + 2 * 4 + 4 + 2 * 8 + 8

FORM_DOT = 2
"""The last form of the set simd, as its form.h has it."""
LARGE_BYTES = 200_000
"""From which on the C of constants takes gcc a noticeable time."""

Int8 = npt.NDArray[np.int8]

# A program around engine.h: input after input from stdin, output after output to stdout.
_MAIN = """
#include <stdio.h>
#include "engine.h"

int main(void) {
    if (alpharho_engine_init()) {
        return 1;
    }
    for (;;) {
        for (uint32_t i = 0; i < alpharho_engine_info()->input_count; i++) {
            if (!fread(alpharho_engine_input(i), alpharho_engine_info()->inputs[i].bytes, 1, stdin)) {
                return 0;
            }
        }
        if (alpharho_engine_invoke()) {
            return 2;
        }
        for (uint32_t i = 0; i < alpharho_engine_info()->output_count; i++) {
            fwrite(alpharho_engine_output(i), alpharho_engine_info()->outputs[i].bytes, 1, stdout);
        }
    }
}
"""


def gcc(*arguments: str | Path) -> None:
    """Run gcc and fail with what it says."""
    done = subprocess.run(["gcc", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def kernel_sources(kernels: str = "portable") -> list[Path]:
    """Return the sources of a kernel set, C and assembly: its own, and those of the sets that it is based on."""
    return [source for folder in folders(kernels) for source in sorted((KERNELS / folder).glob("*.[cS]"))]


def generated_sources(folder: Path, name: str = "model") -> list[Path]:
    """Return the C files of a compiled network."""
    return [folder / f"{name}.c", folder / f"{name}_weights.c"]


def kernel_headers() -> str:
    """Return the declarations of all kernels: those of `portable` first, which other sets need."""
    return "".join((KERNELS / kernel_set.header).read_text() for kernel_set in SETS.values())


@functools.cache
def kernel_objects(*options: str, kernels: str = "portable") -> tuple[Path, ...]:
    """Return the object files of a kernel set, built once for each set of options."""
    command = ["gcc", *WARNINGS, *options, "-fPIC", f"-I{KERNELS}"]
    return tuple(compiled(command, kernel_sources(kernels), "kernels"))


def build(folder: Path, output: Path, *options: str, main: bool = False, kernels: str = "portable") -> Path:
    """Compile the generated C in a folder and the engine to a shared library, or to a program that reads stdin."""
    code, weights = generated_sources(folder)
    if weights.stat().st_size > LARGE_BYTES:  # the same for each form and option of the code
        weights = compiled_data(["gcc", *WARNINGS, "-fPIC"], weights)
    sources = [code, weights, FIRMWARE / "engines" / "aot" / "engine.c"]
    if main:
        (folder / "main.c").write_text(_MAIN)
        sources.append(folder / "main.c")
    includes = [f"-I{d}" for d in (folder, KERNELS, FIRMWARE / "engines")]
    mode = [] if main else ["-shared"]
    gcc(
        *WARNINGS,
        *options,
        *includes,
        "-fPIC",
        *mode,
        *sources,
        *kernel_objects(*options, kernels=kernels),
        "-o",
        output,
    )
    return output


def forms_of(library: ctypes.CDLL, kernels: str) -> Generator[int]:
    """Let a library take the best form up to each one of its set, plain C first. Yield its number.

    Where this CPU does not have a form, the one before runs again. Sets other than simd have one.
    """
    if kernels != "simd":
        yield 0
        return
    most = ctypes.c_int32.in_dll(library, "alpharho_simd_most")
    try:
        for form in range(FORM_DOT + 1):
            most.value = form
            yield form
    finally:
        most.value = FORM_DOT


class HostEngine:
    """A network compiled by us, in this process. Loads a copy of the library: each has its own arena."""

    def __init__(
        self, model: Path | bytes, folder: Path, *options: str, kernels: str = "portable", optimize: str = "size"
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.plan = compile_to(model, folder, kernels, optimize)
        options = options or OPTIONS
        name = hashlib.sha256("".join(options).encode()).hexdigest()[:8]
        output = folder / f"model.{name}.{kernels}.{os.getpid()}.so"
        library = ctypes.CDLL(str(build(folder, output, *options, kernels=kernels)))
        library.alpharho_engine_input.restype = library.alpharho_engine_output.restype = ctypes.c_void_p
        self.library = library

    def run(self, *inputs: Array) -> Sequence[Array]:
        """Return the outputs for the inputs."""
        for i, (spec, value) in enumerate(zip(self.plan.inputs, inputs, strict=True)):
            ctypes.memmove(self.library.alpharho_engine_input(i), np.ascontiguousarray(value).tobytes(), spec.bytes)
        assert self.library.alpharho_engine_invoke() == 0
        outputs = enumerate(self.plan.outputs)
        return [self._output(i, spec.bytes).view(spec.dtype).reshape(spec.shape) for i, spec in outputs]

    def _output(self, index: int, size: int) -> Int8:
        return np.frombuffer(ctypes.string_at(self.library.alpharho_engine_output(index), size), np.int8)


class StreamedEngine:
    """A network compiled by us that takes its input as it arrives, in this process."""

    def __init__(self, model: Path, folder: Path, kernels: str, optimize: str = "size") -> None:
        self.plan = compile_model(model, folder, kernels, optimize, stream_input=True)
        self.library = ctypes.CDLL(str(build(folder, folder / "streamed.so", *CHECKED, kernels=kernels)))
        # The engine's own functions are static; info has them last.
        self.library.alpharho_engine_info.restype = ctypes.c_void_p
        self.library.alpharho_engine_output.restype = ctypes.c_void_p
        size = ctypes.sizeof(ctypes.c_void_p)
        info = ctypes.string_at(self.library.alpharho_engine_info(), ENGINE_INFO_BYTES)
        take = int.from_bytes(info[-size:], "little")
        self._take = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_bool)(take)
        assert not self.library.alpharho_engine_input(0)

    def begin(self) -> None:
        """Begin an input."""
        self._take(b"", 0, True)

    def take(self, data: bytes) -> None:
        """Take the next bytes of the input."""
        self._take(data, len(data), False)

    def finish(self) -> Int8:
        """Run what is left after the last byte, and return the output."""
        assert self.library.alpharho_engine_invoke() == 0
        output = ctypes.string_at(self.library.alpharho_engine_output(0), self.plan.outputs[0].bytes)
        return np.frombuffer(output, np.int8)


def compile_to(model: Path | bytes, folder: Path, kernels: str = "portable", optimize: str = "size") -> Plan:
    """Compile a `.tflite`, given as a path or bytes, into a folder."""
    if isinstance(model, bytes):
        path = folder / "model.tflite"
        path.write_bytes(model)
        model = path
    return compile_model(model, folder, kernels, optimize)


def run_program(program: Path, inputs: bytes) -> bytes:
    """Run a program made by `build(main=True)` on the bytes of its inputs and return those of its outputs."""
    done = subprocess.run([str(program)], input=inputs, capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
    return done.stdout
