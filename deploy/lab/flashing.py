"""Flashing a board of a lab: the image goes to its exporter's host over SSH, and the flash tool runs there."""

from __future__ import annotations

import re
import shlex
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

import process
from artifact import sha256_of
from deploy import flashed, images
from deploy.flash_job import Job
from deploy.flash_tool import FlashTool, Say
from deploy.flashers import flasher_for
from deploy.lab.facts import Resource
from deploy.lab.held import Held
from deploy.lab.lines import via_of
from deploy.links import make_link
from deploy.remote.connect import close, connect, parse_address
from deploy.remote.program import NO_SUCH_PROGRAM, run
from errors import DeployError, LinkError

if TYPE_CHECKING:
    from fabric import Connection

FOLDER = ".cache/alpharho/flash"
"""In the home of the user on the exporter's host; images are kept there by their content."""
ANSWER_S = 30.0
SYSFS_SERIAL = "/sys/bus/usb/devices/{}/serial"
USB_PATH = re.compile(r"\d+-[\d.]+")


def lab_flasher(held: Held, name: str = "", say: Say | None = None, allow_mismatch: bool = False) -> FlashTool | None:
    """Return what flashes the board of a place, None without a probe or for what is not flashed.

    `name` is that of --flasher; without it, the target's usual one is taken: what is installed on the exporter's host
    is not known. Raises DeployError for a flasher that works without a probe.
    """
    target = held.target
    if target.kind != "mcu" or target.sdk is not None or target.link != "serial" or held.probe is None:
        return None
    tool = flasher_for(target, name or target.flasher, say, allow_mismatch=allow_mismatch)
    if not isinstance(tool, FlashTool) or not tool.probes:
        raise DeployError(
            f"{target.name}: {name or target.flasher} flashes without a debug probe, which is what place "
            f"{held.holding.place} shares; name another with --flasher, such as openocd"
        )
    tool.check_options()
    return tool


def flash_there(held: Held, tool: FlashTool, image: Path, accept_new: bool = False) -> None:
    """Flash an image and start it, unless the board runs it already.

    Raises LinkError if the exporter's host is not reached, DeployError with the tool's own words if it fails.
    """
    probe, name = held.probe, tool.target.name
    assert probe is not None
    images.check_fits(tool.target, image)
    held.check()
    if flashed.answers_with(make_link(held.uri), image):  # what is on it differs from user to user
        tool.say(f"{name}: runs this image already; it is not flashed again")
        return
    host = host_of(probe, held.holding.coordinator)
    began = time.monotonic()
    connection = connect(parse_address(f"ssh://{host}"), accept_new)
    try:
        with tempfile.TemporaryDirectory(prefix="alpharho-") as folder:
            form = tool.in_form(image, Path(folder))
            job = tool.prepare(_job(connection, tool, probe, form), Path(folder))
            there = _put(connection, job.image, host)
        held.check()
        _check_chip(connection, tool, job, host)
        _run(connection, tool, job, there, host)
    finally:
        close(connection)
    tool.say(f"{name}: flashed with {tool.name} on {host} in {time.monotonic() - began:.1f} s")


def host_of(probe: Resource, coordinator: str) -> str:
    """Return the SSH address of the host where a probe is plugged in, as `via` of a link. Raises LinkError."""
    host = probe.ssh_host
    if not host:
        raise LinkError(f"resource {probe.path}: it does not say on which host it is; see --hostname of its exporter")
    return unquote(via_of(replace(probe, proxy=host, is_isolated=True), coordinator))


def _job(connection: Connection, tool: FlashTool, probe: Resource, image: Path) -> Job:
    """Return the flashing with the probe's number, or its place where the number can't be read."""
    if not USB_PATH.fullmatch(probe.usb_path):
        raise DeployError(f"resource {probe.path}: {probe.usb_path!r} is not the place of a USB device, such as 1-2.3")
    code, text = run(connection.transport, ["cat", SYSFS_SERIAL.format(probe.usb_path)], ANSWER_S, probe.ssh_host)
    number = text.strip() if code == 0 else ""
    if re.fullmatch(r"[\w.:-]{1,100}", number):
        return Job(image, probe=number)
    if not tool.takes_usb_path:
        raise DeployError(
            f"{tool.target.name}: the probe at USB {probe.usb_path} of {probe.ssh_host} has no serial number, by which "
            f"{tool.name} would know it; take --flasher openocd"
        )
    return Job(image, usb_path=probe.usb_path)


def _put(connection: Connection, image: Path, host: str) -> PurePosixPath:
    """Copy an image to a folder named after its content, unless it is there; return its path."""
    folder = PurePosixPath(FOLDER) / sha256_of(image)
    there = folder / image.name
    try:
        with connection.client.open_sftp() as sftp:
            sftp.get_channel().settimeout(ANSWER_S)
            with suppress(FileNotFoundError):
                if sftp.stat(str(there)).st_size == image.stat().st_size:
                    return there
            for parent in (*reversed(folder.parents), folder):
                with suppress(OSError):
                    sftp.mkdir(str(parent), 0o755)
            part = f"{there}.{time.monotonic_ns():x}"
            sftp.put(str(image), part)
            sftp.posix_rename(part, str(there))
    except Exception as e:  # paramiko raises its own, EOFError and OSError
        why = " ".join(str(e).split()) or type(e).__name__
        raise DeployError(f"{host}: {image.name} can't be copied to ~/{folder} ({why}); check space and SFTP") from e
    return there


def _check_chip(connection: Connection, tool: FlashTool, job: Job, host: str) -> None:
    """Raise DeployError if the tool says that another chip is there, as FlashTool.check_chip does on this machine."""
    chip = tool.chip
    command = tool.chip_command(job, chip) if chip else []
    if chip is None or not command:
        return
    code, text = run(connection.transport, command, ANSWER_S, host, tool.chip_script(job, chip).encode())
    if code != NO_SUCH_PROGRAM:
        tool.refuse(chip.name, tool.received_chip(job, chip, text))


def _run(connection: Connection, tool: FlashTool, job: Job, there: PurePosixPath, host: str) -> None:
    """Run the tool in the image's folder, and judge its answer."""
    script = f"cd {shlex.quote(str(there.parent))} && exec " + '"$@"'
    command = ["sh", "-c", script, "sh", *tool.command(job)]
    code, text = run(connection.transport, command, tool.timeout_s, host, tool.script(job).encode())
    if code == NO_SUCH_PROGRAM:
        raise DeployError(f"{host}: no {tool.program} there; install it on that host: {_install(tool)}")
    tool.judge(process.Finished(code, text))


def _install(tool: FlashTool) -> str:
    return tool.package if " " in tool.package else f"apt install {tool.package}"
