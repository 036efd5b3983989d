"""A microcontroller's image with TFLite-Micro inside: our firmware, linked with a library that the user has built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artifact import Artifact, ImageFacts, produce, write_atomic
from compilers.compiled import macro_prefix
from compilers.image.firmware import FIRMWARE_DIR, build_firmware, firmware_revision, tool_versions
from compilers.image.fit import mcu_of
from compilers.image.toolchain import toolchain_of
from compilers.tflm import TflmFacts, tree
from compilers.tflm.emit import Model, emit, firmware_header
from target import Target

FILENAME = "firmware.elf"
MODEL_FOLDER = "model"
ENGINE_FOLDER = FIRMWARE_DIR / "engines" / "tflm"


@dataclass(frozen=True)
class TflmFirmwareFacts(ImageFacts):
    """Facts of a firmware image with TFLite-Micro: sizes by name from the linker, name of the user's library."""

    library: str


def build_for(compiled: Artifact[TflmFacts], model: Model, target: Target) -> Artifact[TflmFirmwareFacts]:
    """Return the firmware image of a `tflm` artifact for a microcontroller: kind `firmware`, as the aot engine's is.

    Raises CompileError if there is no library for the target or no C++ compiler, FitError if it needs more RAM or flash
    than there is.
    """
    library = tree.find(target)
    toolchain_of(mcu_of(target)).check_cpp()

    def make(folder: Path) -> TflmFirmwareFacts:
        source = folder / MODEL_FOLDER
        arena_bytes = _arena_bytes(model, library, target)
        definition = f"{macro_prefix(model.identifier)}_ARENA_BYTES={arena_bytes}"
        header = firmware_header(model, library.kernels, library.sha256[:12], arena_bytes)
        files = emit(model) | {"model.h": header}
        for name in (name for name in files if "/" not in name):
            write_atomic(source / name, files[name])
        overrides = {
            "ENGINE_DIR": str(ENGINE_FOLDER),
            "LANGUAGES": "C;CXX",
            "TFLM_LIBRARY": str(library.path),
            "TFLM_INCLUDES": ";".join(library.includes),
            "TFLM_DEFINITIONS": ";".join([*library.definitions, definition]),
        }
        image = build_firmware(target, model.compiled(source, arena_bytes), folder, overrides=overrides)
        return TflmFirmwareFacts(model.sha256, image.facts(), library.name)

    return produce(
        "firmware",
        f"{target.name}-{model.name}-tflm",
        FILENAME,
        TflmFirmwareFacts,
        make,
        parents={compiled.kind: compiled.sha256, **compiled.parents},
        tools={**tool_versions(target), **compiled.tools, f"TFLite-Micro {library.name}": library.sha256},
        parameters={**compiled.parameters, "firmware": firmware_revision(target)},
    )


def _arena_bytes(model: Model, library: tree.Library, target: Target) -> int:
    """Return the arena for a library's kernels; pointers of 64 bits need the one that was measured."""
    if library.name.startswith("linux_"):
        return model.arena.host_bytes
    return model.arena.bytes_for(library.kernels, target.cpu)
