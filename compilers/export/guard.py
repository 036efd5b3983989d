"""What the C of an export says where its compiler builds for a core without the instructions of its kernels.

C takes the place of the assembly there and computes the same bytes, slower. An export that a user asked for stops the
compiler; one for a board of an SDK, whose core was taken from its name, is built and says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from compilers.compiled import macro_prefix

_DSP = ("defined(__ARM_FEATURE_DSP) && defined(__thumb2__)", "DSP instructions (Cortex-M4, M7, M33)")
_MVE = ("defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)", "Helium instructions (Cortex-M55, M85)")
_RV32 = (
    "defined(__riscv_mul) && __riscv_xlen == 32 && !defined(__riscv_32e)",
    "the multiplication and 31 registers of RV32IM",
)
# How a compiler says that it has them, and their name, by kernel set.
_INSTRUCTIONS = {"dsp": _DSP, "m7": _DSP, "mve": _MVE, "rv32": _RV32}

_NAME = """\
#if {condition}
#define {upper}_KERNELS "{kernels}"
#else
#define {upper}_KERNELS "{kernels} in C"
#endif"""
# A computer, such as one that tries the export, has none of these.
_MICROCONTROLLER = "(defined(__arm__) || defined(__riscv) || defined(__XTENSA__))"
_TEXT = "{name}: exported for {words}, which this build does not have"
_REFUSED = (
    "#if !({condition}) && "
    + _MICROCONTROLLER
    + """ && !defined({upper}_ANY_CORE)
#error "{text}: export it with --kernels portable, or define {upper}_ANY_CORE for C in their place"
#endif

"""
)
_SAID = (
    "#if !({condition}) && "
    + _MICROCONTROLLER
    + """
#pragma message("{text}: C takes their place, which is slower")
#endif

"""
)


def guarded(network: Mapping[str, str], identifier: str, kernels: str, falls_back: bool) -> dict[str, str]:
    """Return the generated files of a network, by path, with the guard of its kernel set in model.h and model.c."""
    if kernels not in _INSTRUCTIONS:
        return dict(network)
    (condition, words), upper = _INSTRUCTIONS[kernels], macro_prefix(identifier)
    facts = {"condition": condition, "upper": upper, "kernels": kernels}
    facts["text"] = _TEXT.format(name=identifier, words=words)
    define = re.compile(rf'^#define {upper}_KERNELS +"{kernels}"$', re.MULTILINE)
    header, code = network["network/model.h"], network["network/model.c"]
    stop = (_SAID if falls_back else _REFUSED).format(**facts)
    at = code.index("#include")
    return {
        **network,
        "network/model.h": define.sub(lambda _: _NAME.format(**facts), header, count=1),
        "network/model.c": code[:at] + stop + code[at:],
    }
