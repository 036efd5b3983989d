"""A network in C as a folder that the user's own SDK takes as it is: model, weights, kernels, a test, and examples.

`sources` picks and renames the C, `answers` has the known answers, `frameworks` what each SDK needs beside it, `folder`
writes all of it at once. Nothing here imports TensorFlow, and no SDK or compiler needs to be installed.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

from artifact import ROOT, Artifact, write_zip
from compilers.aot import KERNEL_SETS, OPTIMIZE, compile_graph
from compilers.aot.emit import Naming
from compilers.compiled import c_identifier
from compilers.export import answers, folder, library
from compilers.export.contents import Contents
from compilers.export.frameworks import CMSIS_PACK, FRAMEWORKS
from errors import CompileError, nearest
from graph.reader import read

__all__ = ["EXPORT_VERSION", "FRAMEWORKS", "KERNEL_SETS", "Exported", "Settings", "check", "export", "files_of"]

# Raise it whenever the files of an export may differ for the same network.
EXPORT_VERSION = "3"


@dataclass(frozen=True)
class Settings:
    """What an export is for: one of FRAMEWORKS, a kernel set, an aim of compilers.aot.OPTIMIZE, with the protocol.

    With `stream_input` the network takes its input row by row, and it is never whole in memory; with `with_trace` it
    hashes what each operator computes, for a trace. `board` is the name
    that a device says of itself, "" for the one that the framework knows.
    """

    framework: str
    kernels: str = "portable"
    optimize: str = "size"
    with_protocol: bool = False
    stream_input: bool = False
    library: tuple[str, ...] = ()
    board: str = ""
    with_trace: bool = False


@dataclass(frozen=True)
class Exported:
    """An export: its folder, the network's name in C, bytes of RAM and flash, and how many files it has."""

    folder: Path
    identifier: str
    arena_bytes: int
    stack_bytes: int
    weights_bytes: int
    files: int
    steps: tuple[str, ...]


def check(settings: Settings, out: Path) -> None:
    """Raise CompileError for names that do not exist, and ConfigError if `out` is not free."""
    for option, value, known in (
        ("--for", settings.framework, FRAMEWORKS),
        ("--kernels", settings.kernels, KERNEL_SETS),
        ("--optimize", settings.optimize, OPTIMIZE),
    ):
        if value not in known:
            raise CompileError(f"{option} {value}: unknown; {nearest(value, known)}")
    library.check(settings.library, settings.framework, settings.kernels)
    folder.check_free(out)


def export(model: Artifact[object], settings: Settings, out: Path) -> Exported:
    """Write the int8 `.tflite` of an artifact as C for a framework to the folder `out`, in place of an earlier export.

    The same model and settings give the same bytes. Raises CompileError naming file, operator and tensor for what can't
    be compiled, GraphError if LiteRT can't run it, ConfigError if `out` has other files or can't be written.
    """
    check(settings, out)
    contents, files = files_of(model, settings)
    folder.write(out, files)
    plan = contents.plan
    return Exported(
        out, contents.identifier, plan.arena_bytes, contents.stack_bytes, plan.weights_bytes, len(files), contents.steps
    )


def files_of(model: Artifact[object], settings: Settings) -> tuple[Contents, dict[str, bytes]]:
    """Return an export and its files by path, the manifest included. Raises CompileError, GraphError."""
    framework = FRAMEWORKS[settings.framework]
    if settings.board:
        framework = replace(framework, board=f'"{settings.board}"')
    identifier = c_identifier(model.name)
    graph = read(model.path, f"{model.name}.tflite")
    plan, compiled = compile_graph(
        graph, settings.kernels, settings.optimize, settings.stream_input, Naming(identifier, trace=settings.with_trace)
    )
    known = answers.known_answers(model.path, plan)
    version = f"{EXPORT_VERSION}.0.0"
    contents = Contents(
        model.name, framework, plan, compiled, known, settings.with_protocol, version, falls_back=bool(settings.board),
        traced_hashes=answers.traced_hashes(model.path, graph, plan, known), cores=settings.library,
    )  # fmt: skip
    files = {path: text.encode() for path, text in contents.files().items()}
    if settings.library:
        files |= library.built(contents.code, contents.model_sources, identifier, settings.library)
    files["LICENSE.txt"] = (ROOT / "LICENSE").read_bytes()
    if framework.name == CMSIS_PACK.name:
        files[f"Alpharho.{identifier}.{contents.version}.pack"] = _pack(files)
    about = folder.Manifest(
        f"alpharho export {EXPORT_VERSION}", model.name, plan.model_sha256, framework.name, settings.kernels,
        settings.with_protocol, settings.stream_input, contents.revision, folder.digests(files),
        settings.with_trace,
    )  # fmt: skip
    return contents, files | {folder.MANIFEST: folder.manifest(about)}


def _pack(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    write_zip(archive, sorted(files.items()), is_compressed=True)
    return archive.getvalue()
