"""A target and an artifact brought together: the session in which it can be measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from artifact import Artifact
from deploy.bench_file import links_of
from deploy.bundle import build_agent
from deploy.exchange import Timeouts
from deploy.flashers import flasher_for
from deploy.links import Link, make_link
from deploy.links.process import ProcessLink
from deploy.session import Progress, Session
from errors import DeployError
from target import TPU_DEVICE, Target

KERNELS = ("xnnpack", "builtin", "reference")
TFLM = "tflm"  # the kind of artifact that compilers/tflm makes
# A Zero 2 W imports numpy and LiteRT in some seconds, an emulated processor on a busy host in a minute.
HANDSHAKE_S = {"hardware": 60.0, "emulated": 180.0}


@dataclass(frozen=True)
class Remote:
    """How a board over SSH is to be used: its runtime (see remote/runtime.py), and whether a new host key is stored.

    `say` is called with each line about what was done to the board.
    """

    runtime: str = "auto"
    accept_new: bool = False
    say: Callable[[str], None] = lambda text: None


@contextmanager
def open_session(
    target: Target,
    artifact: Artifact,
    *,
    link: Link | str | None = None,
    threads: int = 1,
    kernels: str = "xnnpack",
    device: str | None = None,
    remote: Remote = Remote(),
    timeouts: Timeouts | None = None,
    on_log: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> Iterator[Session]:
    """Yield a session with the target, in which it holds the artifact's model; end what was started afterwards.

    `link` (a URI or a Link) is where an already flashed board or a Linux board is, or wraps what would be opened
    otherwise; without it the target says what to start. `threads`, `kernels` (xnnpack, builtin, reference) and `remote`
    are for Linux targets, `device` for those with an Edge TPU.
    Raises DeployError if the target can't be started, LinkError if it is not reached, DeviceError if it holds another
    model or another protocol.
    """
    if link is None or isinstance(link, str):
        link = start(target, artifact, threads=threads, kernels=kernels, device=device, remote=remote, uri=link)
    if timeouts is None and target.kind != "mcu" and target.measured_on in HANDSHAKE_S:
        timeouts = Timeouts(handshake_s=HANDSHAKE_S[target.measured_on])
    with Session(link, timeouts, on_log=on_log, progress=progress) as session:
        session.expect_model(model_sha256(artifact))
        yield session


def start(
    target: Target,
    artifact: Artifact,
    *,
    threads: int = 1,
    kernels: str = "xnnpack",
    device: str | None = None,
    remote: Remote = Remote(),
    uri: str | None = None,
) -> Link:
    """Return the link to a target that runs the artifact, not yet open. Raises DeployError if there is no way to it.

    `uri` is where it is, if the target's own way is not meant; a board over SSH is given its agent there.
    """
    if artifact.kind == TFLM:
        return _tflm_link(target, artifact, threads, uri)
    if uri is not None and (target.kind == "mcu" or not uri.startswith("ssh:")):
        return make_link(uri)
    if target.kind != "mcu":
        options = _agent_options(threads, kernels) + _edgetpu_options(target, artifact, device)
        if uri is not None or target.link == "ssh":
            return _remote_link(target, artifact, options, remote, uri)
        if target.link == "exec":
            return agent_link(target.name, artifact, threads=threads, kernels=kernels, runtime=remote.runtime)
    else:
        return flasher_for(target).start(artifact.path)
    raise DeployError(f"{target.name}: can't be started from here; give its address with --link")


def agent_link(
    board: str,
    artifact: Artifact,
    *,
    threads: int = 1,
    kernels: str = "xnnpack",
    runtime: str = "auto",
    more: Sequence[str] = (),
) -> ProcessLink:
    """Return a link to the agent as a process on this machine, serving the artifact's .tflite; `more` are arguments."""
    _agent_options(threads, kernels)
    agent = build_agent()
    arguments = agent_arguments(board, str(artifact.path), agent.stem, threads, kernels)
    if runtime != "auto":
        arguments += ["--runtime", runtime]
    return ProcessLink([sys.executable, str(agent), *arguments, *more], name=f"exec:{agent.name}")


def _tflm_link(target: Target, artifact: Artifact, threads: int, uri: str | None) -> Link:
    """Return the link to an agent on this machine that runs TFLite-Micro in the arena that was measured."""
    if target.link != "exec" or uri is not None:
        raise DeployError(f"{target.name}: TFLite-Micro's interpreter runs on this host alone; leave --link out")
    if threads != 1:
        raise DeployError(f"--threads {threads}: TFLite-Micro has one thread; leave --threads out")
    return agent_link(target.name, artifact, more=["--tflm-arena", str(artifact.facts["arena"]["host_bytes"])])


def agent_arguments(board: str, model: str, firmware: str, threads: int, kernels: str) -> list[str]:
    """Return the agent's arguments, the same on this machine and over SSH; `model` is a path on the device."""
    return ["--model", model, "--board", board, "--firmware", firmware, *_agent_options(threads, kernels)]


def model_sha256(artifact: Artifact) -> str:
    """Return the sha256 of the .tflite in an artifact: a firmware image has it among its facts."""
    return str(artifact.facts.get("model_sha256", artifact.sha256))


def _agent_options(threads: int, kernels: str) -> list[str]:
    if kernels not in KERNELS:
        raise DeployError(f"--kernels {kernels}: expected {', '.join(KERNELS)}")
    if threads < 1:
        raise DeployError(f"--threads {threads}: expected 1 or more")
    return ["--threads", str(threads), "--kernels", kernels]


def _edgetpu_options(target: Target, artifact: Artifact, device: str | None) -> list[str]:
    """Return the agent's option that says which Edge TPU; none for what runs on a CPU."""
    if artifact.kind != "edgetpu" or target.tpu is None:
        if device is not None:
            raise DeployError(f"--device {device}: is for the Edge TPU of targets such as coral-usb; leave it out")
        return []
    wanted = target.tpu.device if device is None else device
    if not TPU_DEVICE.fullmatch(wanted):
        raise DeployError(f"--device {wanted}: expected usb:N, pci:N, usb, pci or :N, such as usb:0")
    return ["--device", wanted]


def _remote_link(target: Target, artifact: Artifact, options: list[str], remote: Remote, uri: str | None) -> Link:
    from deploy.remote.connect import parse_address
    from deploy.remote.start import start_agent

    with ExitStack() as stack:
        if uri is None and target.emulator:
            from deploy.machines.machine import Machine

            machine = Machine(target)
            address = machine.address(stack.enter_context(machine.running(remote.say)))
        else:
            address = parse_address(uri or default_uri(target))
        return start_agent(
            address,
            artifact,
            ["--board", target.name, *options],
            wanted=remote.runtime,
            accept_new=remote.accept_new,
            say=remote.say,
            resources=stack.pop_all(),
        )


def default_uri(target: Target) -> str:
    """Return where a board over SSH is: as bench.toml says, else the host of the target's name (in ~/.ssh/config)."""
    return (links_of(target.name) or [f"ssh://{target.name}"])[0]
