"""Modeled cycles of a network on a core, and on cores that run the same image, as cells of the suite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from artifact import Artifact, ImageFacts
from benchmarks.suite import Cell
from calibration.evaluate import Values
from measure import modeled
from target import Target


def cells(blank: Cell, image: Artifact[ImageFacts], board: Target, picture: Values, reference: Values) -> list[Cell]:
    """Run an image on a picture (h, w, c) outside its firmware; return a cell for its core and each that runs it too.

    `reference` are the expected outputs, (bytes,). A core without rules, or a machine of QEMU that is not known,
    gives none. Raises DeviceError if the image does not run, CompileError if a tool is missing.
    """
    found = modeled.price(image, board, np.ascontiguousarray(picture).tobytes())
    return [
        replace(
            blank,
            core=cpu,
            instructions=one.total.instructions,
            cycles=one.total.cycles,
            cycle_rules=one.rules_version,
            memory=image.facts.memory,
            pictures=1,
            equal=int(one.outputs == np.ascontiguousarray(reference).tobytes()),
        )
        for cpu, one in zip(modeled.cores_of(board), found, strict=True)
    ]
