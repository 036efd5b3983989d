"""Whether a compiled network fits a board: checked before anything is built or flashed."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import Artifact
from compilers.aot import OPTIMIZE, Plan, compile_model
from compilers.export.contents import MAIN_STACK_BYTES, PROTOCOL_STACK_BYTES, STACK_BYTES
from errors import CompileError, FitError
from target import Target
from target.sections import Mcu

# Measured on the emulated boards: receive ring, frames and the replies that are kept take up to 7,628 bytes of RAM.
# Protocol, port and the kernels that MobileNets need take flash by kernel set, besides Plan.code_bytes. The most of the
# boards that use it, with a streamed MobileNetV2: 21,088 (dsp), 21,800 (m7), 20,290 (mve) and 26,254 (portable, on a
# Cortex-M0, which has no division). The linker decides.
FIRMWARE_RAM_BYTES = 7_680
# A family without interrupts has no receive ring: 3,396 to 3,440 bytes.
POLLED_RAM_BYTES, POLLED = 3_500, ("riscv_virt",)
# The set `simd` is for Linux programs, which have no flash.
FIRMWARE_FLASH_BYTES = {"dsp": 21_504, "m7": 22_272, "mve": 20_992, "portable": 26_624, "rv32": 25_600, "simd": 0}
# Of a Pico SDK beside them: USB, alarms, heap, floats. With 2.2.0 it was 21,883 and 22,428 bytes of flash on pico and
# pico2, and 7,943 and 4,563 of RAM.
PICO_SDK_FLASH_BYTES, PICO_SDK_RAM_BYTES = 22_528, 8_192
BYTES_PER_WRITTEN_BIT = 512  # of input, for one byte of RAM
SDK_STACK_BYTES = STACK_BYTES + PROTOCOL_STACK_BYTES + MAIN_STACK_BYTES


@dataclass(frozen=True)
class Fit:
    """What a network needs on a board and what the board has, in bytes. The firmware's own parts are estimates."""

    ram_needed: int
    ram_bytes: int
    flash_needed: int
    flash_bytes: int
    arena_bytes: int
    weights_bytes: int
    stack_bytes: int
    peak: str
    code_bytes: int = 0
    macs: int = 0
    """Multiply-accumulates of an inference, those that are computed again to save RAM included."""
    macs_left_out: int = 0
    """Those of the network that are not among them, since they have no effect."""
    estimated: bool = False
    """Whether the user's own SDK links it, whose share is an estimate."""

    @property
    def fits(self) -> bool:
        """Whether both RAM and flash suffice."""
        return self.ram_needed <= self.ram_bytes and self.flash_needed <= self.flash_bytes


@dataclass(frozen=True)
class Room:
    """What a board has for a network, in bytes: RAM and flash, the stack, and what all firmware but the network takes.

    `kernels` is the kernel set for its core. With `is_estimate` a user's SDK links the firmware.
    """

    kernels: str
    ram_bytes: int
    flash_bytes: int
    stack_bytes: int
    firmware_flash_bytes: int
    firmware_ram_bytes: int = FIRMWARE_RAM_BYTES
    is_estimate: bool = False


def room_of(target: Target) -> Room:
    """Return what a microcontroller has. Raises FitError if the target is not one, or if only its SDK knows it."""
    if target.sdk is None:
        mcu = mcu_of(target)
        own = FIRMWARE_FLASH_BYTES[mcu.kernels]
        own_ram = POLLED_RAM_BYTES if mcu.family in POLLED else FIRMWARE_RAM_BYTES
        if mcu.by_pico_sdk:
            own, own_ram = own + PICO_SDK_FLASH_BYTES, own_ram + PICO_SDK_RAM_BYTES
        return Room(mcu.kernels, mcu.ram_bytes, mcu.flash_bytes, mcu.stack_bytes, own, own_ram, mcu.by_pico_sdk)
    memory = target.sdk.memory
    if memory is None:
        raise FitError(f"{target.name}: its RAM and flash are known to its own SDK only; choose one of ./inv targets")
    return Room(
        target.sdk.kernels,
        memory.ram_bytes,
        memory.flash_bytes,
        SDK_STACK_BYTES,
        FIRMWARE_FLASH_BYTES[target.sdk.kernels] + memory.own_flash_bytes,
        FIRMWARE_RAM_BYTES + memory.own_ram_bytes,
        is_estimate=True,
    )


def mcu_of(target: Target) -> Mcu:
    """Return the facts of a microcontroller that runs our own firmware. Raises FitError if it is not one."""
    if target.sdk is not None:
        raise FitError(f"{target.name}: runs firmware of its own SDK; choose another of ./inv targets")
    if target.mcu is None:
        raise FitError(
            f"{target.name}: is not a microcontroller: its TOML has no [mcu] section; choose a target that has one"
        )
    return target.mcu


def fit(target: Target, plan: Plan) -> Fit:
    """Return what a compiled network needs on a target, and what the target has."""
    room = room_of(target)
    inputs = sum(t.bytes for t in plan.inputs)
    ram, flash = needed(room, plan.arena_bytes, plan.weights_bytes, plan.code_bytes, inputs)
    return Fit(
        ram_needed=ram,
        ram_bytes=room.ram_bytes,
        flash_needed=flash,
        flash_bytes=room.flash_bytes,
        arena_bytes=plan.arena_bytes,
        weights_bytes=plan.weights_bytes,
        code_bytes=plan.code_bytes,
        stack_bytes=room.stack_bytes,
        peak=peak_of(plan),
        macs=plan.macs + plan.macs_again,
        macs_left_out=plan.macs_left_out,
        estimated=room.is_estimate,
    )


def needed(room: Room, arena_bytes: int, weights_bytes: int, code_bytes: int, input_bytes: int) -> tuple[int, int]:
    """Return the bytes of RAM and flash that a network and the firmware around it need on a board."""
    ram = arena_bytes + room.stack_bytes + room.firmware_ram_bytes + -(-input_bytes // BYTES_PER_WRITTEN_BIT)
    return ram, weights_bytes + code_bytes + room.firmware_flash_bytes


def check_fit(target: Target, plan: Plan) -> Fit:
    """Return the fit of a network that fits the target, or of which the linker of an SDK has to decide that.

    Raises FitError saying RAM or flash, by how many bytes, and which operator and tensors make the peak.
    """
    needs = fit(target, plan)
    is_sure = not needs.estimated or needs.arena_bytes > needs.ram_bytes or needs.weights_bytes > needs.flash_bytes
    if is_sure and not needs.fits:
        raise short(target, needs)
    return needs


def short(target: Target, needs: Fit) -> FitError:
    """Return the error for a network that does not fit a target."""
    room = room_of(target)
    if needs.ram_needed > needs.ram_bytes:
        over = needs.ram_needed - needs.ram_bytes
        return FitError(
            f"{target.name}: RAM is short by {over:,} bytes: {needs.arena_bytes:,} for activations, "
            f"{needs.stack_bytes:,} for the stack and about {room.firmware_ram_bytes:,} for the firmware, "
            f"of {needs.ram_bytes:,}; "
            f"the peak is {needs.peak}; take a smaller preset or a board with more RAM"
        )
    over = needs.flash_needed - needs.flash_bytes
    return FitError(
        f"{target.name}: flash is short by {over:,} bytes: {needs.weights_bytes:,} for weights and about "
        f"{room.firmware_flash_bytes + needs.code_bytes:,} for the firmware, of {needs.flash_bytes:,}; "
        "take a smaller preset or a board with more flash"
    )


def peak_of(plan: Plan) -> str:
    """Return the operator that needs the most RAM, with its tensors, as a phrase."""
    operator = plan.operators[plan.peak_operator]
    sizes = {t.name: t.bytes for t in plan.tensors}
    tensors = " and ".join(f"{name} ({sizes.get(name, 0):,} bytes)" for name in plan.peak[:2])
    return f"at {operator.name} number {operator.index}, with {tensors}"


def boards_of(targets: Sequence[Target]) -> list[Target]:
    """Return the microcontrollers with memory of their own; this host has no limits to compare with.

    Raises FitError if the only target is not a microcontroller.
    """
    if len(targets) == 1:
        room_of(targets[0])
        return list(targets)
    boards = [target for target in targets if target.measured_on != "host"]
    return [target for target in boards if target.mcu or (target.sdk and target.sdk.memory)]


@dataclass(frozen=True)
class Form:
    """A way to compile a network: one of OPTIMIZE, and whether the input is taken row by row."""

    optimize: str
    stream_input: bool

    @property
    def name(self) -> str:
        """The options that give it."""
        return self.optimize + " --stream-input" * self.stream_input


FORMS = tuple(Form(optimize, stream) for stream in (False, True) for optimize in OPTIMIZE)


def table(model: Artifact[object], boards: Sequence[Target], done: Callable[[int], None]) -> dict[str, dict[str, Fit]]:
    """Return what an int8 artifact needs on each board in each of FORMS, by the names of both.

    `done` is called with the number of finished `compilations`. Forms that take the input row by row are left out where
    the network does not allow that. Raises CompileError if the network can't be compiled.
    """
    plans: dict[tuple[str, Form], Plan] = {}
    with tempfile.TemporaryDirectory() as folder:
        for count, (kernels, form) in enumerate(compilations(boards), start=1):
            with contextlib.suppress(*[CompileError] * form.stream_input):
                plans[kernels, form] = compile_model(
                    model.path, Path(folder), kernels, form.optimize, form.stream_input, name=model.name
                )
            done(count)
    return {
        board.name: {form.name: fit(board, plan) for (kernels, form), plan in plans.items() if kernels == own}
        for board in boards
        for own in [room_of(board).kernels]
    }


def compilations(boards: Sequence[Target]) -> list[tuple[str, Form]]:
    """Return the pairs of kernel set and form that the boards need."""
    return list(itertools.product(sorted({room_of(board).kernels for board in boards}), FORMS))
