"""What a preset needs of memory on a kernel set: planned once, without weights that were trained and TensorFlow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from artifact import produce
from compilers import aot
from compilers.aot.result import Computed
from fields.dataclass_json import to_json
from models import random_int8
from models.presets import Preset


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes as in aot.Plan, and of the input; `by_rows` and `computed` as in aot.Outline."""

    arena_bytes: int
    weights_bytes: int
    code_bytes: int
    input_bytes: int
    by_rows: tuple[int, ...]
    computed: tuple[Computed, ...]


def of_preset(preset: Preset, kernels: str, optimize: str, stream_input: bool) -> MemoryPlan:
    """Return the memory plan of a preset. Raises CompileError if the network can't be compiled so."""

    def make(folder: Path) -> MemoryPlan:
        graph = random_int8.graph_of(preset)
        known = aot.outline(graph, kernels, optimize, stream_input)
        inputs = sum(graph.tensors[i].bytes for i in graph.inputs)
        plan = MemoryPlan(
            known.arena_bytes, known.weights_bytes, known.code_bytes, inputs, known.by_rows, known.computed
        )
        (folder / "plan.json").write_text(json.dumps(to_json(plan)))
        return plan

    return produce(
        "plan", preset.name, "plan.json", MemoryPlan, make,
        parameters={
            "engine": aot.key(), "kernels": kernels, "optimize": optimize,
            "stream_input": stream_input, "classes": preset.classes, "channels": preset.channels,
        },
    ).facts  # fmt: skip
