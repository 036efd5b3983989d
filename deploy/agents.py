"""Starting the agent, which serves a .tflite on Linux: as a process of this machine, or on a board over SSH."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import process
from artifact import Artifact, ImageFacts, plain_name
from deploy.bench_file import links_of
from deploy.bundle import build_agent
from deploy.links import Link
from deploy.links.process import ProcessLink
from errors import DeployError, DeviceError
from graph.kernels import KERNELS, USUAL
from process import Finished
from target import Target
from target.sections import TPU_DEVICE

if TYPE_CHECKING:
    from deploy.remote.connect import Address

PROFILER, PROFILER_TIMEOUT_S = "LiteRT's profiler", 900.0
TFLM = "tflm"  # the kind of artifact that runs in TFLite-Micro's interpreter
Say = Callable[[str], None]
"""Called with each line about what is being done to a device."""


@dataclass(frozen=True)
class AgentOptions:
    """How the agent of a Linux target runs a model.

    `threads` are 1 or more; `kernels` are LiteRT's, of graph.kernels; `tpu` is the Edge TPU, in place of the target's
    own; `runtime` is a Python distribution, or `auto` (see remote/runtime.py); `accept_new` stores the key of a host
    that is not known yet. Raises DeployError naming the option that is wrong.
    """

    threads: int = 1
    kernels: str = USUAL
    tpu: str | None = None
    runtime: str = "auto"
    accept_new: bool = False

    def __post_init__(self) -> None:
        if self.kernels not in KERNELS:
            raise DeployError(f"--kernels {self.kernels}: expected {', '.join(KERNELS)}")
        if self.threads < 1:
            raise DeployError(f"--threads {self.threads}: expected 1 or more")

    def tpu_of(self, target: Target, artifact: Artifact[ImageFacts]) -> str:
        """Return the Edge TPU that an artifact runs on, "" for one that runs on a CPU."""
        if artifact.kind != "edgetpu" or target.tpu is None:
            if self.tpu is not None:
                raise DeployError(
                    f"--device {self.tpu}: is for the Edge TPU of targets such as coral-usb; leave it out"
                )
            return ""
        device = target.tpu.device if self.tpu is None else self.tpu
        if not TPU_DEVICE.fullmatch(device):
            raise DeployError(f"--device {device}: expected usb:N, pci:N, usb, pci or :N, such as usb:0")
        return device


DEFAULT_OPTIONS = AgentOptions()


def agent_arguments(
    board: str, model: str, firmware: str, options: AgentOptions = DEFAULT_OPTIONS, tpu: str = "", name: str = ""
) -> list[str]:
    """Return the agent's arguments, the same on this machine and over SSH.

    `model` is a path on the device, `name` what text mode calls the model.
    """
    arguments = ["--model", model, "--board", board, "--firmware", firmware]
    arguments += ["--model-name", plain_name(name)] if name else []
    arguments += ["--threads", str(options.threads), "--kernels", options.kernels]
    return arguments + (["--device", tpu] if tpu else [])


def local_agent(
    board: str, artifact: Artifact[ImageFacts], options: AgentOptions = DEFAULT_OPTIONS, more: Sequence[str] = ()
) -> ProcessLink:
    """Return a link to the agent as a process on this machine, serving the artifact's .tflite; `more` are arguments."""
    agent = build_agent()
    arguments = agent_arguments(board, str(artifact.path), agent.stem, options, name=artifact.name)
    if options.runtime != "auto":
        arguments += ["--runtime", options.runtime]
    return ProcessLink([sys.executable, str(agent), *arguments, *more], name=f"exec:{agent.name}")


def tflm_agent(target: Target, artifact: Artifact[ImageFacts], options: AgentOptions, uri: str | None) -> ProcessLink:
    """Return a link to the agent on this machine that runs TFLite-Micro in the arena that was measured."""
    if target.link != "exec" or uri is not None:
        raise DeployError(f"{target.name}: TFLite-Micro's interpreter runs on this host alone; leave --link out")
    if options.threads != 1:
        raise DeployError(f"--threads {options.threads}: TFLite-Micro has one thread; leave --threads out")
    return local_agent(target.name, artifact, more=["--tflm-arena", str(artifact.facts.memory["arena"])])


def remote_agent(
    target: Target, artifact: Artifact[ImageFacts], options: AgentOptions, uri: str | None, say: Say
) -> Link:
    """Return a link to the agent on a board over SSH, at `uri` or at the target's usual address; not yet open.

    Raises LinkError if the board is not reached, DeployError if it can't be prepared.
    """
    from deploy.remote.start import start_agent

    tpu = options.tpu_of(target, artifact)
    with ExitStack() as stack:
        address = address_of(target, uri, say, stack)
        return start_agent(address, artifact, target.name, options, tpu, say=say, resources=stack.pop_all())


def run_profiler(
    target: Target, artifact: Artifact[ImageFacts], options: AgentOptions, uri: str | None, data: bytes, runs: int,
    say: Say,
) -> Finished:  # fmt: skip
    """Run LiteRT's profiler on a .tflite and the bytes of its inputs, in an agent of its own that ends by itself.

    It runs on this machine where the target's link is `exec`, else on a board over SSH, as in `remote_agent`. Its
    output is as graph/litert_profiler.py has it, both streams in one. Raises LinkError if the board is not reached or
    lost, DeployError if it can't be prepared, DeviceError if the agent takes too long.
    """
    if target.link == "exec" and uri is None:
        agent = build_agent()
        arguments = agent_arguments(target.name, str(artifact.path), agent.stem, options)
        return process.run(
            [sys.executable, agent, *arguments, "--profile", str(runs)], error=DeviceError,
            timeout_s=PROFILER_TIMEOUT_S, name=PROFILER, check=False, stdin=data, is_merged=True,
        )  # fmt: skip
    from deploy.remote import start

    with ExitStack() as stack:
        address = address_of(target, uri, say, stack)
        return start.run_profiler(address, artifact, target.name, options, data, runs, say)


def address_of(target: Target, uri: str | None, say: Say, stack: ExitStack) -> Address:
    """Return the address of a board over SSH, at `uri` or at its usual one; `stack` holds an emulated one that runs."""
    from deploy.remote.connect import parse_address

    if uri is None and target.emulator:
        from deploy.machines.machine import Machine

        machine = Machine(target)
        return machine.address(stack.enter_context(machine.running(say)))
    return parse_address(uri or usual_uri(target))


def usual_uri(target: Target) -> str:
    """Return the address of a board over SSH: bench.toml's, else the host of the target's name (in ~/.ssh/config)."""
    return (links_of(target.name) or [f"ssh://{target.name}"])[0]
