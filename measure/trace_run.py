"""A network on a device whose tensors between the operators can be compared: what runs there, and what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from artifact import Artifact, ImageFacts, produce, sha256_of, write_atomic
from deploy.agents import TFLM, AgentOptions
from deploy.board_state import BoardState
from deploy.device import device_for
from deploy.identity import check
from deploy.info import DeviceInfo
from deploy.links import make_link
from deploy.session import Session
from errors import DeviceError
from graph.difference import TFLM_ARENA_BYTES
from graph.tensors import CARRIED, with_outputs
from graph.types import Array, Graph
from measure import trace
from measure.setup import Setup
from measure.trace import Computed

FILENAME = "model.tflite"
MOST_OUTPUTS = 250
"""Of a network that an agent serves: the wire has one byte for the number of an output."""
PLAIN_DIFFERS = "with all tensors as outputs these kernels compute other bytes than in the plain network"


@dataclass(frozen=True)
class Answer:
    """What a device computed, as it compares with what is expected, by tensor; and who it said it is."""

    info: DeviceInfo
    computed: Mapping[int, Computed]
    note: str = ""


def run(setup: Setup, graph: Graph, data: bytes, expected: Mapping[int, Array]) -> Answer:
    """Run the setup's device on the bytes of all inputs. A microcontroller's image is one that was built to be traced.

    Raises as deploy.device.Device.session.
    """
    if setup.compiled.kind in ("litert", TFLM):
        return _run_all_outputs(setup, graph, data, expected)
    with _session(setup, setup.compiled) as session:
        return Answer(session.info, trace.of_firmware(session, data, expected))


def run_linked(link: str, model_sha256: str, data: bytes, expected: Mapping[int, Array]) -> Answer:
    """Run a traced firmware that is on a device already, such as the user's own. Raises LinkError, DeviceError."""
    with Session(make_link(link)) as session:
        session.expect_model(model_sha256)
        return Answer(session.info, trace.of_firmware(session, data, expected))


@contextmanager
def _session(setup: Setup, artifact: Artifact[ImageFacts]) -> Iterator[Session]:
    how = setup.settings
    agent = AgentOptions(max(1, how.threads), how.kernels, how.device, how.runtime, how.accept_new)
    with device_for(setup.target, artifact, how.link, agent, flasher=how.flasher).session() as session:
        board = session.board() if setup.is_linux else BoardState()
        check(setup.target, session.info, board, how.allow_mismatch)
        yield session


def _run_all_outputs(setup: Setup, graph: Graph, data: bytes, expected: Mapping[int, Array]) -> Answer:
    """Run copies of the network whose outputs are its tensors, as many in each as the wire can number."""
    tensors = [tensor for tensor in expected if graph.tensors[tensor].dtype in CARRIED]
    values: dict[int, Array] = {}
    for at in range(0, len(tensors), MOST_OUTPUTS):
        part = tensors[at : at + MOST_OUTPUTS]
        with _session(setup, _copy(setup.compiled, with_outputs(graph, part, expected))) as session:
            raw, info, start = session.infer(data).output_bytes, session.info, 0
            for tensor in part:
                size = expected[tensor].nbytes
                values[tensor] = np.frombuffer(raw[start : start + size], expected[tensor].dtype)
                start += size
    if not values:
        raise DeviceError(f"{setup.int8.name}: it has no tensor that a device could send")
    with _session(setup, setup.compiled) as session:
        plain = session.infer(data).output_bytes
    whole = b"".join(values[tensor].tobytes() for tensor in graph.outputs if tensor in values)
    is_same = plain == whole or any(tensor not in values for tensor in graph.outputs)
    return Answer(info, trace.of_outputs(values, expected), "" if is_same else PLAIN_DIFFERS)


def _copy(compiled: Artifact[ImageFacts], model: bytes) -> Artifact[ImageFacts]:
    """Return a copy of the network as an artifact that an agent serves in place of the compiled one."""

    def make(folder: Path) -> ImageFacts:
        write_atomic(folder / FILENAME, model)
        memory = {"model_file": len(model), "arena": TFLM_ARENA_BYTES}
        return ImageFacts(sha256_of(folder / FILENAME), memory)

    parents, parameters = {compiled.kind: compiled.sha256}, {"copy": hashlib.sha256(model).hexdigest()}
    made = produce("trace", compiled.name, FILENAME, ImageFacts, make, parents=parents, parameters=parameters)
    return replace(made, kind=compiled.kind)
