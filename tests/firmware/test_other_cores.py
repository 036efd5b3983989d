"""Whole networks, and the suite for any device, on boards whose core or emulator the tests of kernels do not run on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import target
from artifact import ROOT, Artifact
from calibration.convert import Int8Facts
from compilers.aot import compile_model
from compilers.image.firmware import build_firmware
from deploy.flashers import flasher_for
from deploy.session import Session
from graph.oracle import Oracle, run_bytes

INPUTS = 4


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("name", ["qemu-rv32", "pico-uart"])
def test_a_network_gives_the_reference_s_bytes(name: str, int8: Artifact[Int8Facts], tmp_path: Path) -> None:
    board, model = target.load(name), int8.path
    assert board.mcu
    plan = compile_model(model, tmp_path / "model", board.mcu.kernels)
    image = build_firmware(board, plan.compiled("small", tmp_path / "model"), tmp_path / "image")
    rng, oracle = np.random.default_rng(7), Oracle(model, "reference")
    ticks, outputs = set(), set()
    with Session(flasher_for(board).start(image.elf)) as session:
        for _ in range(INPUTS):
            data = rng.integers(-128, 128, plan.inputs[0].shape, dtype=np.int8).tobytes()
            result = session.infer(data)
            assert [result.output_bytes] == run_bytes(oracle, [data])
            ticks.add(result.ticks)
            outputs.add(result.output_bytes)
    assert len(outputs) > 1
    assert max(ticks) < 1.01 * min(ticks)


@pytest.mark.slow
@pytest.mark.emulated
def test_the_suite_for_any_device_passes_on_rp2040js() -> None:
    """It is another emulator than QEMU, and its bridge is ours."""
    command = [sys.executable, "-m", "pytest", "device_tests", "-q", "-p", "no:cacheprovider", "--target", "pico-uart"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout.splitlines()[-1]
