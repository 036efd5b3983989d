"""Kernels as the compiler knows them: each has an access model, and is declared in its set's header as it is called."""

from __future__ import annotations

import re
from typing import Any, cast

import numpy as np
import pytest

from compilers.aot import KERNEL_SETS
from compilers.aot.kernel import Kernel, RingRow
from compilers.aot.operands import At, Constant
from compilers.aot.sets import SETS, portable
from compilers.aot.sets.kernel_set import KernelSet
from compilers.aot.steps import Call
from compilers.image.fit import FIRMWARE_FLASH_BYTES
from tests.compilers import host_build

DECLARATION = re.compile(r"^void (alpharho_\w+)\(([^;]*)\);", re.M)


def declared() -> dict[str, str | None]:
    """Return the functions of the kernels' headers, each with the struct that its first argument points to."""
    functions: dict[str, str | None] = {}
    for symbol, arguments in DECLARATION.findall(host_build.kernel_headers()):
        struct = re.match(r"const struct (\w+) \*", arguments)
        functions[symbol] = struct[1] if struct else None
    return functions


def test_a_kernel_without_an_access_model_is_refused() -> None:
    with pytest.raises(TypeError, match="alpharho_new: it has no access model"):
        Kernel("portable", "alpharho_new", access=cast(Any, None))


def test_the_kernels_are_those_of_the_headers() -> None:
    kernels = [kernel for kernel_set in SETS.values() for kernel in kernel_set.kernels]
    assert {kernel.symbol: kernel.parameters for kernel in kernels} == declared()
    assert len({kernel.symbol for kernel in kernels}) == len(kernels)


@pytest.mark.parametrize("name", SETS)
def test_a_set_has_its_sources_and_header(name: str) -> None:
    assert list((host_build.KERNELS / name).glob("*.c"))
    assert (host_build.KERNELS / SETS[name].header).is_file()


def test_a_set_refuses_a_kernel_of_another_set_and_one_twice() -> None:
    with pytest.raises(ValueError, match="alpharho_add is of set portable"):
        KernelSet("new", "new.h", (portable.ADD,), {})
    with pytest.raises(ValueError, match="2 kernels alpharho_add"):
        KernelSet("portable", "portable.h", (portable.ADD, portable.ADD), {})


def test_a_set_refuses_a_row_by_a_kernel_that_it_does_not_have() -> None:
    assert isinstance(portable.DEPTHWISE.row, RingRow)
    with pytest.raises(ValueError, match="alpharho_depthwise_row is not in it"):
        KernelSet("portable", "portable.h", (portable.DEPTHWISE,), {})


def test_a_call_with_the_parameters_of_another_kernel_is_refused() -> None:
    with pytest.raises(TypeError, match=r"alpharho_add: called with \['alpharho_mul'\]"):
        Call(portable.ADD, (portable.MUL.structure({}), At(0), At(1), At(2)))
    with pytest.raises(TypeError, match=r"alpharho_mul: called with \[\]"):
        Call(portable.MUL, (At(0), At(1), At(2)))


def test_constants_are_equal_to_themselves_only() -> None:
    data = np.arange(3, dtype=np.int8)
    first, second = Constant("weights", data), Constant("weights", data)
    assert first != second
    assert len({first, second, first}) == 2


def test_each_set_has_an_estimate_of_the_flash_around_a_network() -> None:
    assert set(FIRMWARE_FLASH_BYTES) == set(KERNEL_SETS)
