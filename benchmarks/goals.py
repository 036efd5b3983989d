"""What modeled cycles should be at most on each core, and why some are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rival:
    """What MLPerf's visual wake words should take on a core, in modeled cycles, and what others need on a board.

    `others` are cycles that their makers published, measured on boards: clock over inferences a second.
    """

    at_most: int | None
    others: str


RIVALS: Mapping[str, Rival] = {
    "cortex-m0plus": Rival(45_000_000, "HALE on an STM32G0B1 90.5 M"),
    "cortex-m3": Rival(41_000_000, ""),
    "cortex-m4": Rival(12_000_000, "ST on an STM32L4R5 10.67 M, Plumerai 11.85 M, microTVM with CMSIS-NN 36.1 M"),
    "cortex-m33": Rival(11_400_000, "ST on an STM32U385 9.48 M, TFLite-Micro with CMSIS-NN on a RA6M4 32.5 M"),
    "cortex-m7": Rival(6_300_000, "ST on an STM32H7A3 6.67 M, Plumerai on an STM32F746 7.36 M"),
    "cortex-m55": Rival(2_900_000, ""),
    "cortex-m85": Rival(None, "TFLite-Micro with CMSIS-NN on a RA8D1 6.43 M"),
}

RATIOS: Mapping[str, float] = {
    "cortex-m4": 0.42, "cortex-m33": 0.45, "cortex-m7": 0.37, "cortex-m55": 0.36, "cortex-m85": 0.50,
}  # fmt: skip
"""What our modeled cycles should be at most, over those of TFLite-Micro with CMSIS-NN."""

_KEYWORDS = "Ours needs as many cycles a MAC as for v1_025; CMSIS-NN needs fewer, as all layers have 64 channels."
_DENSE = (
    "FULLY_CONNECTED multiplies each weight once: loading and expanding weights takes longer than the products, "
    "in CMSIS-NN as in ours."
)
_RESIDUAL = (
    "Outputs of 144 to 576 products, for which CMSIS-NN needs fewer cycles a MAC than in other networks; ours needs a "
    "third more than the multiplications alone, as each input is expanded once for each of the nine windows it is in."
)
_VECTORS = (
    "Outputs of 144 to 576 products, for which CMSIS-NN needs less than half of the cycles a MAC of other networks; "
    "ours needs 0.2, of which the multiplications of vectors alone are 0.13."
)
REASONS: Mapping[tuple[str, str], str] = {
    ("mlperf_kws_int8", "cortex-m33"): _KEYWORDS,
    ("mlperf_kws_int8", "cortex-m7"): _KEYWORDS,
    ("mlperf_kws_int8", "cortex-m55"): _KEYWORDS,
    ("mlperf_ad01_int8", "cortex-m4"): _DENSE,
    ("mlperf_ad01_int8", "cortex-m33"): _DENSE,
    ("mlperf_ad01_int8", "cortex-m7"): _DENSE,
    ("mlperf_ad01_int8", "cortex-m55"): _DENSE,
    ("mlperf_ad01_int8", "cortex-m85"): _DENSE,
    ("mlperf_resnet8_int8", "cortex-m7"): _RESIDUAL,
    ("mlperf_resnet8_int8", "cortex-m55"): _VECTORS,
    ("mlperf_resnet8_int8", "cortex-m85"): _VECTORS,
}
"""Why a network takes more than that on a core."""
