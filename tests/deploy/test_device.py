"""A device: which way the artifact takes to it, and what is refused before anything is started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

import target
from artifact import Artifact, ImageFacts
from deploy.agents import AgentOptions
from deploy.device import Device, device_for
from deploy.links.tcp import TcpLink
from deploy.request import Timeouts
from deploy.running import RunningLink
from errors import DeployError, DeviceError
from tests.deploy.fake import SHA256, FakeLink

FIRMWARE = Artifact(Path("firmware.elf"), "firmware", "fake", "0" * 64, ImageFacts(SHA256, {}))
MCU = target.load("qemu-m4")


class FakeFlasher:
    """Hands out its link for each image."""

    links: ClassVar[tuple[str, ...]] = ("qemu",)

    def __init__(self, link: FakeLink) -> None:
        self.link, self.images = link, list[Path]()

    def check(self) -> None:
        pass

    def start(self, image: Path) -> FakeLink:
        self.images.append(image)
        return self.link


def test_the_flasher_gets_the_image_and_the_session_its_link() -> None:
    flasher = FakeFlasher(FakeLink())
    with Device(MCU, FIRMWARE, flasher=flasher).session() as session:
        assert session.info.model_sha256 == SHA256
    assert flasher.images == [FIRMWARE.path]


def test_a_reset_starts_the_device_again() -> None:
    link = FakeLink()
    Device(MCU, FIRMWARE, link).reset()
    assert link.restarts == 1


def test_a_uri_of_a_flashed_board_is_opened_and_nothing_is_flashed() -> None:
    flasher = FakeFlasher(FakeLink())
    assert isinstance(Device(MCU, FIRMWARE, "tcp://127.0.0.1:5000", flasher).flash(), TcpLink)
    assert not flasher.images


def test_a_device_with_another_model_is_refused() -> None:
    other = replace(FIRMWARE, facts=ImageFacts("0" * 64, {}))
    with pytest.raises(DeviceError, match=r"holds model abababababab, expected 000000000000"):
        Device(MCU, other, FakeLink()).session().__enter__()


def test_timeouts_are_the_callers() -> None:
    with Device(MCU, FIRMWARE, FakeLink(), timeouts=Timeouts(run_s=1.5)).session() as session:
        assert session.timeouts.run_s == 1.5


def test_no_flasher_and_no_link_is_refused_at_once() -> None:
    with pytest.raises(DeployError, match=r"^qemu-m4: .*--link"):
        device_for(replace(MCU, flasher=""), FIRMWARE)
    with pytest.raises(DeployError, match=r"^qemu-m4: can't be started from here; give its address with --link$"):
        Device(MCU, FIRMWARE).flash()
    linux = replace(target.load("host"), link="tcp")
    with pytest.raises(DeployError, match=r"^host: can't be started from here"):
        device_for(linux, replace(FIRMWARE, kind="litert"), agent=AgentOptions(threads=2)).flash()


class EmulatorLink(FakeLink, RunningLink):
    """A link whose device ends with it."""

    __init__ = FakeLink.__init__
    open, read, write, close = FakeLink.open, FakeLink.read, FakeLink.write, FakeLink.close


@pytest.mark.parametrize(("link", "starts"), [(EmulatorLink, 2), (FakeLink, 1)])
def test_what_ends_with_its_link_is_started_again_and_a_flashed_board_is_not(link: type[FakeLink], starts: int) -> None:
    flasher = FakeFlasher(link())
    device = Device(MCU, FIRMWARE, flasher=flasher)
    with device.session() as first:
        assert first.info.board == "fake"
    with device.session(lost=first.link) as second:
        assert second.info.board == "fake"
    assert len(flasher.images) == starts
