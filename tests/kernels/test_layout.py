"""What assembly takes from layout.h: the build fails if a value is not that of the C structures or of the code."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.compilers import host_build
from tests.kernels import core_runner

CORES = {
    "portable": "cortex-m0plus",
    "dsp": "cortex-m4",
    "m7": "cortex-m7",
    "mve": "cortex-m55",
    "rv32": "rv32imc",
}
OFFSET = re.compile(r"^#define ((?:\w+_)?(?:JOB|ROWS?|TAPS|DENSE|ADD|MUL)_\w+) +(\d+)$", re.M)
CODE_BYTES = re.compile(r"^#define (\w+_(?:UNIT|CODE|BRANCH)_BYTES) +(\d+)$", re.M)

needs_compiler = pytest.mark.skipif(core_runner.missing() is not None, reason=f"install {core_runner.missing()}")


def _names(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    layouts = {kernels: (host_build.KERNELS / kernels / "layout.h").read_text() for kernels in CORES}
    return [(kernels, name) for kernels, text in layouts.items() for name, _ in pattern.findall(text)]


def _changed(folder: Path, pattern: re.Pattern[str], by: int, only: str = r"\w+") -> Path:
    """Return a copy of the kernels in which values of the layouts that the pattern matches are larger."""
    copy = folder / "kernels"
    shutil.copytree(host_build.KERNELS, copy)
    for kernels in CORES:
        path = copy / kernels / "layout.h"

        def larger(match: re.Match[str]) -> str:
            return f"#define {match[1]} {int(match[2]) + by}" if re.fullmatch(only, match[1]) else match[0]

        path.write_text(pattern.sub(larger, path.read_text()))
    return copy


def _errors(folder: Path, kernels: str, ending: str, work: Path) -> str:
    errors = ""
    for source in sorted((folder / kernels).glob(f"*.{ending}")):
        command = [
            one.replace(str(host_build.KERNELS), str(folder)) for one in core_runner.compile_command(CORES[kernels])
        ]
        done = subprocess.run([*command, "-c", source, "-o", work / "object.o"], capture_output=True, text=True)
        errors += done.stderr if done.returncode else ""
    return errors


@needs_compiler
@pytest.mark.parametrize("kernels", CORES)
def test_the_sets_are_built_without_errors(kernels: str) -> None:
    assert len(core_runner.kernel_objects(CORES[kernels], kernels)) == len(host_build.kernel_sources(kernels))


@needs_compiler
@pytest.mark.parametrize("kernels", CORES)
def test_c_asserts_each_offset_that_assembly_reads(kernels: str, tmp_path: Path) -> None:
    errors = _errors(_changed(tmp_path, OFFSET, 4), kernels, "c", tmp_path)
    names = [name for owner, name in _names(OFFSET) if owner == kernels]
    assert len(names) >= 8 or kernels == "m7"  # which has the structures of dsp
    assert not [name for name in names if not re.search(rf"\b{name}\b", errors)]


@needs_compiler
@pytest.mark.parametrize(("kernels", "name"), _names(CODE_BYTES))
def test_the_assembler_checks_how_long_the_code_is_that_a_computed_jump_skips(
    kernels: str, name: str, tmp_path: Path
) -> None:
    assert "Error:" in _errors(_changed(tmp_path, CODE_BYTES, 2, only=name), kernels, "S", tmp_path)
