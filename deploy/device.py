"""A target and an artifact brought together: the session in which it can be measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from artifact import Artifact
from deploy.bundle import build_agent
from deploy.exchange import Timeouts
from deploy.flashers import flasher_for
from deploy.links import Link, make_link
from deploy.links.process import ProcessLink
from deploy.session import Progress, Session
from errors import DeployError
from target import Target

KERNELS = ("xnnpack", "builtin", "reference")


@contextmanager
def open_session(
    target: Target,
    artifact: Artifact,
    *,
    link: Link | str | None = None,
    threads: int = 1,
    kernels: str = "xnnpack",
    timeouts: Timeouts | None = None,
    on_log: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> Iterator[Session]:
    """Yield a session with the target, in which it holds the artifact's model; end what was started afterwards.

    `link` (a URI or a Link) is where an already flashed board is, or wraps what would be opened otherwise; without it
    the target says what to start. `threads` and `kernels` (xnnpack, builtin, reference) are for Linux targets.
    Raises DeployError if the target can't be started, LinkError if it is not reached, DeviceError if it holds another
    model or another protocol.
    """
    if isinstance(link, str):
        link = make_link(link)
    line = link or start(target, artifact, threads=threads, kernels=kernels)
    with Session(line, timeouts, on_log=on_log, progress=progress) as session:
        session.expect_model(model_sha256(artifact))
        yield session


def start(target: Target, artifact: Artifact, *, threads: int = 1, kernels: str = "xnnpack") -> Link:
    """Return the link to a target that runs the artifact, not yet open. Raises DeployError if there is no way to it."""
    if target.link == "exec":
        return agent_link(target.name, artifact, threads=threads, kernels=kernels)
    if target.klass == "mcu":
        return flasher_for(target).start(artifact.path)
    raise DeployError(f"{target.name}: can't be started from here; give its address with --link")


def agent_link(board: str, artifact: Artifact, *, threads: int = 1, kernels: str = "xnnpack") -> ProcessLink:
    """Return a link to the agent as a process on this machine, serving the artifact's .tflite."""
    if kernels not in KERNELS:
        raise DeployError(f"--kernels {kernels}: expected {', '.join(KERNELS)}")
    if threads < 1:
        raise DeployError(f"--threads {threads}: expected 1 or more")
    agent = build_agent()
    return ProcessLink(
        [sys.executable, str(agent), *agent_arguments(board, str(artifact.path), agent.stem, threads, kernels)],
        name=f"exec:{agent.name}",
    )


def agent_arguments(board: str, model: str, firmware: str, threads: int, kernels: str) -> list[str]:
    """Return the agent's arguments, the same on this machine and over SSH; `model` is a path on the device."""
    return ["--model", model, "--board", board, "--firmware", firmware, "--threads", str(threads), "--kernels", kernels]


def model_sha256(artifact: Artifact) -> str:
    """Return the sha256 of the .tflite in an artifact: a firmware image has it among its facts."""
    return str(artifact.facts.get("model_sha256", artifact.sha256))
