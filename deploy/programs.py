"""Starting the compiled program of a Linux target: as a process of this machine, in an emulator, or over SSH."""

from __future__ import annotations

from contextlib import ExitStack

import process
from artifact import Artifact, ImageFacts
from deploy.agents import AgentOptions, Say, address_of
from deploy.links.process import ProcessLink
from deploy.links.ssh import SshLink
from errors import DeployError
from target import Target

PROGRAM = "firmware"
"""The kind of artifact that is a program on a Linux target."""


def program_link(
    target: Target, artifact: Artifact[ImageFacts], options: AgentOptions, uri: str | None, say: Say
) -> ProcessLink | SshLink:
    """Return a link to an artifact's program on a Linux target, at `uri` or where the target usually is; not yet open.

    Raises LinkError if the board is not reached, DeployError if it can't run the program.
    """
    if target.link == "exec" and uri is None:
        return _local_program(target, artifact)
    from deploy.remote.static_program import start_program

    with ExitStack() as stack:
        address = address_of(target, uri, say, stack)
        return start_program(address, artifact, target, options.accept_new, say=say, resources=stack.pop_all())


def _local_program(target: Target, artifact: Artifact[ImageFacts]) -> ProcessLink:
    path, emulator = str(artifact.path.resolve()), target.emulator
    if emulator is None:
        return ProcessLink([path], name=f"exec:{target.name}")
    program = process.find(emulator.program, DeployError, emulator.package)
    command = [program, *emulator.arguments, path]
    return ProcessLink([*command, "--again", *command], name=f"exec:{target.name}")
