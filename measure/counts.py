"""Counts of instructions on an emulator: the same firmware and input give the same ones, so they are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from datasets import digest_of
from deploy.info import DeviceInfo, Stats
from fields import Json
from fields.dataclass_json import to_json
from measure import samples
from measure.answers import keep
from measure.setup import Pictures, Setup

FILENAME = "latency.json"


@dataclass(frozen=True)
class CountsFacts:
    """What a run of the bench gave: counts of single inferences, and the most bytes of stack that were in use after."""

    latency: samples.Latency
    stack_used: int | None


@dataclass(frozen=True)
class Bench:
    """Latency, and the most bytes of stack in use after it where the device did not run again for it (`is_reused`)."""

    latency: samples.Latency
    stack_used: int | None = None
    is_reused: bool = False

    def of_all(self, stats: Stats) -> Stats:
        """Return the statistics of a device with the stack that the bench of an earlier run had used."""
        used = [size for size in (stats.stack_used, self.stack_used) if size is not None]
        return replace(stats, stack_used=max(used)) if used else stats


def kept(setup: Setup, info: DeviceInfo, pictures: Pictures, measure: Callable[[], CountsFacts]) -> Bench:
    """Return the counts of an earlier run with the same firmware, emulator and first picture, or measure them."""

    def make(folder: Path) -> CountsFacts:
        facts = measure()
        (folder / FILENAME).write_text(json.dumps(to_json(facts)) + "\n")
        return facts

    parameters: dict[str, Json] = {
        "input": digest_of(np.frombuffer(pictures.first, np.uint8)),
        "answer": "kept",  # earlier versions kept counts without one
        "emulator": json.dumps(asdict(setup.target.emulator), sort_keys=True) if setup.target.emulator else "",
    }
    counts = keep("counts", FILENAME, CountsFacts, make, setup, info, parameters, setup.settings.fresh)
    return Bench(counts.facts.latency, counts.facts.stack_used, counts.reused)
