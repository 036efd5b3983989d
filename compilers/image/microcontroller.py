"""A microcontroller's image: the network as C, checked to fit, then built with the firmware for one board."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from artifact import Artifact, ImageFacts, produce, sha256_of
from compilers import aot
from compilers.image.firmware import FIRMWARE_DIR, build_firmware, firmware_revision, tool_versions
from compilers.image.fit import check_fit, mcu_of
from fields import Json
from target import Target

FILENAME = "firmware.elf"
MODEL_FOLDER = "model"
PROFILE = FIRMWARE_DIR / "tests" / "profile" / "profile.h"


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
    profile: bool = False,
) -> Artifact[FirmwareFacts]:
    """Return the firmware image of an int8 artifact for a microcontroller: kind `firmware`.

    See aot.compile_model for the options; an image with `trace` or `profile` is not for measurements. The generated C
    is in `model/` beside it. Raises CompileError if an operator can't be compiled or a tool is missing, FitError if RAM
    or flash is too small.
    """
    kernels = mcu_of(target).kernels
    hooks = [name for name, is_on in (("trace", trace), ("profile", profile)) if is_on]

    def make(folder: Path) -> FirmwareFacts:
        source = folder / MODEL_FOLDER
        forms = {"trace": trace, "profile": profile}
        plan = aot.compile_model(model.path, source, kernels, optimize, stream_input, name=model.name, **forms)
        check_fit(target, plan)
        if profile:
            shutil.copy(PROFILE, source / PROFILE.name)
        compiled = replace(plan.compiled(model.name, source), is_profiled=profile)
        image = build_firmware(target, compiled, folder)
        return FirmwareFacts(model.sha256, image.facts(), plan, optimize)

    return produce(
        "firmware",
        f"{target.name}-{model.name}" + "".join(f"-{name}" for name in hooks),
        FILENAME,
        FirmwareFacts,
        make,
        parents={model.kind: model.sha256},
        tools=tool_versions(target),
        parameters=_parameters(target, optimize, stream_input, hooks, profile),
    )


def _parameters(
    target: Target, optimize: str, stream_input: bool, hooks: Sequence[str], profile: bool
) -> dict[str, Json]:
    return {
        "engine": aot.key(),
        "optimize": optimize,
        "stream_input": stream_input,
        "firmware": firmware_revision(target),
        **dict.fromkeys(hooks, sha256_of(PROFILE) if profile else True),
    }
