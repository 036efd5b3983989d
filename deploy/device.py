"""A target and an artifact brought together: what can be flashed, reset, and talked to in a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from artifact import Artifact, ImageFacts
from deploy.agents import DEFAULT_OPTIONS, TFLM, AgentOptions, Say, local_agent, remote_agent, tflm_agent
from deploy.flash_tool import FlashTool, Watch, unwatched
from deploy.flashers import Flasher, flasher_for
from deploy.lab.flashing import flash_there, lab_flasher
from deploy.lab.held import Held
from deploy.links import Link, make_link
from deploy.links.held import HeldLink
from deploy.links.ssh import SshLink
from deploy.programs import PROGRAM, program_link
from deploy.request import Timeouts
from deploy.running import RunningLink
from deploy.session import Progress, Session
from errors import DeployError
from target import Target

# A Zero 2 W imports numpy and LiteRT in some seconds, an emulated processor on a busy host in a minute.
HANDSHAKE_S = {"hardware": 60.0, "emulated": 180.0}


@dataclass(frozen=True)
class Device:
    """A target, the artifact it is to run, the way to it, and what puts the artifact there.

    `link` is a Link or a URI of an already flashed microcontroller or of a Linux board; without it `flasher` brings the
    artifact to a microcontroller, and a Linux target says where it is. `agent` is for Linux targets. `say` is called
    with each line about what is done to the device. `held` is the place of a lab where the device is, in place of
    `link`; a microcontroller that has a debug probe there is flashed through its exporter's host.
    """

    target: Target
    artifact: Artifact[ImageFacts]
    link: Link | str | None = None
    flasher: Flasher | None = None
    agent: AgentOptions = DEFAULT_OPTIONS
    timeouts: Timeouts | None = None
    say: Say = lambda text: None
    held: Held | None = None

    def flash(self) -> Link:
        """Bring the artifact to the device, start it there, and return the link to it, not yet open.

        Closing the link ends what was started. A microcontroller with a `link` has its artifact already.
        Raises DeployError if there is no way to it or it can't be started, LinkError if it is not reached.
        """
        if self.held is None:
            return self._flash(self.link)
        if isinstance(self.flasher, FlashTool):
            flash_there(self.held, self.flasher, self.artifact.path, self.agent.accept_new)
        return HeldLink(self.held, self._flash)

    def _flash(self, uri: Link | str | None) -> Link:
        target = self.target
        if uri is not None and not isinstance(uri, str):
            return uri
        if self.artifact.kind == TFLM:
            return tflm_agent(target, self.artifact, self.agent, uri)
        if uri is not None and (target.kind == "mcu" or not uri.startswith("ssh:")):
            return make_link(uri)
        if target.kind == "mcu" and self.flasher:
            return self.flasher.start(self.artifact.path)
        if target.kind == "linux" and self.artifact.kind == PROGRAM:
            return program_link(target, self.artifact, self.agent, uri, self.say)
        if target.kind != "mcu" and (uri is not None or target.link == "ssh"):
            return remote_agent(target, self.artifact, self.agent, uri, self.say)
        self.agent.tpu_of(target, self.artifact)
        if target.link == "exec":
            return local_agent(target.name, self.artifact, self.agent)
        raise DeployError(f"{target.name}: can't be started from here; give its address with --link")

    @contextmanager
    def session(
        self,
        on_log: Callable[[str], None] | None = None,
        progress: Progress | None = None,
        lost: Link | None = None,
    ) -> Iterator[Session]:
        """Yield a session in which the device holds the artifact's model; end what was started afterwards.

        `lost` is the closed link of an earlier session that broke: a board that was flashed then keeps its artifact,
        and what ended with its link is started again.

        Raises DeployError if the device can't be started, LinkError if it is not reached, DeviceError if it holds
        another model or speaks another protocol.
        """
        inner = lost.inner if isinstance(lost, HeldLink) else lost
        is_kept = lost is not None and not isinstance(inner, RunningLink | SshLink)
        link = lost if is_kept and lost is not None else self.flash()
        with Session(link, self.timeouts or patience(self.target), on_log=on_log, progress=progress) as session:
            session.expect_model(model_sha256(self.artifact))
            yield session

    def reset(self) -> None:
        """Start the device again, without its artifact's outputs and inputs. Raises as `session`."""
        with self.session() as session:
            session.reset()


def patience(target: Target) -> Timeouts:
    """Return how long a device of this target may take to answer, if nothing else is said."""
    if target.kind == "mcu" or target.measured_on not in HANDSHAKE_S:
        return Timeouts()
    return Timeouts(handshake_s=HANDSHAKE_S[target.measured_on])


def device_for(
    target: Target,
    artifact: Artifact[ImageFacts],
    link: Link | str | None = None,
    agent: AgentOptions = DEFAULT_OPTIONS,
    timeouts: Timeouts | None = None,
    say: Say = lambda text: None,
    flasher: str = "",
    watch: Watch = unwatched,
    allow_mismatch: bool = False,
    held: Held | None = None,
) -> Device:
    """Return the device of a target with the flasher of that name, or the target's own, where one is needed.

    In a place of a lab that is where the place has a debug probe. `watch` and `allow_mismatch` are as those of
    deploy.flashers.flasher_for. Raises DeployError if a microcontroller has neither a link nor a flasher.
    """
    chosen: Flasher | None = None
    if held is not None:
        chosen = lab_flasher(held, flasher, say, allow_mismatch)
    elif target.kind == "mcu" and link is None and artifact.kind != TFLM:
        chosen = flasher_for(target, flasher, say, watch, allow_mismatch)
    return Device(target, artifact, link, chosen, agent, timeouts, say, held)


def model_sha256(artifact: Artifact[ImageFacts]) -> str:
    """Return the sha256 of the .tflite in an artifact."""
    return artifact.facts.model_sha256
