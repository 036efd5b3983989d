"""What the compiler made of one network: what it said, what it wrote and what was predicted, brought together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import ImageFacts
from compilers.edgetpu.check import Check, Row, check
from compilers.edgetpu.log import Fate, ModelLog, last_words
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

    `on_cpu` names the operators it left, in order; `fates` are the rows of its log, where there is one;
    `package_compiler` is the version inside the file, "" if it does not say.
    """

    mapped: int
    operators: int
    on_cpu: tuple[str, ...]
    subgraphs: int
    min_runtime_version: int
    caching_token: str
    predicted: PredictedFacts
    package_compiler: str = ""
    on_chip_remaining_bytes: int | None = None
    fates: tuple[Fate, ...] = ()


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
    """One network after the compiler; `log` is None where it ran elsewhere and nothing is known of what it said."""

    compiled: Compiled
    predicted: Check
    file_bytes: int
    log: ModelLog | None

    @property
    def mapped(self) -> int:
        """How many operators of the source run on the Edge TPU: as the compiler says, else those that are not left."""
        said = self.log.mapped if self.log else None
        return len(self.predicted.rows) - len(self.compiled.on_cpu) if said is None else said

    def memory(self) -> dict[str, int]:
        """Return bytes by name: the file, and on and off the chip what the compiler says, else what the file holds."""
        figures = self.log.figures if self.log else {}
        found = {"model_file": self.file_bytes, "tpu_on_chip": figures.get("on_chip_bytes", self.compiled.cached_bytes)}
        return found | ({"tpu_off_chip": figures["off_chip_bytes"]} if "off_chip_bytes" in figures else {})

    def facts(self) -> MappingFacts:
        """Return it for an artifact's facts."""
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
            fates=self.log.fates if self.log else (),
        )


def predict(model: Path, name: str) -> Check:
    """Return what will become of each operator, before the compiler is asked; `name` is what errors call the model.

    Raises CompileError if the file is damaged, or is the compiler's output already.
    """
    graph = read(model)
    if is_compiled(graph):
        raise CompileError(
            f"{name}: is compiled for the Edge TPU already; give the int8 .tflite that it was made from, and "
            "this one with --compiled"
        )
    return check(graph)


def outcome(source: Path, output: Path, log: ModelLog | None, said: str = "") -> Outcome:
    """Return what became of `source`; `said` is all that the compiler said.

    Raises CompileError if no operator was mapped, or what was written is missing or something else than it should be.
    """
    if log and log.mapped == 0:
        raise CompileError(f"{source.name}: {PROGRAM} mapped none of {log.operators or 'its'} operators{_reasons(log)}")
    if not output.is_file():
        raise CompileError(f"{source.name}: {PROGRAM} wrote no {output.name}; it said: {last_words(said) or 'nothing'}")
    return Outcome(examine(output, source), predict(source, source.name), output.stat().st_size, log)


def expect_shared_cache(names: Sequence[str], found: Sequence[Outcome]) -> None:
    """Check that models that were compiled together have a caching token in common, or they evict each other.

    Raises CompileError if they have not.
    """
    tokens = {outcome.compiled.caching_token for outcome in found if outcome.compiled.caching_token}
    if len(tokens) > 1:
        raise CompileError(
            f"{', '.join(names)}: were compiled together, yet their {CUSTOM_OP}s have {len(tokens)} caching tokens; "
            "compile them again"
        )


def _reasons(log: ModelLog) -> str:
    told = [f"{fate.operator} x{fate.count}: {fate.status}" for fate in log.fates[:3]]
    return f" ({'; '.join(told)}{', ...' if len(log.fates) > 3 else ''})" if told else ""
