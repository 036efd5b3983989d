"""Whether a device can be reached, checked in seconds and without starting anything on it."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import artifact
import process
from deploy.agents import usual_uri
from deploy.bench_file import links_of
from deploy.flash_tool import FlashTool
from deploy.flashers import flasher_for
from deploy.links import make_link
from deploy.machines.image import check_programs
from deploy.ports import rights_step
from errors import DeployError, LinkError
from target import Target

CONNECT_S = 10
"""How long a host may take to accept an SSH connection before it counts as not reached."""


def check_device(target: Target, uri: str | None, accept_new: bool = False, flasher: str = "") -> None:
    """Raise DeployError or LinkError, naming the next step, if the device can't be reached or flashed.

    `uri` is its link; without it, what bench.toml and the target say. A board over SSH is logged in to; its host key is
    stored with `accept_new`. The serial port, the emulator and the flasher (of that name) of a microcontroller are
    looked for.
    """
    if target.kind == "mcu":
        _check_line(target, uri, flasher)
    elif uri is not None and not uri.startswith("ssh:"):
        make_link(uri)
    elif target.link == "ssh" and (uri or not target.emulator):
        check_host(uri or usual_uri(target), accept_new)
    elif target.emulator:
        process.find(target.emulator.program, DeployError, target.emulator.package)
        if target.link == "ssh" and not any((artifact.BUILD_DIR / "machine").glob("*")):
            check_programs()  # of the machine's image, which is made at the first start


def _check_line(target: Target, uri: str | None, flasher: str) -> None:
    if uri is None:
        tool = flasher_for(target, flasher)
        tool.check()
        lines = links_of(target.name) if target.link == "serial" else []
        if not lines or (isinstance(tool, FlashTool) and tool.waits_in_boot_loader(lines[0])):
            return
        uri = lines[0]  # a flash tool has said that there is one
    make_link(uri)
    parts = urlsplit(uri)
    if parts.scheme == "serial":
        port = Path(parts.path)
        if not port.exists():
            raise LinkError(f"--link {uri}: there is no {port}; plug the board in, then see ./inv doctor for its port")
        if not os.access(port, os.R_OK | os.W_OK):
            raise LinkError(f"--link {uri}: {port} may not be opened; {rights_step(str(port))}")
    elif parts.hostname:
        check_name(uri, parts.hostname)


def check_name(uri: str, host: str) -> None:
    """Raise LinkError if no host of that name is known."""
    try:
        socket.getaddrinfo(host, None)
    except OSError as e:
        raise LinkError(f"--link {uri}: no host is called {host} ({e}); check the name and the network") from e


def check_host(uri: str, accept_new: bool = False) -> None:
    """Log in to a host over SSH and leave again. Raises LinkError for its address, name, key, port or login."""
    from deploy.remote import connect

    address = connect.parse_address(uri)
    connection = connect.connect(replace(address, timeout_s=min(address.timeout_s, CONNECT_S)), accept_new)
    connect.close(connection)
