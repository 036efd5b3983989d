"""Instructions of each layer of a network compiled ahead of time: its C is compiled with counters, and run."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from artifact import Artifact
from calibration.evaluate import Values
from compilers.aot import compile_model
from compilers.image.firmware import FIRMWARE_DIR, build_firmware
from compilers.image.microcontroller import MODEL_FOLDER, FirmwareFacts
from deploy.device import device_for
from errors import DeviceError
from measure.samples import Clock
from target import Target

PROFILE = FIRMWARE_DIR / "tests" / "profile" / "profile.h"

# Operator, ticks and calls, as profile.h reports them.
_COUNT = re.compile(r"layer (\d+) (\d+) (\d+)")


@dataclass(frozen=True)
class LayerCount:
    """One operator: its name with the shape of its output, multiply-accumulates, instructions."""

    name: str
    macs: int
    instructions: int


def profile(
    model: Artifact[object], image: Artifact[FirmwareFacts], target: Target, picture: Values
) -> tuple[LayerCount, ...]:
    """Return the count of each operator of a firmware artifact of the aot engine, in order.

    `model` is the int8 network that `image` was compiled from; `picture` is one input as it takes it. The counts are of
    a build of their own, less what counting takes; each call is measured to one tick of the device's counter. Raises
    DeviceError if the device does not report them.
    """
    plan, operators = image.facts.plan, image.facts.plan.operators
    streamed = plan.streamed is not None
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="alpharho-") as work:
        source = Path(work) / MODEL_FOLDER
        compile_model(model.path, source, plan.kernels, image.facts.optimize, streamed, name=image.name, profile=True)
        shutil.copy(PROFILE, source / PROFILE.name)
        elf = build_firmware(target, plan.compiled(image.name, source), Path(work) / "image").elf
        with device_for(target, replace(image, path=elf)).session(on_log=lines.append) as session:
            session.infer(np.ascontiguousarray(picture).tobytes())
            session.stats()  # its answer comes after all lines so far
            clock = Clock(session.info.counter)
    counts = {int(step): (int(ticks), int(calls)) for step, ticks, calls in _COUNT.findall("\n".join(lines))}
    if counts.keys() != set(range(len(operators) + 1)):
        raise DeviceError(f"{target.name}: expected the ticks of {len(operators)} layers, got {len(counts)}; report it")
    ticks, calls = counts.pop(len(operators))
    empty = clock(ticks) / calls
    return tuple(
        LayerCount(
            name=f"{operator.index} {operator.name}, {'x'.join(map(str, operator.shape))}",
            macs=operator.macs,
            instructions=max(0, round(clock(counts[i][0]) - empty * counts[i][1])),
        )
        for i, operator in enumerate(operators)
    )
