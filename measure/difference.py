"""Where answers that differ from the reference began to differ: the operator, found on this host."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import process
from artifact import ROOT
from calibration.evaluate import Values
from compilers.tflm.firmware import TflmFirmwareFacts
from errors import DeviceError
from fields import Source, load_json
from fields.dataclass_json import from_json
from graph.difference import TFLM, FirstDifference, Found
from measure.setup import Setup

INPUTS = 8
"""How many inputs with different answers are tried."""
SECONDS = 120


def kernels_of(setup: Setup) -> str:
    """Return the kernels on this host that compute as the device does, "" if none but the reference kernels do."""
    if setup.compiled.kind == "tflm" or setup.compiled.with_facts_of(TflmFirmwareFacts):
        return TFLM
    return setup.settings.kernels if setup.compiled.kind == "litert" and setup.settings.kernels != "reference" else ""


def find(setup: Setup, inputs: Values) -> FirstDifference | None:
    """Return the first operator whose outputs differ from those of LiteRT's reference kernels on this host.

    `inputs` (n, ...) are those with different answers; None if the kernels can't be run here, or give the same.
    """
    kernels = kernels_of(setup)
    if not kernels or not len(inputs):
        return None
    with tempfile.TemporaryDirectory(prefix="alpharho-") as folder:
        path = Path(folder) / "inputs.npy"
        np.save(path, inputs[:INPUTS], allow_pickle=False)
        try:
            done = process.run(
                [sys.executable, "-P", "-m", "graph.difference", setup.int8.path.resolve(), path, kernels],
                error=DeviceError, timeout_s=SECONDS, name="the search for the first operator that differs",
                environment={**os.environ, "PYTHONPATH": str(ROOT)}, folder=ROOT,
            )  # fmt: skip
        except DeviceError:
            return None  # it explains a figure, which stands without it
    source = Source("graph.difference", DeviceError)
    return from_json(Found, load_json(done.stdout, source).values, source).first
