"""Modeled cycles of a network on a core, and on cores that run the same image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from artifact import Artifact, ImageFacts
from benchmarks.suite import Cell
from calibration.evaluate import Values
from compilers.image.microcontroller import MODEL_FOLDER, FirmwareFacts
from cycles import emulation, model, rules

ALSO = {"cortex-m55": ("cortex-m85",)}
"""Cores that no emulator here has, by the core whose image and emulator they are modeled with."""


def cells(blank: Cell, image: Artifact[ImageFacts], machine: str, picture: Values, reference: Values) -> list[Cell]:
    """Run an image on a picture (h, w, c) outside its firmware; return a cell for its core and each that runs it too.

    `reference` are the expected outputs, (bytes,). A core without rules, or a `machine` of QEMU that is not known,
    gives none. Raises DeviceError if the image does not run, CompileError if a tool is missing.
    """
    cpus = [cpu for cpu in (blank.core, *ALSO.get(blank.core, ())) if model.core_name(cpu) in rules.CORES]
    if machine not in emulation.FREE_ORIGINS or not cpus:
        return []
    cores, data = [model.core_name(cpu) for cpu in cpus], np.ascontiguousarray(picture).tobytes()
    return [
        replace(
            blank,
            core=cpu,
            instructions=found.total.instructions,
            cycles=found.total.cycles,
            cycle_rules=found.rules_version,
            memory=image.facts.memory,
            pictures=1,
            equal=int(found.outputs == np.ascontiguousarray(reference).tobytes()),
        )
        for cpu, found in zip(cpus, model.price(image.path, cores, machine, data), strict=True)
    ]


def source_of(image: Artifact[ImageFacts]) -> Path | None:
    """Return the network's C beside an image that was compiled ahead of time, None for one of another engine."""
    if not image.with_facts_of(FirmwareFacts):
        return None
    folder = image.path.parent / MODEL_FOLDER
    return next(path for path in sorted(folder.glob("*.c")) if path.with_name(f"{path.stem}_weights.c").exists())
