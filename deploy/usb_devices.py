"""USB devices of this machine that flash tools talk to: debug probes and boards in their boot loaders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.ports import Port
from errors import DeployError

SYSFS = Path("/sys/bus/usb/devices")

ST_LINK = "ST-Link"
CMSIS_DAP = "CMSIS-DAP"
J_LINK = "J-Link"
PROBES = (ST_LINK, CMSIS_DAP, J_LINK)
# USB IDs: OpenOCD's contrib/60-openocd.rules, pico-sdk and the boards' own documents.
KINDS = {
    "0483:3744": ST_LINK,
    "0483:3748": ST_LINK,
    "0483:374b": ST_LINK,
    "0483:3752": ST_LINK,
    "0483:374d": ST_LINK,
    "0483:374e": ST_LINK,
    "0483:374f": ST_LINK,
    "0483:3753": ST_LINK,
    "0483:3754": ST_LINK,
    "2e8a:000c": CMSIS_DAP,
    "0d28:0204": CMSIS_DAP,
    "0483:df11": "STM32 in DFU mode",
    "2e8a:0003": "RP2040 in BOOTSEL mode",
    "2e8a:000f": "RP2350 in BOOTSEL mode",
    "16c0:0478": "Teensy in HalfKay mode",
}
SEGGER = "1366:"


@dataclass(frozen=True)
class UsbDevice:
    """A debug probe or a board in its boot loader. `kind` is one of PROBES, or a boot loader in words."""

    usb_id: str
    kind: str
    serial_number: str = ""
    product: str = ""

    @property
    def is_probe(self) -> bool:
        """Whether it is a debug probe."""
        return self.kind in PROBES


def connected(folder: Path | None = None) -> list[UsbDevice]:
    """Return the probes and boot loaders that Linux lists; none on other systems."""
    found = []
    folder = SYSFS if folder is None else folder
    for device in sorted(folder.glob("*")) if folder.is_dir() else []:
        vendor, product = _text(device / "idVendor"), _text(device / "idProduct")
        if not vendor or not product:
            continue
        usb_id, name = f"{vendor}:{product}", _text(device / "product")
        kind = KINDS.get(usb_id, "")
        if not kind and usb_id.startswith(SEGGER):
            kind = J_LINK
        if not kind and CMSIS_DAP in name:
            kind = CMSIS_DAP
        if kind:
            found.append(UsbDevice(usb_id, kind, _text(device / "serial"), name))
    return found


def is_probe(port: Port) -> bool:
    """Whether a serial port is that of a debug probe."""
    return KINDS.get(port.usb_id) in PROBES or port.usb_id.startswith(SEGGER) or CMSIS_DAP in port.product


def choose_probe(target: str, kinds: Sequence[str], wanted: str, line_serial: str, found: Sequence[UsbDevice]) -> str:
    """Return the serial number of the probe to use, "" where there is no choice.

    `kinds` are those that the flash tool takes, `wanted` is what bench.toml names, `line_serial` the serial number of
    the board's port: a probe on the board has the same. Raises DeployError if there are several and nothing decides,
    or if the wanted one is not there.
    """
    probes = [device for device in found if device.kind in kinds]
    serials = [probe.serial_number for probe in probes]
    if wanted:
        if probes and wanted not in serials:
            raise DeployError(
                f"{target}: no probe with serial number {wanted} (connected: {', '.join(serials)}); correct the key "
                "probe in bench.toml"
            )
        return wanted
    if len(probes) < 2:
        return ""
    if line_serial in serials:
        return line_serial
    names = ", ".join(f"{probe.kind} {probe.serial_number or 'without serial number'}" for probe in probes)
    raise DeployError(
        f'{target}: {len(probes)} probes are connected: {names}; name one in bench.toml, as probe = "{serials[0]}", or '
        "unplug the others"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
