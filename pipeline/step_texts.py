"""What the steps say: lines of what was built, and notes of what may be wrong."""

from __future__ import annotations

import math
import shlex

from artifact import Artifact, ImageFacts
from calibration.comparison import Comparison
from calibration.convert import Int8Facts
from measure import limits
from models import presets, weights
from pipeline.request import Request
from target import Target

DEFAULT_CLASSES = 10


def smaller_presets(board: Target, model: Artifact[Int8Facts]) -> str:
    """Name presets that surely fit a microcontroller, the largest first; their RAM is an upper bound."""
    from compilers.image.fit import room_of

    room = room_of(board)
    ram = room.ram_bytes - room.stack_bytes - room.firmware_ram_bytes
    flash = (room.flash_bytes - room.firmware_flash_bytes) * 0.95  # tables beside the raw weights
    fitting = []
    for name in presets.all_names():
        for rho in (224, 192, 160, 128, 96, 64):
            preset = presets.parse(f"{name}_{rho}", model.facts.classes or DEFAULT_CLASSES)
            network = preset.network()
            if network.peak_activation_bytes <= ram and network.int8_bytes <= flash:
                fitting.append((network.macs, preset.name))
                break
    names = [name for _, name in sorted(fitting, reverse=True)[:4]]
    return f"these fit: {', '.join(names)}" if names else "no preset fits"


def assumed_range_text(values: tuple[float, float], request: Request) -> str:
    """Say that the range of the input is a guess, and what tries others."""
    low, high = values
    return (
        f"assumed that pixels 0..255 stand for {low:g}..{high:g}; "
        f"`{_check_command(request)}` tries others, --input-range sets it"
    )


def _check_command(request: Request) -> str:
    """Return the command that tries other preparations with the model and the data of a request."""
    words = ["./inv", "check", "--model", request.model, "--data", request.data]
    words += ["--rho", str(request.rho)] if request.rho is not None else []
    return shlex.join(words)


def far_rho_text(source: weights.Source) -> str:
    """Say that weights were trained at a far other size of the input than they are used with."""
    assert source.preset is not None
    return (
        f"the weights were trained at ρ {source.trained_rho}, {source.rho_ratio:.3g} times off: accuracy will suffer; "
        f"`./inv train --model {source.preset.name}` trains at ρ {source.preset.rho}"
    )


def near_chance_text(check: Comparison | None, classes: int, request: Request, is_array: bool = False) -> str:
    """Say that the float network is near chance on held-out pictures, "" if it is not or that is not known.

    Random weights are expected to be. With `is_array` the data set has arrays, which are prepared in no other way.
    """
    if check is None or check.float_top1 is None or request.weights == "random":
        return ""
    chance = 1 / max(2, classes)
    if check.float_top1 == 1:  # of few pictures all may be within the limit below, which is above 1 then
        return ""
    if check.float_top1 > chance + 4 * math.sqrt(chance * (1 - chance) / check.n):
        return ""
    text = f"{100 * check.float_top1:.1f} % top-1 in float is near chance ({100 * chance:.1f} %): "
    if is_array:
        return text + "the values of the arrays, the labels or the weights are not this network's"
    return (
        f"{text}the preparation of pictures, the labels or the weights are not this network's; "
        f"`{_check_command(request)}` tries the usual preparations"
    )


def range_text(values: tuple[float, float] | None, range_from: str) -> str:
    """Return the range of the input and where it is from, "" where it is what every preset has."""
    words = {"option": "as --input-range says", "file": "as its first layers say", "scale": "as its scale says"}
    if values is None:
        return ""
    low, high = values
    return f", pixels 0..255 stand for {low:g}..{high:g} {words[range_from]}" if range_from in words else ""


def check_text(int8: Artifact[Int8Facts]) -> str:
    """Return what the conversion cost, on held-out pictures."""
    check = int8.facts.check
    text = f"{int8.parameters['pictures']} pictures of {int8.parameters['data']}: "
    if check is None:
        return text + "not compared"
    if check.float_top1 is not None and check.int8_top1 is not None:
        text += f"float {100 * check.float_top1:.1f} % -> int8 {100 * check.int8_top1:.1f} % top-1, "
    return text + f"agreement {100 * check.agreement:.1f} % of {check.n:,} held-out pictures"


def memory_text(artifact: Artifact[ImageFacts], board: Target | None = None) -> str:
    """Return an artifact's memory by name, in bytes, and what it computes again or leaves out.

    RAM and flash come first, of how much where the board has a limit.
    """
    ram, flash = limits.of_board(board) if board else (None, None)
    of = {"ram": ram, "flash": flash}
    memory = artifact.facts.memory
    names = [*(name for name in of if name in memory), *(name for name in memory if name not in of)]
    words = {"ram": "RAM"}
    text = ", ".join(
        f"{words.get(name, name.replace('_', ' '))} {limits.text(memory[name], of.get(name))}" for name in names
    )
    plan = getattr(artifact.facts, "plan", None)
    if plan is not None and plan.macs_again:
        text += f"; computes {100 * plan.macs_again / plan.macs:.0f} % of its MACs again to save RAM"
    if plan is not None and plan.macs_left_out:
        whole = plan.macs + plan.macs_left_out
        text += f"; leaves out {100 * plan.macs_left_out / whole:.0f} % of the network's MACs, which have no effect"
    return text
