"""Kernel set `simd`: ADD, SUB, MUL, MEAN and FULLY_CONNECTED, whose parameters are those of the portable kernels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from compilers.aot.kernel import Kernel
from compilers.aot.operands import Fields
from compilers.aot.sets.simd import kernels
from compilers.aot.steps import Call, Step

MOST_SUMMED = 1 << 20


def add(step: Step, call: Call, optimize: str) -> Step:
    """ADD."""
    return _with(step, call, kernels.ADD) if _is_along_rows(call.fields) else step


def sub(step: Step, call: Call, optimize: str) -> Step:
    """SUB."""
    return _with(step, call, kernels.SUB) if _is_along_rows(call.fields) else step


def mul(step: Step, call: Call, optimize: str) -> Step:
    """MUL whose product is not scaled up."""
    suits = cast(int, call.fields["shift"]) <= 0 and _is_along_rows(call.fields)
    return _with(step, call, kernels.MUL) if suits else step


def mean(step: Step, call: Call, optimize: str) -> Step:
    """MEAN."""
    suits = cast(int, call.fields["shift"]) < 0 and cast(int, call.fields["reduced"]) <= MOST_SUMMED
    return _with(step, call, kernels.MEAN) if suits else step


def dense(step: Step, call: Call, optimize: str) -> Step:
    """FULLY_CONNECTED."""
    return _with(step, call, kernels.DENSE)


def _is_along_rows(fields: Fields) -> bool:
    """Whether the last dimension of each input has its elements side by side, or is one element."""
    shape = cast(Mapping[str, tuple[int, ...]], fields["shape"])
    return shape["step1"][3] in (0, 1) and shape["step2"][3] in (0, 1)


def _with(step: Step, call: Call, kernel: Kernel) -> Step:
    return replace(step, calls=(Call(kernel, call.arguments),))
