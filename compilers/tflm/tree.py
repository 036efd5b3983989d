"""A TFLite-Micro tree that the user has built: which of its libraries a target takes, and what is missing if none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artifact import sha256_of
from compilers.image.fit import mcu_of
from errors import CompileError, nearest
from target import Target

TFLM_DIR = "TFLM_DIR"
TFLM_BUILD = "TFLM_BUILD"
"""Environment variables: the tree, and which folder of its gen/ to take where several fit."""
LIBRARY = "libtensorflow-microlite.a"
DOWNLOADS = "tensorflow/lite/micro/tools/make/downloads"
MAKE = "make -f tensorflow/lite/micro/tools/make/Makefile"
INCLUDES = ("", DOWNLOADS, f"{DOWNLOADS}/flatbuffers/include", f"{DOWNLOADS}/gemmlowp", f"{DOWNLOADS}/ruy")
NEEDED = (
    "tensorflow/lite/micro/micro_interpreter.h",
    f"{DOWNLOADS}/flatbuffers/include/flatbuffers/flatbuffers.h",
    f"{DOWNLOADS}/gemmlowp/fixedpoint/fixedpoint.h",
)
# Upstream's BUILD_TYPE and what it defines, best first: without checks, with messages, with both.
BUILD_TYPES = {
    "release": ("NDEBUG", "TF_LITE_STRIP_ERROR_STRINGS"),
    "release_with_logs": ("NDEBUG",),
    "default": (),
}
WITH_FLOAT = ("cortex-m4", "cortex-m7")  # upstream names their variant with an FPU


@dataclass(frozen=True)
class Library:
    """A built library of a tree: `name` is its folder in gen/, `kernels` its OPTIMIZED_KERNEL_DIR or `reference`."""

    root: Path
    name: str
    kernels: str
    build_type: str

    @property
    def path(self) -> Path:
        """The archive."""
        return self.root / "gen" / self.name / "lib" / LIBRARY

    @property
    def sha256(self) -> str:
        """The archive's sha256."""
        return sha256_of(self.path)

    @property
    def includes(self) -> list[str]:
        """Folders to search for headers."""
        return [str(self.root / folder) for folder in INCLUDES]

    @property
    def definitions(self) -> list[str]:
        """What the library was compiled with and its headers ask for; the first decides the layout of structures."""
        optimized = [] if self.kernels == "reference" else [self.kernels.upper()]
        return ["TF_LITE_STATIC_MEMORY", "TF_LITE_DISABLE_X86_NEON", *BUILD_TYPES[self.build_type], *optimized]


def find(target: Target, environment: Mapping[str, str] = os.environ) -> Library:
    """Return the library for a target from the tree that TFLM_DIR names.

    Of several, the one with optimized kernels and without checks, unless TFLM_BUILD names another. Raises CompileError
    saying what is missing and the command that makes it.
    """
    prefix = _prefix(target)
    command = _command(prefix)
    folder = environment.get(TFLM_DIR, "")
    if not folder:
        raise CompileError(
            f"--engine tflm: {TFLM_DIR} is not set; clone github.com/tensorflow/tflite-micro, run `{command}` there, "
            f"and set {TFLM_DIR} to that folder"
        )
    root = Path(folder).expanduser().resolve()
    for name in NEEDED:
        if not (root / name).is_file():
            raise CompileError(f"{TFLM_DIR}={folder}: no {name}; expected a TFLite-Micro tree in which `{command}` ran")
    built = sorted(path.parent.parent.name for path in root.glob(f"gen/*/lib/{LIBRARY}"))
    chosen_name = environment.get(TFLM_BUILD, "")
    if chosen_name and chosen_name not in built:
        raise CompileError(
            f"{TFLM_BUILD}={chosen_name}: not built in {folder}; {nearest(chosen_name, built or ['nothing'])}"
        )
    fitting = [library for name in built if (library := _parse(root, name, prefix))]
    chosen = [library for library in fitting if not chosen_name or library.name == chosen_name]
    if not chosen:
        others = f"; built there: {', '.join(built)}" if built else ""
        raise CompileError(f"{TFLM_DIR}={folder}: nothing built for {target.name}{others}; run `{command}` there")
    return min(
        chosen, key=lambda library: (library.kernels == "reference", list(BUILD_TYPES).index(library.build_type))
    )


def missing(target: Target) -> str:
    """Return the message of the error that `find` raises for a target; "" if there is a library."""
    try:
        find(target)
    except CompileError as e:
        return str(e)
    return ""


def _prefix(target: Target) -> str:
    """Return how upstream names builds for a target: TARGET and TARGET_ARCH."""
    mcu = mcu_of(target)
    flags = mcu.cpu_flags.split()
    core = next((flag.removeprefix("-mcpu=") for flag in flags if flag.startswith("-mcpu=")), "")
    if not core:
        return f"linux_{os.uname().machine}"
    return f"cortex_m_generic_{core}" + ("+fp" if core in WITH_FLOAT and "-mfloat-abi=hard" in flags else "")


def _command(prefix: str) -> str:
    if prefix.startswith("linux_"):
        return f"{MAKE} microlite"
    arch = prefix.removeprefix("cortex_m_generic_")
    options = f"TARGET=cortex_m_generic TARGET_ARCH={arch} OPTIMIZED_KERNEL_DIR=cmsis_nn BUILD_TYPE=release"
    return f"{MAKE} {options} microlite"


def _parse(root: Path, name: str, prefix: str) -> Library | None:
    """Return the library of a folder in gen/, named TARGET_ARCH_BUILDTYPE[_KERNELS]_gcc; None if it is for another."""
    if not name.startswith(f"{prefix}_") or not name.endswith("_gcc"):
        return None
    rest = name.removeprefix(f"{prefix}_").removesuffix("_gcc")
    for build_type in sorted(BUILD_TYPES, key=len, reverse=True):
        if rest == build_type or rest.startswith(f"{build_type}_"):
            return Library(root, name, rest.removeprefix(build_type).removeprefix("_") or "reference", build_type)
    return None
