"""An export as an artifact: what the user's SDK builds for a board of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artifact import Artifact, ImageFacts, produce, write_atomic
from compilers.aot import Plan, key
from compilers.export import EXPORT_VERSION, Settings, files_of
from compilers.export.cores import PORTABLE, kernels_of
from compilers.export.folder import MANIFEST
from compilers.export.sources import source_digest
from compilers.image.fit import check_fit
from errors import CompileError
from fields import Json
from target import Target

FRAMEWORK_OF = {"zephyr": "zephyr", "arduino": "arduino", "pio": "platformio", "idf": "esp-idf"}


@dataclass(frozen=True)
class ExportFacts(ImageFacts):
    """Facts of an export: `memory` as the plan has it, bytes by name, and the plan."""

    plan: Plan


def compile_for(
    model: Artifact[object], target: Target, optimize: str = "size", stream_input: bool = False
) -> Artifact[ExportFacts]:
    """Return the export with the protocol, kind `export`, of an int8 artifact for a board of the user's SDK.

    The kernels are those of the board's core. Raises CompileError if an operator can't be compiled or the target is
    not such a board, FitError if its memory is known and too small.
    """
    if target.sdk is None:
        raise CompileError(f"{target.name}: is not a board of an SDK, such as zephyr:nucleo_f746zg")
    settings = Settings(
        FRAMEWORK_OF[target.sdk.name],
        kernels_of(target.sdk) or PORTABLE,
        optimize,
        with_protocol=True,
        stream_input=stream_input,
        board=target.name,
    )

    def make(folder: Path) -> ExportFacts:
        contents, files = files_of(model, settings)
        if target.sdk and target.sdk.memory:
            check_fit(target, contents.plan)
        for path, content in files.items():
            write_atomic(folder / path, content)
        plan = contents.plan
        memory = {"arena": plan.arena_bytes, "stack": contents.stack_bytes, "weights": plan.weights_bytes}
        return ExportFacts(model.sha256, memory, plan)

    return produce(
        "export",
        f"{target.name.replace(':', '-')}-{model.name}",
        MANIFEST,
        ExportFacts,
        make,
        parents={model.kind: model.sha256},
        parameters=_parameters(settings),
    )


def _parameters(settings: Settings) -> dict[str, Json]:
    return {
        "engine": key(),
        "export": EXPORT_VERSION,
        "sources": source_digest(settings.kernels),
        "kernels": settings.kernels,
        "target": settings.board,
        "optimize": settings.optimize,
        "stream_input": settings.stream_input,
    }
