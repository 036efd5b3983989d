"""Names of Arm's cores by their numbers, as CPUID of a microcontroller and /proc/cpuinfo of Linux give them.

Sources: Arm's Technical Reference Manuals (CPUID, MIDR_EL1); arch/arm64/include/asm/cputype.h of Linux.
"""

from __future__ import annotations

import re

ARM = 0x41
CORES = {
    0xC20: "cortex-m0", 0xC60: "cortex-m0plus", 0xC21: "cortex-m1", 0xC23: "cortex-m3", 0xC24: "cortex-m4",
    0xC27: "cortex-m7", 0xD20: "cortex-m23", 0xD21: "cortex-m33", 0xD31: "cortex-m35p", 0xD22: "cortex-m55",
    0xD23: "cortex-m85", 0xD24: "cortex-m52",
    0xB76: "arm1176", 0xC07: "cortex-a7", 0xC09: "cortex-a9", 0xC0F: "cortex-a15", 0xD01: "cortex-a32",
    0xD03: "cortex-a53", 0xD04: "cortex-a35", 0xD05: "cortex-a55", 0xD07: "cortex-a57", 0xD08: "cortex-a72",
    0xD09: "cortex-a73", 0xD0A: "cortex-a75", 0xD0B: "cortex-a76", 0xD0C: "neoverse-n1", 0xD0D: "cortex-a77",
    0xD40: "neoverse-v1", 0xD41: "cortex-a78", 0xD44: "cortex-x1", 0xD46: "cortex-a510", 0xD47: "cortex-a710",
    0xD49: "neoverse-n2",
}  # fmt: skip
"""Arm's part numbers."""
_PART = re.compile(r"0x([0-9a-f]{1,2}):0x([0-9a-f]{1,3})")


def core_of_cpuid(cpuid: int) -> str:
    """Return the core's name of a Cortex-M's CPUID (implementer in bits 31 to 24, part in bits 15 to 4)."""
    return _name(cpuid >> 24, cpuid >> 4 & 0xFFF)


def cores_of_parts(parts: str) -> tuple[str, ...]:
    """Return the names of the cores in `0x41:0xd08, 0x41:0xd0b`, implementers and parts as an agent sends them."""
    return tuple(_name(int(implementer, 16), int(part, 16)) for implementer, part in _PART.findall(parts))


def _name(implementer: int, part: int) -> str:
    known = CORES.get(part) if implementer == ARM else None
    return known or f"part {part:#x} of implementer {implementer:#x}"
