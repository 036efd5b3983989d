"""Flashing with a program that the user has, such as OpenOCD: how it is called and how its answer is judged."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import process
from deploy import chips, flashed, images, ports, usb_devices
from deploy.bench_file import Unit, unit_of
from deploy.chips import Chip
from deploy.flash_job import NOT_ALLOWED, Failure, Job
from deploy.links import Link, make_link
from errors import DeployError
from target import Target
from target.sections import Mcu

Say = Callable[[str], None]
Percent = Callable[[float], None]
"""Called with how much of the flashing is done, in percent, as far as the tool says it."""
Watch = Callable[[str], AbstractContextManager[Percent]]
"""Shows that a flasher of this name works, and how far it is."""
CHIP_S = 30.0
"""How long a tool may take to say what chip is there."""
# 45 %, 45.0%, and st-flash's 5/11 pages.
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?) ?%|(\d+)/ ?(\d+) pages written")
_SHOWN_TAIL = 80


@contextmanager
def unwatched(name: str) -> Iterator[Percent]:
    """Show nothing."""
    yield lambda percent: None


class OtherChip(DeployError):
    """The chip on the probe is not the target's; nothing was written."""


class FlashTool(ABC):
    """A program that writes an image into a board's flash and starts it; the board's line is a link of its own.

    A subclass says what the program is and how it is called. `image_suffix` is the form of the image that it takes.
    It succeeded if its exit code is one of `exit_codes`, its output matches `success` and does not match `refusals`;
    with an empty `success`, if none of `failures` matches. `package` is the Debian package, or a sentence that says how
    to get the program. `probes` are the kinds of debug probe that it uses; with `takes_usb_path` it finds one by where
    it is plugged in. `reappears` is for boards whose port is gone while they are flashed, `return_step` what to do
    where it does not come back.
    """

    program: ClassVar[str]
    package: ClassVar[str]
    image_suffix: ClassVar[str]
    links: ClassVar[tuple[str, ...]] = ("serial",)
    takes_usb_path: ClassVar[bool] = False
    success: ClassVar[str] = ""
    refusals: ClassVar[str] = r"(?!)"
    failures: ClassVar[tuple[Failure, ...]] = ()
    timeout_s: ClassVar[float] = 120.0
    exit_codes: ClassVar[tuple[int, ...]] = (0,)
    probes: ClassVar[tuple[str, ...]] = ()
    reappears: ClassVar[bool] = False
    return_step: ClassVar[str] = ports.RETURN_STEP
    options_example: ClassVar[str] = ""

    def __init__(self, target: Target):
        self.target = target
        self.options = target.flash_arguments.get(self.name, ())
        self.say: Say = lambda text: None
        self.watch: Watch = unwatched
        self.allow_mismatch = False
        self.line = ""

    @property
    def name(self) -> str:
        """The flasher's name in a target's TOML: that of its module."""
        return type(self).__module__.rpartition(".")[2].replace("_", "-")

    @property
    def mcu(self) -> Mcu:
        """The target's microcontroller. Raises DeployError if it has none."""
        if self.target.mcu is None:
            raise DeployError(f"{self.target.name}: is not a microcontroller: nothing is flashed there")
        return self.target.mcu

    @abstractmethod
    def command(self, job: Job) -> list[str]:
        """Return the command that writes and starts an image, run in the image's folder."""

    def chip_command(self, job: Job, chip: Chip) -> list[str]:
        """Return a command that says what chip is there without writing; empty where the tool can't say it."""
        return []

    def chip_script(self, job: Job, chip: Chip) -> str:
        """Return what that command reads from its standard input."""
        return ""

    def received_chip(self, job: Job, chip: Chip, text: str) -> str:
        """Return the name of the chip that a tool's output says is there, "" if it does not say it."""
        return ""

    def script(self, job: Job) -> str:
        """Return what the program reads from its standard input."""
        return ""

    def prepare(self, job: Job, folder: Path) -> Job:
        """Return the job with what the program needs beside the image, made in a folder that is removed after it."""
        return job

    def is_installed(self) -> bool:
        """Whether the program is there."""
        return shutil.which(self.program) is not None

    def check(self) -> None:
        """Raise DeployError if the program is missing, the board's line is not known or the probe is not clear."""
        self.check_options()
        process.find(self.program, DeployError, self.package)
        self.choose_probe(self.uri())

    def check_options(self) -> None:
        """Raise DeployError if the target's TOML lacks what this flasher needs."""
        if self.options_example and not self.options:
            raise DeployError(
                f"{self.target.name}: flasher {self.name} needs its arguments; add to targets/{self.target.name}.toml: "
                f"[flash] {self.name} = {self.options_example}"
            )

    def waits_in_boot_loader(self, uri: str) -> bool:
        """Whether the board may be in its boot loader, and show the port of its line once it is flashed."""
        return self.reappears and uri.startswith("serial:") and not Path(urlsplit(uri).path).exists()

    def unit(self) -> Unit:
        """Return what bench.toml says of the target's unit."""
        return unit_of(self.target.name)

    def uri(self) -> str:
        """Return the URI of the board's line: `line`, that of bench.toml, or the one port with the target's USB ID.

        It is "" for a board in its boot loader, which shows its port once it is flashed.
        Raises DeployError if there is none, or more than one.
        """
        links = (self.line,) if self.line else self.unit().links
        if links:
            return links[0]
        if not self.target.usb:
            raise DeployError(
                f"{self.target.name}: its line is not known; add it to bench.toml (see bench.example.toml), "
                "or flash it yourself and give its line with --link"
            )
        if self.reappears and not any(port.usb_id in self.target.usb for port in ports.connected()):
            return ""
        return self._uri_of(ports.find_port(self.target))

    def choose_probe(self, uri: str) -> str:
        """Return the serial number of the probe that flashes the board, "" for the only one. Raises DeployError."""
        port = self._port_of(uri)
        line_serial = port.serial_number if port else ""
        found = usb_devices.connected() if self.probes else []
        return usb_devices.choose_probe(self.target.name, self.probes, self.unit().probe, line_serial, found)

    def start(self, image: Path) -> Link:
        """Flash the image, unless the board runs it already, and return the link to the board. See Flasher.start.

        Raises DeployError naming the package if the program is missing, or with its own words and the next step if it
        failed.
        """
        if not image.is_file():
            raise DeployError(f"{image}: no such image; build it first")
        self.check()
        images.check_fits(self.target, image)
        uri = self.uri()
        if uri and flashed.is_there(uri, make_link(uri), image):
            self.say(f"{self.target.name}: runs this image already; it is not flashed again")
            return make_link(uri)
        return make_link(self.write(image, uri))

    def write(self, image: Path, uri: str) -> str:
        """Flash the image and return the URI of the board's line, which may have another name now. Raises DeployError.

        An interrupted run leaves a board of unknown content, which the next one flashes.
        """
        flashed.remember(uri, None)
        port = self._port_of(uri)
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="alpharho-") as folder:
            form = self.in_form(image, Path(folder))
            job = self.prepare(Job(form, uri, self.choose_probe(uri)), Path(folder))
            with self.watch(self.name) as percent:
                self.check_chip(job)
                self.flash(job, percent)
        if not uri:
            uri = self._uri_of(ports.wait_for_any(self.target))
        elif port and self.reappears:
            back = ports.wait_for(port, self.target.name, step=self.return_step)
            uri = uri.replace(urlsplit(uri).path, back.device, 1)
        elif self.reappears and uri.startswith("serial:"):
            ports.wait_for_device(urlsplit(uri).path, self.target.name, self.return_step)
        flashed.remember(uri, image)
        self.say(f"{self.target.name}: flashed with {self.name} in {time.monotonic() - started:.1f} s")
        return uri

    def in_form(self, image: Path, folder: Path) -> Path:
        """Return the image in the form that the program takes. Raises DeployError if there is no way to it."""
        return images.in_form(image, self.image_suffix, folder, self.mcu)

    @property
    def chip(self) -> Chip | None:
        """The chip that has to be there; None if any may be, or if it is not known what says it."""
        return None if self.allow_mismatch else chips.expected(self.target)

    def check_chip(self, job: Job) -> None:
        """Raise OtherChip if the tool says that another chip is there; what it can't say is left to the firmware."""
        chip = self.chip
        command = self.chip_command(job, chip) if chip else []
        if chip is None or not command or shutil.which(command[0]) is None:
            return
        finished = self._run(command, self.chip_script(job, chip), CHIP_S, job)
        self.refuse(chip.name, self.received_chip(job, chip, finished.stdout))

    def refuse(self, expected: str, received: str) -> None:
        """Raise OtherChip if what was received is known and not what was expected."""
        if received and received != expected:
            raise OtherChip(
                f"{self.target.name}: {self.program}: another chip is there: expected {expected}, received {received}; "
                "connect the board that --target names, or give --allow-mismatch to flash it all the same"
            )

    def flash(self, job: Job, percent: Percent = lambda percent: None) -> None:
        """Run the program and judge its answer. Raises DeployError."""
        tail = ""

        def show(text: str) -> None:
            nonlocal tail
            text, end = tail + text, 0
            for match in _PERCENT.finditer(text):
                percent(float(match[1]) if match[1] else 100.0 * int(match[2]) / max(1, int(match[3])))
                end = match.end()
            tail = text[end:][-_SHOWN_TAIL:]

        self.judge(self._run(self.command(job), self.script(job), self.timeout_s, job, show))

    def _run(
        self, command: list[str], script: str, timeout_s: float, job: Job, show: Say | None = None
    ) -> process.Finished:
        return process.run(
            command,
            error=DeployError,
            timeout_s=timeout_s,
            name=f"{self.target.name}: {self.program}",
            install=self.package,
            hint="check the cable and that the board has power",
            folder=job.image.parent.resolve(),
            stdin=script.encode(),
            is_merged=True,
            check=False,
            on_text=show,
        )

    def judge(self, finished: process.Finished) -> None:
        """Raise DeployError with the program's own words and the next step if it did not succeed."""
        failure = next((f for f in (*self.failures, NOT_ALLOWED) if re.search(f.pattern, finished.stdout)), None)
        is_success = bool(re.search(self.success, finished.stdout)) if self.success else failure is None
        if finished.exit_code in self.exit_codes and is_success and not re.search(self.refusals, finished.stdout):
            return
        telling = failure.pattern if failure else r"(?i)\b(error|failed|fail)\b"
        next_step = failure.next_step if failure else "see its manual, or flash the board yourself and give --link"
        raise DeployError(
            f"{self.target.name}: {self.program}: {finished.last_line(telling)} "
            f"({process.ending(finished.exit_code)}); {next_step}"
        )

    def _uri_of(self, port: ports.Port) -> str:
        return f"serial://{port.device}?baud={self.mcu.uart_baud}"

    def _port_of(self, uri: str) -> ports.Port | None:
        """Return the connected port of a URI, None if it is none of this machine's."""
        device = urlsplit(uri).path if uri.startswith("serial:") else ""
        real = str(Path(device).resolve()) if device else ""
        return next((port for port in ports.connected() if port.device in (device, real)), None) if device else None
