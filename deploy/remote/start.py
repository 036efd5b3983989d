"""The agent on a board: everything it needs is brought there, then it is one program behind an SSH channel."""

from __future__ import annotations

import contextlib
from pathlib import Path

from artifact import Artifact, ImageFacts
from deploy.agents import PROFILER, PROFILER_TIMEOUT_S, AgentOptions, agent_arguments
from deploy.bundle import build_agent
from deploy.links.ssh import SshLink
from deploy.remote import runtime
from deploy.remote.board import Board, Say
from deploy.remote.connect import Address
from deploy.remote.program import run
from deploy.remote.runtime import Runtime
from errors import DeployError
from process import Finished


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
    with contextlib.ExitStack() as stack:
        if resources:
            stack.enter_context(resources)
        board = stack.enter_context(Board(address, accept_new=options.accept_new))
        chosen = runtime.bring(board, options.runtime, say, for_edgetpu=artifact.kind == "edgetpu")
        command = _command(board, chosen, artifact, board_name, options, tpu, say)
        return SshLink(board.name, board.transport, command, on_close=stack.pop_all().close)


def run_profiler(
    address: Address, artifact: Artifact[ImageFacts], board_name: str, options: AgentOptions, data: bytes, runs: int,
    say: Say,
) -> Finished:  # fmt: skip
    """Run LiteRT's profiler on a board to its end (see deploy/agents.py).

    Raises DeployError if the board's runtime has no such profiler.
    """
    with Board(address, accept_new=options.accept_new) as board:
        chosen = runtime.bring(board, options.runtime, say)
        if chosen.distribution != runtime.LITERT:
            version = board.facts.libraries.get(chosen.distribution, runtime.TFLITE_VERSION)
            raise DeployError(
                f"{board.name}: uses {chosen.distribution} {version}, whose profiler Python can't read; take "
                f"--runtime {runtime.LITERT}, which is put beside it, or --engine aot"
            )
        command = _command(board, chosen, artifact, board_name, options, "", say)
        command += ["--profile", str(runs)]
        return Finished(*run(board.transport, command, PROFILER_TIMEOUT_S, board.name, data, PROFILER))


def _command(
    board: Board, chosen: Runtime, artifact: Artifact[ImageFacts], name: str, options: AgentOptions, tpu: str, say: Say
) -> list[str]:
    """Bring the agent and the model to a board, and return the command that starts it there."""
    agent = build_agent()
    agent_there = board.put(agent, agent.name, say)
    model_there = board.put(artifact.path, f"model-{artifact.sha256[:12]}{Path(artifact.path).suffix}", say)
    arguments = agent_arguments(name, model_there, agent.stem, options, tpu, artifact.name)
    environment = ["env", f"PYTHONPATH={chosen.folder}"] if chosen.folder else []
    return [*environment, board.address.python, agent_there, *arguments, "--runtime", chosen.distribution]
