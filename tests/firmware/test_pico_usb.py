"""A Pico's image, built with the user's own Pico SDK, on the USB of rp2040js; and what stands in for the chip's ROM.

It needs a Pico SDK; elsewhere tests/compilers/test_pico_sdk.py has the build, against a stand-in.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import process
import target
from artifact import Artifact
from compilers.export import pico_image
from compilers.image.microcontroller import FirmwareFacts
from deploy.board_state import BoardState
from deploy.flashers import flasher_for, rp2040js
from deploy.identity import differences
from deploy.session import Session
from errors import CompileError, DeployError
from graph.oracle import Oracle, run_bytes
from tests.compilers.exports import int8_artifact
from tests.compilers.test_compile import small_network

BOARD = target.load("pico-usb")


def test_the_rom_s_code_is_what_its_comments_say(tmp_path: Path) -> None:
    lines = re.findall(r"^  (0x[0-9a-f]{4}), // (.*)$", (rp2040js.FOLDER / "rom.mjs").read_text(), re.MULTILINE)
    labels = {"lookup": 0x20, "memset": 0x54, "end": 0x96}
    code = []
    for at, (_, instruction) in enumerate(lines):
        name, _, operands = instruction.partition(" ")
        goal = labels.get(operands.strip()) or (int(operands, 16) if operands.strip().startswith("0x") else None)
        code.append(f"{name} . + {goal - 0x20 - 2 * at}" if goal is not None else instruction)
    source, built, binary = (tmp_path / f"rom.{suffix}" for suffix in ("s", "o", "bin"))
    source.write_text(".syntax unified\n.cpu cortex-m0plus\n.thumb\n" + "\n".join(code) + "\n")
    for command in (
        ["as", str(source), "-o", str(built)],
        ["objcopy", "-O", "binary", "-j", ".text", str(built), str(binary)],
    ):
        process.run([f"arm-none-eabi-{command[0]}", *command[1:]], error=DeployError, timeout_s=60)
    stored = np.array([int(number, 16) for number, _ in lines], "<u2").tobytes()
    assert stored == binary.read_bytes()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Artifact[FirmwareFacts]:
    """Return the image of a small network; skip where it can't be built."""
    try:
        pico_image.check(BOARD)
    except CompileError as e:
        pytest.skip(str(e))
    path = tmp_path_factory.mktemp("model") / "small net.tflite"
    path.write_bytes(small_network())
    return pico_image.compile_for(int8_artifact(path), BOARD)


@pytest.mark.emulated
@pytest.mark.slow
def test_the_sdk_s_own_usb_answers(image: Artifact[FirmwareFacts], tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(small_network())
    with Session(flasher_for(BOARD).start(image.path)) as session:
        info = session.info
        assert (info.board, info.counter.name, info.counter.unit) == ("pico-usb", "SysTick", "rp2040js cycles")
        assert differences(BOARD, info, BoardState()) == ()
        session.ping(bytes(range(256)) * 4)
        (tensor,) = info.inputs
        data = np.arange(tensor.nbytes, dtype=np.uint8).tobytes()
        expected = b"".join(run_bytes(Oracle(tmp_path / "net.tflite"), [data]))
        first = session.infer(data)
        assert first.output_bytes == expected
        session.reset()
        assert session.infer(data).output_bytes == expected
        stats = session.stats()
        assert (stats.inferences, stats.damaged_frames) == (1, 0)
        assert stats.stack == image.facts.memory["stack"]
        assert stats.stack_used
        assert stats.stack_used < 2048
