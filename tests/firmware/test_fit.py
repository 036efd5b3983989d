"""Whether a network fits a board: what is short before anything is built, and estimates that the images confirm."""

from __future__ import annotations

import pytest

import target
from compilers.aot.result import OperatorSpec, Plan, TensorSpec
from compilers.image.fit import FIRMWARE_RAM_BYTES, boards_of, check_fit, fit
from errors import FitError
from tests.firmware.conftest import Images
from tests.firmware.standin import INPUT_BYTES


def plan(arena: int, weights: int) -> Plan:
    tensor = TensorSpec("features/relu", (1, 64, 64, 16), "int8", 1.0, 0, 0, 65_536, 0, 1)
    inputs = TensorSpec("input", (1, 32, 32, 3), "int8", 1.0, 0, 0, INPUT_BYTES, 0, 1)
    operator = OperatorSpec(3, "CONV_2D", "features/relu", (1, 64, 64, 16), 1, 1, 0, arena, False)
    return Plan(
        "model.tflite", "0" * 64, "aot", "1", "portable", arena, weights, 1, 0, False, (inputs,), (tensor,),
        (inputs, tensor), (operator,), 0, ("features/relu", "input"),
    )  # fmt: skip


def test_fit_tells_what_is_short_before_anything_is_built() -> None:
    board = target.load("netduinoplus2")
    assert check_fit(board, plan(98_304, 300_000)).fits
    with pytest.raises(FitError) as caught:
        check_fit(board, plan(245_760, 300_000))
    over = 245_760 + 4096 + FIRMWARE_RAM_BYTES + INPUT_BYTES // 512 - 131_072
    assert str(caught.value) == (
        f"netduinoplus2: RAM is short by {over:,} bytes: 245,760 for activations, 4,096 for the stack and about "
        f"{FIRMWARE_RAM_BYTES:,} for the firmware, of 131,072; the peak is at CONV_2D number 3, with "
        "features/relu (65,536 bytes) and input (3,072 bytes); take a smaller preset or a board with more RAM"
    )
    with pytest.raises(FitError, match=r"^netduinoplus2: flash is short by [\d,]+ bytes: 1,700,000 for weights and"):
        check_fit(board, plan(98_304, 1_700_000))
    with pytest.raises(FitError, match=r"^host: is not a microcontroller: its TOML has no"):
        fit(target.load("host"), plan(1, 1))


def test_an_sdk_s_linker_decides_unless_the_network_alone_is_too_large() -> None:
    board = target.load("nano33ble")
    assert board.sdk
    assert board.sdk.memory
    room = board.sdk.memory
    assert not check_fit(board, plan(room.ram_bytes, 1)).fits
    assert not check_fit(board, plan(1, room.flash_bytes)).fits
    with pytest.raises(FitError, match="nano33ble: RAM is short by"):
        check_fit(board, plan(room.ram_bytes + 1, 1))
    with pytest.raises(FitError, match="nano33ble: flash is short by"):
        check_fit(board, plan(1, room.flash_bytes + 1))


def test_boards_to_choose_from_have_memory_of_their_own() -> None:
    names = ("host-fw", "pico", "nano33ble", "rpi4")
    assert [one.name for one in boards_of([target.load(name) for name in names])] == ["pico", "nano33ble"]
    assert [one.name for one in boards_of([target.load("host-fw")])] == ["host-fw"]


def test_the_estimates_are_not_below_what_a_board_takes(images: Images) -> None:
    for name in ("qemu-m4", "netduinoplus2", "qemu-rv32"):
        image = images(name)
        needs = fit(target.load(name), plan(image.arena_bytes, image.weights_bytes))
        assert 0 <= needs.ram_needed - image.ram_bytes < 512
        assert needs.flash_needed >= image.flash_bytes
