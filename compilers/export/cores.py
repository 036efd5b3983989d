"""The kernel set for a board that only its SDK knows, by the board's name."""

from __future__ import annotations

import re

from target.sdk import Sdk

PORTABLE, RV32 = "portable", "rv32"
# Names as Zephyr, Arduino and PlatformIO have them; the first pattern that is found counts. A wrong guess costs speed
# alone: C takes the place of a set's assembly on a core without its instructions, and the device says so.
_SETS = (
    # RISC-V, then Xtensa and small cores of chips that have others too.
    (RV32, r"esp32[-_]?[chp]\d|hazard3|riscv32(?!e)"),
    (PORTABLE, r"esp32|riscv|cpunet|cpuflpr|cpuppr|m0plus|cm0p|/m0"),
    # Cortex-M55 and M85.
    ("mve", r"corstone3\d0|an547|an552|stm32n6|_n657|ra8\w\d|ensemble|alif_e"),
    # The M4 of chips that have an M7 too, then Cortex-M7.
    ("dsp", r"envie_m4|/m4|_m4\b"),
    ("m7", r"(?:\b|_|stm32)[fh]7\w?\d\d|nicla_?vision|portenta_?h7|envie_m7|giga|opta|teensy_?4|imx_?rt(?!6|5)|an500"),
    # STM32 with Cortex-M4 or M33.
    ("dsp", r"(?:\b|_|stm32)(?:f[347]|l[45]|g4|h[57]|u[35]|wba?|wl)\w?\d\d"),
    ("dsp", r"nrf(?:52|53|54l|91)|nano_?33_?ble|xiao_?ble|nicla|portenta|envie_m[47]|giga|opta|uno_r4|minima"),
    ("dsp", r"rp2350|pico_?2|teensy(?:4|3[1256])|imx_?rt|frdm_k\d|mcxn|lpc5[45]|lpcxpresso55"),
    ("dsp", r"samd51|same5|sam4|sam_?[es]70|efr32[bmx]g|xg2[14]|ra[46]m\d|apollo[34]|max32[56]|an386|an50[05]|an521"),
)  # fmt: skip


def kernels_of(sdk: Sdk) -> str:
    """Return the kernel set for a board of an SDK: what its TOML says, else what its name says, "" if neither does."""
    if sdk.kernels:
        return sdk.kernels
    unknown = PORTABLE if sdk.name == "idf" else ""
    return next((name for name, pattern in _SETS if re.search(pattern, sdk.board, re.IGNORECASE)), unknown)
