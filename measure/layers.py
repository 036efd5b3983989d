"""Instructions of each layer of a network compiled ahead of time: its C, with a counter around each call, is run."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from artifact import Artifact
from calibration.evaluate import Integers
from compilers.image.firmware import FIRMWARE_DIR, build_firmware
from compilers.image.microcontroller import MODEL_FOLDER, FirmwareFacts
from deploy.device import device_for
from errors import DeviceError
from measure.samples import Clock
from target import Target

PROFILE = FIRMWARE_DIR / "tests" / "profile" / "profile.h"

_CALL = re.compile(r"^( +)(\w+\(.*\));$")
_STEP = re.compile(r"\bstep(\d+)_")
_RUN = re.compile(r"^void model_run\(int8_t \*arena\) \{$")
_TOLD = re.compile(r"layer (\d+) (\d+) (\d+)")


@dataclass(frozen=True)
class LayerCount:
    """One operator: its name with the shape of its output, multiply-accumulates, instructions."""

    name: str
    macs: int
    instructions: int


def profile(image: Artifact[FirmwareFacts], target: Target, picture: Integers) -> tuple[LayerCount, ...]:
    """Return the count of each operator of a firmware artifact of the aot engine, in order.

    `picture` is one input as the model takes it. The counts are of a build of its own, less what counting takes; each
    call is measured to one tick of the device's counter. Raises DeviceError if the device does not tell them.
    """
    operators = image.facts.plan.operators
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="alpharho-") as work:
        source = Path(work) / MODEL_FOLDER
        shutil.copytree(image.path.parent / MODEL_FOLDER, source)
        shutil.copy(PROFILE, source / PROFILE.name)
        text = instrument((source / "model.c").read_text(), len(operators))
        (source / "model.c").write_text(text)
        elf = build_firmware(target, image.facts.plan.compiled(image.name, source), Path(work) / "image").elf
        with device_for(target, replace(image, path=elf)).session(on_log=lines.append) as session:
            session.infer(np.ascontiguousarray(picture).tobytes())
            session.stats()  # what was said before its answer has arrived with it
            clock = Clock(session.info.counter)
    told = {int(step): (int(ticks), int(calls)) for step, ticks, calls in _TOLD.findall("\n".join(lines))}
    if told.keys() != set(range(len(operators) + 1)):
        raise DeviceError(f"{target.name}: expected the ticks of {len(operators)} layers, got {len(told)}; report it")
    ticks, calls = told.pop(len(operators))
    empty = clock(ticks) / calls
    return tuple(
        LayerCount(
            name=f"{operator.index} {operator.name}, {'x'.join(map(str, operator.shape))}",
            macs=operator.macs,
            instructions=max(0, round(clock(told[i][0]) - empty * told[i][1])),
        )
        for i, operator in enumerate(operators)
    )


def instrument(text: str, steps: int) -> str:
    """Return a generated model.c in which each kernel call is counted for its step, and model_run tells the counts.

    A call that names no step's parameters belongs to the step of the call before it.
    """
    made = [f'#define PROFILE_STEPS {steps}u\n#include "{PROFILE.name}"']
    step, in_run = 0, False
    for line in text.splitlines():
        found = _CALL.match(line)
        in_run = in_run or bool(_RUN.match(line))
        if found and not found[2].startswith("steps"):
            named = _STEP.search(found[2])
            step = int(named[1]) if named else step
            line = f"{found[1]}PROFILED({step}, {found[2]});"
        if in_run and line == "}":
            made.append("    profile_tell();")
        made.append(line)
    return "\n".join(made) + "\n"
