"""A whole inference: against the emulator's own count, the profile on the device, and LiteRT."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import target as targets
from artifact import Artifact
from calibration.convert import Int8Facts
from compilers.image import microcontroller
from cycles import emulation, model, program, rules
from cycles.emulation import Block, Flash
from deploy.device import device_for
from errors import DeviceError
from measure import layers
from measure.modeled import source_of
from tests.pipeline.small import at_home

pytestmark = [pytest.mark.emulated, pytest.mark.slow]


def test_a_network_is_priced_as_it_runs(int8: Artifact[Int8Facts], tmp_path: Path) -> None:
    board = targets.load("qemu-m4")
    picture = np.random.default_rng(0).integers(-128, 128, (32, 32, 3)).astype(np.int8)
    with at_home(tmp_path):
        image = microcontroller.compile_for(int8, board)
        with device_for(board, image).session() as session:
            outputs = session.infer(picture.tobytes())
            counted = outputs.ticks * 1e9 / session.info.counter.rate_hz
        (found,) = model.price(image.path, ["m4"], "mps2-an386", picture.tobytes(), source_of(image))
        by_layer = layers.profile(int8, image, board, picture)
    assert found.outputs == outputs.output_bytes
    # The device counts the call of the engine, and in steps of the emulated clock.
    assert found.total.instructions == pytest.approx(counted, rel=0.002)
    assert list(found.operators) == list(range(len(by_layer)))
    for place, layer in enumerate(by_layer):
        assert found.operators[place].instructions == pytest.approx(layer.instructions, rel=0.05, abs=120), layer
    assert sum(cost.cycles for cost in found.operators.values()) == pytest.approx(found.total.cycles, rel=0.001)
    assert 1.0 < found.total.cycles / found.total.instructions < 2.5
    assert found.rules_version == rules.VERSION
    with at_home(tmp_path):
        _read_from_flash_and_counted_by_calls(image.path, picture.tobytes(), found)


def _read_from_flash_and_counted_by_calls(elf: Path, data: bytes, found: model.Modeled) -> None:
    """A second run: the same passages, with lines of flash, and operators that count up where a function begins."""
    read = program.read(elf, "cortex-m4")
    kernel = next(name for name, _ in found.functions if name.startswith("alpharho_dsp_pointwise"))
    at = next(address for address, name in read.functions if name == kernel)
    flash = Flash(wait_states=5, line_bytes=16, code_lines=4096, data_lines=4096)
    inference = emulation.run(elf, read, "mps2-an386", data, {at: emulation.NEXT_OPERATOR}, flash)
    priced = model._priced("m4", read, inference, -1, flash)
    waits = priced.total.cycles - found.total.cycles
    lines = waits // flash.wait_states
    assert waits % flash.wait_states == 0  # all else costs the same
    assert priced.total.instructions == found.total.instructions
    assert inference.outputs == found.outputs
    flash_bytes = sum(len(part.data) for part in read.segments)
    assert flash_bytes // 64 < lines <= 2 * (flash_bytes // 16 + 2)  # all buffers are larger: a line is read once
    # Blocks that QEMU cut at the border of a page, which depend on where code is, are joined.
    blocks = [read.block(passage.block.address, passage.block.instructions) for passage in inference.passages]
    assert all(block[-1].is_jump for block in blocks if block)
    _expect_one_way_through(inference)
    calls = sum(runs.times for passage, runs in inference.passages.items() if passage.block.address == at)
    assert calls > 1
    assert {passage.operator for passage in inference.passages} == set(range(-1, calls))


def _expect_one_way_through(inference: emulation.Inference) -> None:
    """What ran behind a block is as often the block that ran before: all but the first block and the last."""
    into, out = Counter[tuple[Block, int]](), Counter[tuple[Block, int]]()
    for passage, runs in inference.passages.items():
        out[passage.block, passage.after] += runs.times
        into[passage.before, passage.block.address] += runs.times
    ends = [into[pair] - out[pair] for pair in {*into, *out} if into[pair] != out[pair]]
    assert sorted(ends) == [-1, 1]


def test_an_engine_that_fails_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "none.elf"
    path.write_bytes(b"not ELF")
    with pytest.raises(Exception, match=r"none\.elf: expected an ELF image") as error:
        model.price(path, ["m4"], "mps2-an386", b"")
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, DeviceError)
