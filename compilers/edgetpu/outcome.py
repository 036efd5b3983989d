"""The result of compiling one network: the compiler's log, its file and the prediction, brought together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import ImageFacts
from compilers.edgetpu.check import Check, Row, check
from compilers.edgetpu.log import LogRow, ModelLog, explanation
from compilers.edgetpu.output import CUSTOM_OP, Compiled, examine, is_compiled
from compilers.edgetpu.tool import PROGRAM
from errors import CompileError
from graph.reader import read


@dataclass(frozen=True)
class PredictedFacts:
    """What Coral's rules predict: operators mapped of all, those that stay on the CPU, and bytes of all constants."""

    mapped: int
    operators: int
    on_cpu: tuple[Row, ...]
    parameter_bytes: int


@dataclass(frozen=True)
class MappingFacts:
    """What the compiler did with one network: how many of its operators it mapped to the Edge TPU.

    `on_cpu` names the operators it left, in order; `log_rows` are the rows of its log, where there is one;
    `package_compiler` is the version inside the file, "" if it does not say. `predicted` is None for a compiled file
    alone: its source is not known, and the operators are those of the file itself.
    """

    mapped: int
    operators: int
    on_cpu: tuple[str, ...]
    subgraphs: int
    min_runtime_version: int
    caching_token: str
    predicted: PredictedFacts | None
    package_compiler: str = ""
    on_chip_remaining_bytes: int | None = None
    log_rows: tuple[LogRow, ...] = ()


@dataclass(frozen=True)
class PartnerFacts:
    """A network that was compiled together with another: its name, its file beside the other's, its mapping."""

    name: str
    file: str
    mapping: MappingFacts


@dataclass(frozen=True)
class EdgeTpuFacts(ImageFacts):
    """Facts of a network for the Edge TPU: its mapping, its partners, and where it was compiled ("" if elsewhere)."""

    mapping: MappingFacts
    partners: tuple[PartnerFacts, ...] = ()
    compiled_on: str = ""


@dataclass(frozen=True)
class Outcome:
    """One network after compilation; `log` is None if it was compiled elsewhere."""

    compiled: Compiled
    predicted: Check
    file_bytes: int
    log: ModelLog | None

    @property
    def mapped(self) -> int:
        """How many operators of the source run on the Edge TPU: from the log, else all that the file does not list."""
        logged = self.log.mapped if self.log else None
        return len(self.predicted.rows) - len(self.compiled.on_cpu) if logged is None else logged

    def memory(self) -> dict[str, int]:
        """Return bytes by name: the file, and parameters on and off the chip from the log, else from the file."""
        figures = self.log.figures if self.log else {}
        memory = {
            "model_file": self.file_bytes,
            "tpu_on_chip": figures.get("on_chip_bytes", self.compiled.cached_bytes),
        }
        return memory | ({"tpu_off_chip": figures["off_chip_bytes"]} if "off_chip_bytes" in figures else {})

    def facts(self) -> MappingFacts:
        """Return what an artifact's facts say about it."""
        compiled, figures, predicted = self.compiled, self.log.figures if self.log else {}, self.predicted
        on_cpu = tuple(row for row in predicted.rows if not row.mapped)
        return MappingFacts(
            mapped=self.mapped,
            operators=len(predicted.rows),
            on_cpu=compiled.on_cpu,
            subgraphs=figures.get("subgraphs", compiled.tpu_operators),
            min_runtime_version=compiled.min_runtime_version,
            caching_token=f"{compiled.caching_token:016x}",
            predicted=PredictedFacts(predicted.mapped, len(predicted.rows), on_cpu, predicted.parameter_bytes),
            package_compiler=compiled.compiler_version,
            on_chip_remaining_bytes=figures.get("on_chip_remaining_bytes"),
            log_rows=self.log.rows if self.log else (),
        )


def alone(output: Path) -> tuple[MappingFacts, dict[str, int]]:
    """Return the mapping and the memory of a compiled file whose source is not known. Raises CompileError."""
    compiled = examine(output, None)
    facts = MappingFacts(
        mapped=compiled.tpu_operators,
        operators=compiled.tpu_operators + len(compiled.on_cpu),
        on_cpu=compiled.on_cpu,
        subgraphs=compiled.tpu_operators,
        min_runtime_version=compiled.min_runtime_version,
        caching_token=f"{compiled.caching_token:016x}",
        predicted=None,
        package_compiler=compiled.compiler_version,
    )
    return facts, {"model_file": output.stat().st_size, "tpu_on_chip": compiled.cached_bytes}


def predict(model: Path, name: str) -> Check:
    """Return the prediction for each operator, without the compiler; `name` is the model's name in errors.

    Raises CompileError if the file is damaged, or is the compiler's output already.
    """
    graph = read(model, name)
    if is_compiled(graph):
        raise CompileError(
            f"{name}: is compiled for the Edge TPU already; give the int8 .tflite that it was compiled from, and "
            "this one with --compiled"
        )
    return check(graph)


def outcome(source: Path, output: Path, name: str, log: ModelLog | None, text: str = "") -> Outcome:
    """Return the outcome of compiling `source`, which errors call `name`; `text` is all of the compiler's output.

    Raises CompileError if no operator was mapped, or the output file is missing or was compiled from another model.
    """
    if log and log.mapped == 0:
        raise CompileError(f"{name}: {PROGRAM} mapped none of {log.operators or 'its'} operators{_reasons(log)}")
    if not output.is_file():
        raise CompileError(f"{name}: {PROGRAM} wrote no {output.name}; it printed: {explanation(text) or 'nothing'}")
    return Outcome(examine(output, source, name), predict(source, name), output.stat().st_size, log)


def expect_shared_cache(names: Sequence[str], outcomes: Sequence[Outcome]) -> None:
    """Check that models that were compiled together share a caching token. Without one they evict each other.

    Raises CompileError if they do not.
    """
    tokens = {outcome.compiled.caching_token for outcome in outcomes if outcome.compiled.caching_token}
    if len(tokens) > 1:
        raise CompileError(
            f"{', '.join(names)}: were compiled together, yet their {CUSTOM_OP}s have {len(tokens)} caching tokens; "
            "compile them again"
        )


def _reasons(log: ModelLog) -> str:
    reasons = [f"{row.operator} x{row.count}: {row.status}" for row in log.rows[:3]]
    return f" ({'; '.join(reasons)}{', ...' if len(log.rows) > 3 else ''})" if reasons else ""
