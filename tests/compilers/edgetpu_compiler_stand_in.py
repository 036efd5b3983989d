"""A stand-in for Coral's `edgetpu_compiler`: its arguments, exit codes, files and output, for tests of its callers.

It compiles nothing. It says that all operators are mapped up to the first that is not among those of a short list, in
the form of the examples in Coral's documentation (coral.ai/docs/edgetpu/compiler), and writes what edgetpu_files makes.
EDGETPU_STAND_IN in the environment lets it misbehave: see `main`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from graph.reader import parse
from graph.types import Graph
from graph.writer import write
from tests.compilers import edgetpu_files

VERSION = "Edge TPU Compiler version 16.0.384591198"
UNSUPPORTED = ("HARD_SWISH", "ARG_MAX", "DEQUANTIZE")


def install(folder: Path) -> Path:
    """Write it as the program `edgetpu_compiler` into a folder for the PATH; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "edgetpu_compiler"
    root = Path(__file__).resolve().parents[2]
    program.write_text(
        f"#!/bin/sh\nexport PYTHONPATH='{root}' CUDA_VISIBLE_DEVICES=-1\n"
        f"exec '{sys.executable}' -m tests.compilers.edgetpu_compiler_stand_in \"$@\"\n"
    )
    program.chmod(0o755)
    return folder


def main() -> int:
    """Compile, or fail as EDGETPU_STAND_IN says: aborts, silent, nothing, none, refuses, other, apart, hangs."""
    how = os.environ.get("EDGETPU_STAND_IN", "")
    parser = argparse.ArgumentParser(prog="edgetpu_compiler")
    parser.add_argument("-v", "--version", action="store_true")
    parser.add_argument("-s", "--show_operations", action="store_true")
    parser.add_argument("-t", "--timeout_sec", type=int, default=180)
    parser.add_argument("-o", "--out_dir", default=".")
    parser.add_argument("models", nargs="*")
    given = parser.parse_args()
    print(VERSION)
    if given.version:
        return 0
    if how == "hangs":
        time.sleep(60)
    if how == "aborts":
        print("\nInternal compiler error. Aborting! ")
        return 1
    if how == "refuses":
        print(
            "ERROR: Didn't find op for builtin opcode 'CONV_2D' version '6'. An older version of this builtin might be"
        )
        print("supported.\n\nERROR: Registration failed.\n\nInvalid model: model.tflite\nModel could not be parsed")
        return 1
    print("\nModel compiled successfully in 45 ms.\n")
    for number, name in enumerate(given.models):
        _compile(Path(name), Path(given.out_dir), how, token=number if how == "apart" else 7)
    return 0


def _compile(path: Path, out: Path, how: str, token: int) -> None:
    data = path.read_bytes()
    graph = parse(data, path.name)
    fates = _fates(graph, none=how == "none")
    mapped = sum(status == "Mapped to Edge TPU" for _, status in fates)
    output = out / f"{path.stem}_edgetpu.tflite"
    if how not in ("nothing", "none"):
        kept = len(fates) - mapped
        changed = write(_with_higher_input(graph)) if how == "other" else data
        output.write_bytes(edgetpu_files.compiled(changed, kept, token=token + 1, cached_bytes=len(data)))
    if how == "silent":
        return
    print(
        f"Input model: {path}\nInput size: {_size(len(data))}\nOutput model: {output}\nOutput size: {_size(len(data))}"
    )
    print(f"On-chip memory used for caching model parameters: {_size(len(data))}")
    print("On-chip memory remaining for caching model parameters: 7.38MiB")
    print("Off-chip memory used for streaming uncached model parameters: 0.00B")
    print(f"Number of Edge TPU subgraphs: {int(mapped > 0)}\nTotal number of operations: {len(fates)}")
    print(f"Operation log: {output.with_suffix('.log')}\n\nOperator                       Count      Status\n")
    rows = [f"{name:<30} {count:<10} {status}" for (name, status), count in Counter(fates).items()]
    print("\n".join(rows), "\n")
    output.with_suffix(".log").write_text("\n".join([VERSION, f"Input: {path}", f"Output: {output}", "", *rows]))


def _with_higher_input(graph: Graph) -> Graph:
    """Return the graph with an input one pixel higher."""
    (index,) = graph.inputs
    batch, height, *rest = graph.tensors[index].shape
    tensor = replace(graph.tensors[index], shape=(batch, height + 1, *rest))
    return replace(graph, tensors=(*graph.tensors[:index], tensor, *graph.tensors[index + 1 :]))


def _fates(graph: Graph, none: bool) -> list[tuple[str, str]]:
    fates, over = [], none
    for operator in graph.operators:
        supported = operator.name not in UNSUPPORTED
        if none or not supported:
            status = "Operation not supported"
        else:
            status = "More than one subgraph is not supported" if over else "Mapped to Edge TPU"
        fates.append((operator.name, status))
        over = over or not supported
    return fates


def _size(count: int) -> str:
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{np.round(count / size, 2):.2f}{unit}"
    return f"{count:.2f}B"


if __name__ == "__main__":
    sys.exit(main())
