"""What is plugged into this machine: serial ports, debug probes, boot loaders and UF2 drives, and what they may be."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import write_atomic
from deploy import bench_file, ports, uf2_drives, usb_devices
from errors import ConfigError
from fields import load_toml
from target import Target

STM32_DFU = "0483:df11"
BOOTSEL = {"2e8a:0003": "RPI-RP2", "2e8a:000f": "RP2350"}
"""USB IDs of boot loaders in ROM, and the board ID of their drives."""
COLUMNS = ("", "where", "USB ID", "serial number", "product", "may be")
LESS = ("USB ID", "serial number", "product")
"""Columns that a narrow terminal can do without."""


@dataclass(frozen=True)
class Item:
    """One thing that is plugged in. `kind` is port, probe, boot loader or drive; `targets` are those it may be.

    `note` is a next step where it can't be used as it is, "" else.
    """

    kind: str
    where: str
    usb_id: str = ""
    serial_number: str = ""
    product: str = ""
    targets: tuple[str, ...] = ()
    note: str = ""


def look(boards: Sequence[Target]) -> list[Item]:
    """Return what is plugged in, ports first. Starts nothing."""
    items = [_port(port, boards) for port in ports.connected()]
    for device in usb_devices.connected():
        names = _targets_in_dfu(boards) if device.usb_id == STM32_DFU else _targets_in_bootsel(boards, device.usb_id)
        kind = "probe" if device.is_probe else "boot loader"
        items.append(Item(kind, device.kind, device.usb_id, device.serial_number, device.product, names))
    for drive in uf2_drives.drives():
        names = tuple(b.name for b in boards if (own := b.flash_arguments.get("uf2")) and drive.is_of(own[0]))
        items.append(Item("drive", str(drive.folder), "", "", f"{drive.model} ({drive.board_id})", names))
    return items


def _port(port: ports.Port, boards: Sequence[Target]) -> Item:
    names = tuple(board.name for board in boards if port.usb_id and port.usb_id in board.usb)
    note = "" if os.access(port.device, os.R_OK | os.W_OK) else ports.rights_step(port.device)
    return Item("port", ports.stable_name(port), port.usb_id, port.serial_number, port.product, names, note)


def _targets_in_bootsel(boards: Sequence[Target], usb_id: str) -> tuple[str, ...]:
    board_id = BOOTSEL.get(usb_id, "")
    return tuple(b.name for b in boards if board_id and b.flash_arguments.get("uf2", ("",))[0] == board_id)


def _targets_in_dfu(boards: Sequence[Target]) -> tuple[str, ...]:
    return tuple(b.name for b in boards if "dfu-util" in (b.flasher, *b.other_flashers))


def table(items: Sequence[Item]) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows that describe what is plugged in, without notes and without empty columns."""
    rows = [[i.kind, i.where, i.usb_id, i.serial_number, i.product, ", ".join(i.targets)] for i in items]
    shown = [place for place in range(len(COLUMNS)) if any(row[place] for row in rows)]
    return [(COLUMNS[place], "left") for place in shown], [[row[place] for place in shown] for row in rows]


def notes(items: Sequence[Item]) -> list[str]:
    """Return a line with the next step for each thing that can't be used as it is."""
    return [f"{item.where}: {item.note}" for item in items if item.note]


def write_bench(items: Sequence[Item], boards: Sequence[Target], wanted: str = "") -> list[str]:
    """Add a table to bench.toml for each target whose port is certain, and return the names of these targets.

    With `wanted` it is that target's alone. What the file has stays as it is. Raises ConfigError if the wanted target
    is in there already, or has no port or several.
    """
    path = bench_file.BENCH
    known = set(load_toml(path).values) if path.is_file() else set()
    chosen = _certain(items, wanted, known)
    bauds = {board.name: board.mcu.uart_baud if board.mcu else ports.SDK_BAUD for board in boards}
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for name, item in chosen.items():
        text += f"{chr(10) if text else ''}[{name}]\nlink = {json.dumps(f'serial://{item.where}?baud={bauds[name]}')}\n"
    if chosen:
        write_atomic(path, text)
    return list(chosen)


def _certain(items: Sequence[Item], wanted: str, known: set[str]) -> dict[str, Item]:
    """Return the port of each target that has just one, which no other target may be, or of the wanted one."""
    ports_of: dict[str, list[Item]] = {}
    for item in items:
        for name in item.targets if item.kind == "port" else ():
            ports_of.setdefault(name, []).append(item)
    if not wanted:
        return {
            name: found[0]
            for name, found in ports_of.items()
            if len(found) == 1 and len(found[0].targets) == 1 and name not in known
        }
    if wanted in known:
        raise ConfigError(f"{bench_file.BENCH.name}: has a table {wanted} already; edit or remove it")
    found = ports_of.get(wanted, [])
    if len(found) != 1:
        names = ", ".join(item.where for item in found) or "none"
        raise ConfigError(
            f"{wanted}: expected one port that may be it, found {len(found)} ({names}); plug in that board alone, or "
            "write its link into bench.toml by hand"
        )
    return {wanted: found[0]}


def bench_path() -> Path:
    """Return where bench.toml is."""
    return bench_file.BENCH
