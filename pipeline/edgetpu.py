"""Compiling for an Edge TPU as a request says it: with which models, by which machine, or from a compiled file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import console
from artifact import Artifact
from calibration import convert
from calibration.convert import Int8Facts
from compilers import edgetpu
from compilers.edgetpu.outcome import MappingFacts
from errors import CompileError, ConfigError
from graph.compiled import EDGETPU, VELA, compiled_by
from models import presets
from pipeline.options import flag_of
from pipeline.request import Request
from target import Target


def check_options(request: Request, engine: str, board: Target) -> None:
    """Raise CompileError if the target lacks the Edge TPU of the engine, ConfigError for options that conflict."""
    if engine == "edgetpu" and board.tpu is None:
        raise CompileError(f"--engine edgetpu: {board.name} has no Edge TPU; use a target such as coral-usb")
    for name in ("compile_on", "with_"):
        if request.compiled is not None and getattr(request, name):
            raise ConfigError(f"--compiled {request.compiled}: nothing is compiled then; leave {flag_of(name)} out")


def check_compiled(request: Request, engine: str, board: Target) -> None:
    """Raise ConfigError if --model is a file that was compiled for a chip which the target does not have.

    One for the Edge TPU runs on a target with one, and there is nothing left to compile.
    """
    compiler = compiled_by(Path(request.model))
    source = "give the int8 .tflite that it was compiled from"
    if compiler == VELA:
        raise ConfigError(
            f"--model {request.model}: compiled by Vela for an Ethos-U: its operator ethos-u holds commands for "
            f"that NPU alone, which no target has; {source}"
        )
    if compiler == EDGETPU and engine != "edgetpu":
        way = "leave --engine out" if board.tpu else "use --target coral-usb or another with an Edge TPU"
        raise ConfigError(
            f"--model {request.model}: compiled for Coral's Edge TPU, and {engine} on {board.name} can't run its "
            f"operator edgetpu-custom-op; {source}, or {way}"
        )
    for name in ("compiled", "compile_on", "with_"):
        if compiler and getattr(request, name):
            raise ConfigError(
                f"--model {request.model}: compiled for Coral's Edge TPU already; leave {flag_of(name)} out"
            )


def is_compiled(request: Request) -> bool:
    """Return whether --model is a file that was compiled for the Edge TPU."""
    return request.model_kind == "tflite" and compiled_by(Path(request.model)) == EDGETPU


def predict(model: Artifact[Int8Facts]) -> edgetpu.Check:
    """Return which operators should map to the Edge TPU, by Coral's rules."""
    return edgetpu.predict(model.path, model.name)


def compile_for(
    model: Artifact[Int8Facts], request: Request, partners: Sequence[Artifact[Int8Facts]]
) -> Artifact[edgetpu.EdgeTpuFacts]:
    """Return the compiled artifact: made by Coral's compiler, or the file of --compiled, checked."""
    if request.compiled:
        return edgetpu.adopt(model, request.compiled)
    return edgetpu.compile_for(model, tool_for(request), partners)


def tool_for(request: Request) -> edgetpu.Tool:
    """Return Coral's compiler on this machine or on that of --compile-on. Raises LinkError for a wrong address."""
    if request.compile_on is None:
        return edgetpu.LocalTool()
    from pipeline.remote_compiler import RemoteTool

    return RemoteTool(request.compile_on, request.accept_new, console.note)


def partners(
    request: Request, model: Artifact[Int8Facts], quantize: Callable[[str], Artifact[Int8Facts]]
) -> list[Artifact[Int8Facts]]:
    """Return the int8 models of --with; `quantize` returns that of a preset or a Keras file."""
    return [_partner(name, model, quantize) for name in request.with_]


def _partner(
    name: str, model: Artifact[Int8Facts], quantize: Callable[[str], Artifact[Int8Facts]]
) -> Artifact[Int8Facts]:
    # The classes and pixels of a file do not matter here.
    partner = convert.adopt(Path(name), (), (0.0, 1.0)) if Path(name).suffix == ".tflite" else quantize(name)
    if partner.sha256 == model.sha256:
        raise ConfigError(f"--with {name}: is the model itself; name others")
    return partner


def minimalistic_twin(model: Artifact[Int8Facts]) -> str:
    """Name the network of the same size without h-swish and squeeze-and-excite; "" if the model is not a V3 preset."""
    preset = model.facts.preset
    if preset is None or preset.family not in ("v3l", "v3s"):
        return ""
    return presets.Preset(f"{preset.family}m", preset.alpha, preset.rho).name


def text_of(facts: edgetpu.EdgeTpuFacts) -> str:
    """Return how many operators of the model and of its partners the compiler mapped."""
    text = _mapped_text(facts.mapping)
    for partner in facts.partners:
        text += f"; with {partner.name}: {_mapped_text(partner.mapping)}"
    return text


def _mapped_text(facts: MappingFacts) -> str:
    if facts.predicted is None:
        return f"compiled already, {facts.mapped} of its {facts.operators} operators for the Edge TPU"
    return f"{facts.mapped} of {facts.operators} operators mapped"
