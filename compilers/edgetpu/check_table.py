"""The prediction as a person reads it: a table of the operators, and notes on what to do about it."""

from __future__ import annotations

from compilers.edgetpu.check import Check

CPU = "CPU"


def table(check: Check) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows: each kind of operator, and whether it runs on the Edge TPU or on the CPU, and why."""
    columns = [("operator", "left"), ("count", "right"), ("first", "right"), ("runs on", "left"), ("why", "left")]
    rows = [
        [operator, str(count), str(first), CPU if why else "Edge TPU", why]
        for operator, count, first, why in check.groups()
    ]
    return columns, rows


def notes(check: Check, minimalistic_twin: str) -> list[str]:
    """Return what slows a network on an Edge TPU; `minimalistic_twin` is a V3 preset without those parts, or ""."""
    texts = []
    parts = [("h-swish", check.has_hard_swish), ("squeeze-and-excite", check.has_squeeze_excite)]
    slow = " and ".join(name for name, is_there in parts if is_there)
    if slow:
        other = (
            f"its minimalistic twin {minimalistic_twin} has" if minimalistic_twin else "minimalistic V3 networks have"
        )
        texts.append(f"the network has {slow}, for which the Edge TPU is slow or not used at all; {other} neither")
    if check.is_streamed:
        texts.append(
            f"{check.parameter_bytes:,} bytes of parameters are over what the chip holds: it is sent the rest each time"
        )
    if check.may_differ:
        texts.append(
            f"{', '.join(check.may_differ)}: the compiler leaves some of them on the CPU, depending on their size"
        )
    if check.refused:
        texts.append(check.refused)
    return texts
