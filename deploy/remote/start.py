"""The agent on a board: everything it needs is brought there, then it is one program behind an SSH channel."""

from __future__ import annotations

import contextlib
from pathlib import Path

from artifact import Artifact, ImageFacts
from deploy.agents import AgentOptions, agent_arguments
from deploy.bundle import build_agent
from deploy.links.ssh import SshLink
from deploy.remote import runtime
from deploy.remote.board import Board, Say
from deploy.remote.connect import Address


def start_agent(
    address: Address,
    artifact: Artifact[ImageFacts],
    board_name: str,
    options: AgentOptions,
    tpu: str = "",
    *,
    say: Say = lambda text: None,
    resources: contextlib.ExitStack | None = None,
) -> SshLink:
    """Return the link to an agent that serves the artifact's .tflite on a board, not yet open; closing it lets go.

    `tpu` is the Edge TPU that it runs on, "" for the CPU.
    `resources` are closed with the link, or at once if this raises (LinkError, DeployError).
    """
    agent = build_agent()
    with contextlib.ExitStack() as stack:
        if resources:
            stack.enter_context(resources)
        board = stack.enter_context(Board(address, accept_new=options.accept_new))
        chosen = runtime.bring(board, options.runtime, say, for_edgetpu=artifact.kind == "edgetpu")
        agent_there = board.put(agent, agent.name, say)
        model_there = board.put(artifact.path, f"model-{artifact.sha256[:12]}{Path(artifact.path).suffix}", say)
        arguments = agent_arguments(board_name, model_there, agent.stem, options, tpu, artifact.name)
        arguments += ["--runtime", chosen.distribution]
        environment = ["env", f"PYTHONPATH={chosen.folder}"] if chosen.folder else []
        command = [*environment, address.python, agent_there, *arguments]
        return SshLink(board.name, board.transport, command, on_close=stack.pop_all().close)
