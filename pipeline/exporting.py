"""The task `export`: an int8 network as a folder for the user's own firmware."""

from __future__ import annotations

from pathlib import Path

import console
from artifact import HOME
from compilers import export
from pipeline import preflight, product_forms
from pipeline.preflight import Goal
from pipeline.steps import Steps
from pipeline.task_requests import ExportRequest

EXPORTS_DIR = HOME / "exports"


def run(request: ExportRequest) -> Path:
    """Write the folder, say what it needs and what to do with it, and return it.

    Raises Error if the model can't be built or compiled, or if the folder holds other files.
    """
    settings = export.Settings(
        request.for_,
        request.kernels,
        request.optimize,
        request.with_protocol,
        request.stream_input,
        request.library,
        with_trace=request.with_trace,
    )
    out = request.out or EXPORTS_DIR / f"{Path(request.model).stem}-{request.for_}"
    export.check(settings, out)
    model = Steps(preflight.check(request, Goal.INT8, needs_data=False)).quantize()
    with console.step("export") as line:
        exported = export.export(model, settings, out)
        line.text = (
            f"{exported.identifier} for {request.for_}: arena {exported.arena_bytes:,}, stack "
            f"{exported.stack_bytes:,}, weights {exported.weights_bytes:,} bytes; {exported.files} files"
        )
    if request.json:
        console.print_json(product_forms.of_export(exported, request.for_))
        return exported.folder
    console.plain("\n".join(exported.steps))
    console.say(str(exported.folder))
    return exported.folder
