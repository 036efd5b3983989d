"""A firmware image, or a Linux board's program, for a model: built here when the user names none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compilers.aot import compile_model
from compilers.image import linux_program
from compilers.image.firmware import build_firmware
from target import Target


def build_image(target: Target, model: Path, folder: Path, stream_input: bool = False) -> Path:
    """Compile a .tflite ahead of time and build it for a target; return the image, or a Linux board's program.

    Raises CompileError or FitError, with the reason.
    """
    mcu = target.mcu or linux_program.mcu_of(target)
    plan = compile_model(model, folder / "model", mcu.kernels, stream_input=stream_input)
    return build_firmware(replace(target, mcu=mcu), plan.compiled(model.stem, folder / "model"), folder / "image").elf
