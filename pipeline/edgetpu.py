"""The step of `pipeline` that compiles for an Edge TPU: what is predicted is shown before Coral's compiler is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import console
from artifact import Artifact
from calibration import convert
from calibration.convert import Int8Facts
from compilers import edgetpu
from compilers.edgetpu.outcome import MappingFacts
from errors import CompileError, ConfigError
from models import presets
from target import Target


class Asked(Protocol):
    """The fields of pipeline.Request that are read here."""

    @property
    def compile_on(self) -> str | None:
        """Address of the machine that compiles."""

    @property
    def with_(self) -> str | None:
        """Models to compile together with it, joined by commas."""

    @property
    def compiled(self) -> str | None:
        """File that was compiled elsewhere."""

    @property
    def accept_new(self) -> bool:
        """Whether an unknown host's key is stored."""


@dataclass(frozen=True)
class Options:
    """How to compile, checked: with which models, where, or a file that is compiled already."""

    partners: tuple[str, ...]
    compile_on: str | None
    compiled: Path | None
    accept_new: bool


def options(asked: Asked, engine: str, target: Target) -> Options | None:
    """Return how to compile for the Edge TPU, None if another engine is meant.

    Raises ConfigError if an option is given that is not for this engine, CompileError if the target has no Edge TPU.
    """
    if engine == "edgetpu" and target.tpu is None:
        raise CompileError(f"--engine edgetpu: {target.name} has no Edge TPU; take a target such as coral-usb")
    for option, value in (("compile-on", asked.compile_on), ("with", asked.with_), ("compiled", asked.compiled)):
        if value is not None and engine != "edgetpu":
            raise ConfigError(f"--{option} {value}: is for targets with an Edge TPU, such as coral-usb")
        if value is not None and option != "compiled" and asked.compiled is not None:
            raise ConfigError(f"--compiled {asked.compiled}: nothing is compiled then; leave --{option} out")
    if engine != "edgetpu":
        return None
    names = tuple(name.strip() for name in (asked.with_ or "").split(",") if name.strip())
    return Options(names, asked.compile_on, Path(asked.compiled) if asked.compiled else None, asked.accept_new)


def compiled(
    model: Artifact[Int8Facts], target: Target, how: Options, int8_of: Callable[[str], Artifact[Int8Facts]]
) -> Artifact[edgetpu.EdgeTpuFacts]:
    """Show what will become of each operator, then return the compiled artifact; `int8_of` makes a preset's model."""
    with console.step("check") as line:
        found = edgetpu.predict(model.path, model.name)
        line.text = f"{found.mapped} of {len(found.rows)} operators should map to the Edge TPU, by Coral's rules"
    console.edgetpu_check(found, minimalistic_twin(model))
    partners = [_partner(name, model, int8_of) for name in how.partners]
    with console.step("compile") as line:
        made = edgetpu.adopt(model, how.compiled) if how.compiled else edgetpu.compile_for(model, _tool(how), partners)
        facts = made.facts
        memory = ", ".join(f"{name.replace('_', ' ')} {size:,} bytes" for name, size in facts.memory.items())
        line.text = f"edgetpu for {target.name}: {_mapped(facts.mapping)}, {memory}"
        for partner in facts.partners:
            line.text += f"; with {partner.name}: {_mapped(partner.mapping)}"
        line.reused = made.reused
    if facts.mapping.mapped != found.mapped:
        console.note(f"{found.mapped} operators were predicted to map; the compiler has the last word")
    return made


def minimalistic_twin(model: Artifact[Int8Facts]) -> str:
    """Name the network of the same size without h-swish and squeeze-and-excite; "" if the model is no V3 preset."""
    preset = model.facts.preset
    if preset is None or preset.family not in ("v3l", "v3s"):
        return ""
    return presets.Preset(f"{preset.family}m", preset.alpha, preset.rho).name


def _tool(how: Options) -> edgetpu.Tool:
    if how.compile_on is None:
        return edgetpu.LocalTool()
    from pipeline.remote_compiler import RemoteTool

    return RemoteTool(how.compile_on, how.accept_new, console.note)


def _partner(
    name: str, model: Artifact[Int8Facts], int8_of: Callable[[str], Artifact[Int8Facts]]
) -> Artifact[Int8Facts]:
    # What the classes and pixels of a file mean does not matter here.
    made = convert.adopt(Path(name), (), (0.0, 1.0)) if Path(name).suffix == ".tflite" else int8_of(name)
    if made.sha256 == model.sha256:
        raise ConfigError(f"--with {name}: is the model itself; name others")
    return made


def _mapped(facts: MappingFacts) -> str:
    return f"{facts.mapped} of {facts.operators} operators mapped"
