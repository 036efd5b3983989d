"""What a JUnit file says of the run: which device, firmware, model and versions its results are of."""

from __future__ import annotations

import contextlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from artifact import sha256_of
from compilers.image.toolchain import toolchain_of
from device_tests.support import DeviceUnderTest
from errors import Error
from target import Target

PACKAGES = ("numpy", "ai-edge-litert", "pytest", "pyserial")


def properties(device: DeviceUnderTest, model: str, link: str, image: Path | None) -> dict[str, str]:
    """Return names and values of a run's provenance.

    `model` is its name, `link` the address of the device, `image` what it runs, None where that is the model itself.
    """
    info, target = device.session.info, device.target
    facts = {
        "target": target.name,
        "measured_on": target.measured_on,
        "link": link,
        "board": info.board,
        "unit": info.unit or "",
        "machine": info.machine or "",
        "engine": f"{info.engine} {info.engine_version}",
        "kernels": info.kernels,
        "firmware": info.firmware,
        "image_sha256": sha256_of(image) if image else "",
        "model": model,
        "model_sha256": sha256_of(device.model),
        "held_sha256": info.model_sha256,
        "counter": f"{info.counter.name}, {info.counter.rate_hz} Hz, {info.counter.unit}",
        "input": "streamed" if info.input_streamed else "whole",
        "host": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    return {name: value for name, value in (facts | versions(target)).items() if value}


def versions(target: Target) -> dict[str, str]:
    """Return the versions of what takes part, by name: Python, packages, and the compiler of the firmware."""
    names = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            names[package] = version(package)
        except PackageNotFoundError:
            continue
    if target.mcu and not target.sdk:
        toolchain = toolchain_of(target.mcu)
        with contextlib.suppress(Error):  # an image that was built elsewhere
            names[toolchain.c_compiler] = toolchain.version()
    return {f"version:{name}": text for name, text in names.items()}
