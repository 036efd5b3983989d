"""A firmware image for a model, built here when the user names none."""

from __future__ import annotations

from pathlib import Path

from compilers.aot import compile_model
from compilers.image.firmware import build_firmware
from target import Target


def build_image(target: Target, model: Path, folder: Path) -> Path:
    """Compile a .tflite ahead of time and build it for a microcontroller target; return the image.

    Raises CompileError or FitError, with the reason.
    """
    if target.mcu is None:
        raise ValueError(f"{target.name} is not a microcontroller")
    plan = compile_model(model, folder / "model", target.mcu.kernels)
    return build_firmware(target, plan.compiled(model.stem, folder / "model"), folder / "image").elf
