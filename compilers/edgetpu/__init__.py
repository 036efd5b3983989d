"""Coral's Edge TPU: an int8 `.tflite` becomes one that holds the TPU's operator, by Coral's own compiler.

`rules` are Coral's documented ones and `check` predicts by them, `tool` runs the compiler, `log` reads its output,
`output` checks its file, `outcome` brings these together. Nothing here imports TensorFlow. None of it was tried on
hardware, nor with the compiler itself; the tests use a stand-in, and a pair of files that Coral publishes.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from artifact import Artifact, no_such_file, produce, sha256_of, write_atomic
from compilers.edgetpu.check import Check
from compilers.edgetpu.log import explanation, parse
from compilers.edgetpu.outcome import EdgeTpuFacts, PartnerFacts, alone, expect_shared_cache, outcome, predict
from compilers.edgetpu.tool import PROGRAM, LocalTool, Tool
from errors import CompileError, ConfigError

__all__ = ["Check", "EdgeTpuFacts", "LocalTool", "Tool", "adopt", "adopt_alone", "compile_for", "predict"]

KIND = "edgetpu"
MODEL = "model.tflite"
FILENAME = "model_edgetpu.tflite"
LOG = "edgetpu_compiler.log"


def compile_for(
    model: Artifact[object], tool: Tool, partners: Sequence[Artifact[object]] = ()
) -> Artifact[EdgeTpuFacts]:
    """Return an int8 artifact as one of kind `edgetpu`: a .tflite that holds the Edge TPU's operator.

    `partners` are compiled together with it, so that the parameters of all fit on the chip at once; their files are in
    the same folder. Raises CompileError with the compiler's explanation if it fails, maps no operator, or writes a file
    that does not belong to the model.
    """
    names = [MODEL, *(f"with{number}_{partner.name}.tflite" for number, partner in enumerate(partners, start=1))]

    def make(folder: Path) -> EdgeTpuFacts:
        for name, artifact in zip(names, (model, *partners), strict=True):
            shutil.copyfile(artifact.path, folder / name)
        finished = tool.compile([folder / name for name in names], folder)
        write_atomic(folder / LOG, finished.stdout)
        if finished.exit_code:
            reason = explanation(finished.stdout) or "it printed nothing"
            raise CompileError(f"{model.name}: {PROGRAM} ended with exit code {finished.exit_code}: {reason}")
        logs = {log.model: log for log in parse(finished.stdout)}
        model_names = [model.name, *(partner.name for partner in partners)]
        outcomes = [
            outcome(folder / name, folder / _output(name), model_name, logs.get(name), finished.stdout)
            for name, model_name in zip(names, model_names, strict=True)
        ]
        expect_shared_cache(model_names, outcomes)
        return EdgeTpuFacts(
            model_sha256=sha256_of(folder / FILENAME),
            memory=outcomes[0].memory(),
            mapping=outcomes[0].facts(),
            partners=tuple(
                PartnerFacts(partner.name, _output(name), result.facts())
                for partner, name, result in zip(partners, names[1:], outcomes[1:], strict=True)
            ),
            compiled_on=tool.machine,
        )

    parents = {model.kind: model.sha256}
    parents |= {f"with{number}": partner.sha256 for number, partner in enumerate(partners, start=1)}
    return produce(KIND, model.name, FILENAME, EdgeTpuFacts, make, parents=parents, tools={PROGRAM: tool.version()})


def adopt(model: Artifact[object], compiled: Path) -> Artifact[EdgeTpuFacts]:
    """Return a file that was compiled elsewhere as an artifact of kind `edgetpu`, checked against its int8 source.

    Raises ConfigError if it is not there, CompileError if it holds no operator of the Edge TPU or was compiled from
    another model.
    """
    if not compiled.is_file():
        raise ConfigError(f"--compiled {compiled}: {no_such_file(compiled)}")

    def make(folder: Path) -> EdgeTpuFacts:
        shutil.copyfile(model.path, folder / MODEL)
        shutil.copyfile(compiled, folder / FILENAME)
        try:
            result = outcome(folder / MODEL, folder / FILENAME, model.name, None)
        except CompileError as e:
            raise CompileError(f"--compiled {compiled}: {e}") from e
        return EdgeTpuFacts(sha256_of(folder / FILENAME), result.memory(), result.facts())

    parents, parameters = {model.kind: model.sha256}, {"compiled": sha256_of(compiled)}
    return produce(KIND, model.name, FILENAME, EdgeTpuFacts, make, parents=parents, parameters=parameters)


def adopt_alone(model: Artifact[object]) -> Artifact[EdgeTpuFacts]:
    """Return a compiled file that is itself the user's model as an artifact of kind `edgetpu`.

    Raises CompileError if it is damaged.
    """

    def make(folder: Path) -> EdgeTpuFacts:
        shutil.copyfile(model.path, folder / FILENAME)
        mapping, memory = alone(folder / FILENAME)
        return EdgeTpuFacts(sha256_of(folder / FILENAME), memory, mapping)

    return produce(KIND, model.name, FILENAME, EdgeTpuFacts, make, parents={model.kind: model.sha256})


def _output(name: str) -> str:
    """Return the name that the compiler gives to its output for a file."""
    return f"{Path(name).stem}_edgetpu.tflite"
