"""Sections of the report that are known without measuring, and one line about what was measured."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from artifact import Artifact
from calibration.convert import Int8Facts
from measure import samples as measure
from target import Target


def target_section(target: Target) -> dict[str, str]:
    """Return the section `target`."""
    return {"name": target.name, "class": target.kind, "where": target.measured_on, "cpu": _cpu(target)}


def _cpu(target: Target) -> str:
    """Return the CPU's name; this very machine's for `native`."""
    if target.cpu != "native":
        return target.cpu
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "native"


def model_section(int8: Artifact[Int8Facts]) -> dict[str, Any]:
    """Return the section `model` of an int8 artifact."""
    facts = int8.facts
    made: dict[str, Any] = {"name": int8.name, "classes": facts.classes, "sha256": int8.sha256}
    if facts.parameters is not None:
        made["parameters"] = facts.parameters
    if preset := facts.preset:
        made |= {"family": preset.family, "alpha": preset.alpha, "rho": preset.rho, "macs": preset.macs}
    return made


def latency_text(found: measure.Latency) -> str:
    """Return what was measured, in a line."""
    figures = found.summary()
    if found.unit == "instructions":
        return f"{figures['median']:,} instructions an inference"
    return f"{figures['median'] / 1000:.3f} ms median, {figures['p90'] / 1000:.3f} ms p90, {figures['n']} runs"


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
