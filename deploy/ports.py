"""Serial ports of this machine: which board they may be, who may open them, and how one is found after a reset."""

from __future__ import annotations

import grp
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import DeployError
from target import Target

RETURN_S = 15.0
"""How long a board may take to show its port again after it was flashed."""
RETURN_STEP = "press reset or plug the board in again, then see ./inv devices"
POLL_S = 0.1
SDK_BAUD = 115_200
"""Of boards whose firmware is built by the user's own SDK."""
TOUCH_BAUD = 1200
BY_ID = Path("/dev/serial/by-id")


@dataclass(frozen=True)
class Port:
    """A serial port: its device file, the USB ID as `0483:374b`, the serial number; "" where it has none."""

    device: str
    usb_id: str = ""
    serial_number: str = ""
    product: str = ""

    def is_same(self, other: Port) -> bool:
        """Whether this is the same board's port, perhaps under another name."""
        if self.serial_number:
            return (self.usb_id[:4], self.serial_number) == (other.usb_id[:4], other.serial_number)
        return self.device == other.device


def connected() -> list[Port]:
    """Return the serial ports that are there, by device."""
    from serial.tools import list_ports

    return sorted(
        (
            Port(
                port.device,
                f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None else "",
                port.serial_number or "",
                port.product or port.description or "",
            )
            for port in list_ports.comports()
        ),
        key=lambda port: port.device,
    )


def find_port(target: Target, ports: Sequence[Port] | None = None) -> Port:
    """Return the one port whose USB ID is among the target's.

    Raises DeployError if there is none, or more than one, naming them and the next step.
    """
    ports = connected() if ports is None else ports
    found = [port for port in ports if port.usb_id in target.usb]
    if len(found) == 1:
        return found[0]
    if not found:
        known = ", ".join(port.device for port in ports) or "none"
        raise DeployError(
            f"{target.name}: no serial port with USB ID {' or '.join(target.usb)} (connected: {known}); plug the board "
            "in, or name its line in bench.toml or with --link"
        )
    names = ", ".join(f"{port.device} (serial number {port.serial_number or 'unknown'})" for port in found)
    raise DeployError(
        f"{target.name}: {len(found)} ports may be it: {names}; name one in bench.toml (./inv devices --write) or with "
        "--link"
    )


def touch(port: Port, name: str) -> None:
    """Open a USB port at 1200 baud and close it: firmware of many SDKs then restarts the board into its boot loader.

    Raises DeployError if the port may not be opened; `name` begins the message.
    """
    import serial

    try:
        with serial.Serial(port.device, TOUCH_BAUD, exclusive=True) as line:
            line.dtr = False
    except (OSError, ValueError) as e:  # it may be gone before it is closed
        if Path(port.device).exists() and not os.access(port.device, os.R_OK | os.W_OK):
            raise DeployError(f"{name}: {port.device} may not be opened; {rights_step(port.device)}") from e
        if "exclusively lock" in str(e):
            raise DeployError(
                f"{name}: {port.device} is taken by another program; close the terminal or the run that holds it"
            ) from e


def wait_for_device(device: str, name: str, step: str = RETURN_STEP) -> None:
    """Wait until a device file is there. Raises DeployError after RETURN_S."""
    for _ in range(max(1, round(RETURN_S / POLL_S))):
        if Path(device).exists():
            return
        time.sleep(POLL_S)
    raise DeployError(f"{name}: its port {device} did not come back within {RETURN_S:g} s after flashing; {step}")


def wait_for_any(target: Target, timeout_s: float | None = None) -> Port:
    """Return the port of a board that had none before it was flashed. Raises DeployError after RETURN_S."""
    timeout_s = RETURN_S if timeout_s is None else timeout_s
    for _ in range(max(1, round(timeout_s / POLL_S))):
        if any(port.usb_id in target.usb for port in connected()):
            break
        time.sleep(POLL_S)
    return find_port(target)


def wait_for(
    port: Port,
    name: str,
    timeout_s: float | None = None,
    list_connected: Callable[[], Sequence[Port]] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    before: Sequence[Port] | None = None,
    step: str = RETURN_STEP,
) -> Port:
    """Return the port of the same board once it is there again, perhaps under another name.

    With the ports that were there `before`, the only new one is it too: other firmware may have another USB ID.

    Raises DeployError after `timeout_s` (RETURN_S by default); `name` begins the message, `step` ends it.
    """
    timeout_s = RETURN_S if timeout_s is None else timeout_s
    list_connected = list_connected or connected
    for _ in range(max(1, round(timeout_s / POLL_S))):
        now = list_connected()
        for other in now:
            if port.is_same(other):
                return other
        new = [other for other in now if before is not None and other.usb_id and other not in before]
        if len(new) == 1:
            return new[0]
        sleep(POLL_S)
    raise DeployError(f"{name}: its port {port.device} did not come back within {timeout_s:g} s after flashing; {step}")


def stable_name(port: Port, folder: Path = BY_ID) -> str:
    """Return a device file that stays the same whatever is plugged in, else the port's own."""
    links = sorted(folder.glob("*")) if folder.is_dir() else []
    return next((str(link) for link in links if os.path.realpath(link) == port.device), port.device)


def group_of(device: str) -> str:
    """Return the name of the group that may open a device file; dialout if that is not known."""
    try:
        return grp.getgrgid(os.stat(device).st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


def rights_step(device: str) -> str:
    """Return what a user does who may not open a device file."""
    group = group_of(device)
    if group == "root":
        return "add a udev rule that gives it to the group dialout or plugdev, and plug the board in again"
    return f"sudo usermod -aG {group} $USER, then log in again"
