"""What an exported program prints of its layers: hashes of all of them, and the bytes of the first that differs.

    alpharho-trace 1 MODEL-SHA256 ANSWER SEED HOLD KERNELS
    tensor INDEX BYTES HASH
    bytes INDEX OFFSET HEX-DIGITS
    alpharho-trace end TENSORS DIFFERING

The firmware may print other lines among them; a line may have a prefix, such as a time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deploy.tracing import TensorHash
from errors import DeviceError
from graph.noise import noise
from graph.types import Array, Graph
from measure import trace
from measure.trace import Computed

MOST_BYTES = 1 << 26
_BEGIN = re.compile(r"alpharho-trace 1 ([0-9a-f]{64}) (\d{1,3}) (\d{1,9}) (\d{1,9}) ([\w ]{1,32})\s*$")
_TENSOR = re.compile(r"\btensor (\d{1,5}) (\d{1,9}) ([0-9a-f]{8})\s*$")
_BYTES = re.compile(r"\bbytes (\d{1,5}) (\d{1,9}) ((?:[0-9a-f]{2}){1,64})\s*$")
_END = re.compile(r"alpharho-trace end (\d{1,5}) \d{1,5}\s*$")


@dataclass(frozen=True)
class Printed:
    """A trace of one known answer: its number, seed and hold, the hashes, and bytes of a tensor from its first on."""

    kernels: str
    answer: int
    seed: int
    hold: int
    hashes: tuple[TensorHash, ...]
    tensor: int = -1
    bytes: bytes = b""


def read(path: Path, model_sha256: str) -> Printed:
    """Return the last whole trace in a file. Raises DeviceError if there is none, or it is of another model."""
    try:
        with path.open(errors="replace") as file:
            text = file.read(MOST_BYTES)
    except OSError as e:
        raise DeviceError(f"--answers {path}: can't be read ({e.strerror or e})") from e
    begun, whole = None, None
    for line in text.splitlines():
        if match := _BEGIN.search(line):
            if match[1] != model_sha256:
                raise DeviceError(
                    f"--answers {path}: is of model {match[1][:12]}, --model is {model_sha256[:12]}; give the .tflite "
                    "that was exported"
                )
            begun = Printed(match[5], int(match[2]), int(match[3]), max(1, int(match[4])), ())
        elif begun is not None and (match := _END.search(line)):
            whole = begun if len(begun.hashes) == int(match[1]) else whole
            begun = None
        elif begun is not None:
            begun = _with_line(begun, line)
    if whole is None:
        raise DeviceError(
            f"--answers {path}: has no whole trace, from `alpharho-trace 1` to `alpharho-trace end`; "
            "export with --with-trace and keep all that the program `answers` prints"
        )
    return whole


def _with_line(printed: Printed, line: str) -> Printed:
    if match := _TENSOR.search(line):
        item = TensorHash(int(match[1]), int(match[2]), int(match[3], 16))
        return replace(printed, hashes=(*printed.hashes, item))
    match = _BYTES.search(line)
    if match and int(match[2]) == len(printed.bytes) and printed.tensor in (-1, int(match[1])):
        return replace(printed, tensor=int(match[1]), bytes=printed.bytes + bytes.fromhex(match[3]))
    return printed


def input_of(graph: Graph, printed: Printed) -> bytes:
    """Return the bytes of all inputs of the known answer that was traced."""
    ends = [graph.tensors[index] for index in graph.inputs]
    return b"".join(noise([(end.dtype, end.size) for end in ends], printed.seed, printed.hold))


def compared(printed: Printed, expected: Mapping[int, Array]) -> dict[int, Computed]:
    """Return how the printed tensors compare with the expected ones. Raises DeviceError for a tensor of no network."""
    found = trace.of_hashes(printed.hashes, expected, "--answers")
    there = found.get(printed.tensor)
    if there is None or there.is_equal:
        return found
    theirs = expected[printed.tensor].tobytes()[: there.size]
    ours = printed.bytes[: there.size]
    differ = np.flatnonzero(np.frombuffer(ours, np.uint8) != np.frombuffer(theirs[: len(ours)], np.uint8))
    if len(differ):
        size = expected[printed.tensor].itemsize
        at = int(differ[0]) // size * size
        found[printed.tensor] = replace(there, offset=at, differing=ours[at:])
    return found
