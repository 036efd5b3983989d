"""A microcontroller's image: the network as C, checked to fit, then built with the firmware for one board."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artifact import Artifact, ImageFacts, produce
from compilers import aot
from compilers.image.firmware import build_firmware, firmware_revision, tool_versions
from compilers.image.fit import check_fit, mcu_of
from target import Target

FILENAME = "firmware.elf"
MODEL_FOLDER = "model"


@dataclass(frozen=True)
class FirmwareFacts(ImageFacts):
    """Facts of a firmware image with a network compiled ahead of time: sizes by name from the linker, and its plan."""

    plan: aot.Plan
    optimize: str


def compile_for(
    model: Artifact[object],
    target: Target,
    optimize: str = "size",
    stream_input: bool = False,
    trace: bool = False,
) -> Artifact[FirmwareFacts]:
    """Return the firmware image of an int8 artifact for a microcontroller: kind `firmware`.

    `optimize` is one of compilers.aot.OPTIMIZE; with `stream_input` the device takes its input row by row. With `trace`
    it hashes what each operator writes, which takes time: such an image is not for measurements. The generated C is in
    `model/` beside it.
    Raises CompileError if an operator can't be compiled or a tool is missing, FitError if RAM or flash is too small.
    """
    mcu = mcu_of(target)

    def make(folder: Path) -> FirmwareFacts:
        plan = aot.compile_model(
            model.path, folder / MODEL_FOLDER, mcu.kernels, optimize, stream_input, name=model.name, trace=trace
        )
        check_fit(target, plan)
        image = build_firmware(target, plan.compiled(model.name, folder / MODEL_FOLDER), folder)
        return FirmwareFacts(model.sha256, image.facts(), plan, optimize)

    return produce(
        "firmware",
        f"{target.name}-{model.name}" + ("-trace" if trace else ""),
        FILENAME,
        FirmwareFacts,
        make,
        parents={model.kind: model.sha256},
        tools=tool_versions(target),
        parameters={
            "engine": f"{aot.ENGINE} {aot.ENGINE_VERSION}",
            "optimize": optimize,
            "stream_input": stream_input,
            "firmware": firmware_revision(target),
            **({"trace": True} if trace else {}),
        },
    )
