"""What the tasks print that build nothing: networks, layers, boards, and what is plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import console
import target
from console import doctor
from deploy import inventory
from deploy.inventory import Item
from deploy.lab import places
from errors import LinkError
from models import explain, presets, tables
from pipeline import cleaning
from pipeline.task_options import DevicesOptions, DoctorOptions, ExplainOptions, ModelsOptions, TargetsOptions
from target import Target
from target.sdk import SDKS


def print_models(chosen: ModelsOptions) -> None:
    """Print each preset with its parameters, MACs and bytes."""
    rows = explain.all_presets(chosen.rho, chosen.classes)
    if chosen.json:
        console.print_json([asdict(row) for row in rows])
        return
    console.table("", *tables.presets_table(rows), drop=tables.PRESETS_DROPPED)
    console.plain("peak activations: bytes of a layer's input and output, none over another")


def print_layers(chosen: ExplainOptions) -> None:
    """Print each layer of a preset. Raises ConfigError if there is no such preset."""
    preset = presets.parse(chosen.model, chosen.classes, chosen.channels)
    if chosen.json:
        console.print_json(explain.as_json(preset))
        return
    console.table(tables.layers_title(preset), *tables.layers_table(preset), drop=tables.LAYERS_DROPPED)
    console.plain(tables.layers_totals(preset))


def print_targets(chosen: TargetsOptions) -> None:
    """Print each board that there is a file for. Raises ConfigError if one is wrong."""
    boards = [target.load(name) for name in target.names()]
    if chosen.json:
        console.print_json([asdict(board) for board in boards])
        return
    console.table("", *targets_table(boards), drop=(DESCRIPTION, ENGINE, CLOCK))
    console.plain("and zephyr:BOARD, arduino:FQBN, pio:BOARD, idf:CHIP for your own SDK: docs/export.md")


HEADINGS = ("target", "RAM\nKiB", "flash\nKiB", "\nMHz", "flasher", "tried", "engine", "")
CLOCK, ENGINE, DESCRIPTION = 3, 6, 7


def targets_table(boards: Sequence[Target]) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows that describe boards: sizes, clock, who flashes them, how they were tried."""
    columns = [(name, "right" if name in HEADINGS[1:4] else "left") for name in HEADINGS]
    rows = []
    for board in boards:
        mcu = board.sdk.memory if board.sdk else board.mcu if board.measured_on != "host" else None
        memory = [f"{mcu.ram_bytes >> 10:,}", f"{mcu.flash_bytes >> 10:,}"] if mcu else ["", ""]
        clock = f"{mcu.clock_hz / 1e6:g}" if mcu else ""
        flasher = f"{SDKS[board.sdk.name]}: {board.flasher}" if board.sdk else board.flasher
        rows.append([board.name, *memory, clock, flasher, _how_tried(board), board.engine, board.description])
    return columns, rows


def _how_tried(board: Target) -> str:
    """Return in a word or two how a board was tried: by an emulator's name, on this host, built only, or not yet."""
    if board.tried:
        how = board.tried.partition(";")[0].removeprefix("emulated: ").partition(",")[0].removeprefix("on ")
        if "stand-ins" in how:
            return "stand-ins"
        return "export compiled" if how.startswith("export compiled") else how
    if board.emulator:
        return "QEMU" if board.emulator.program.startswith("qemu") else board.emulator.program
    return "this host" if board.measured_on == "host" else "not yet"


def print_doctor(chosen: DoctorOptions) -> None:
    """Print what is installed, and the places of a lab where one is named."""
    coordinator = places.coordinator_of(chosen.coordinator)
    rows = [doctor.Row(str(use.folder), f"{use.size_bytes / 1e6:,.1f} MB", use.what) for use in cleaning.uses()]
    doctor.print_doctor(chosen.json, rows + (_place_rows(coordinator) if coordinator else []))


def _place_rows(coordinator: str) -> list[doctor.Row]:
    what, needed_for = f"lab {coordinator}", "boards in a lab"
    try:
        rows, _ = places.places_of(coordinator)
    except LinkError as e:
        return [doctor.Row(what, "", needed_for, str(e))]
    return [doctor.Row(what, f"{len(rows)} places", needed_for)] + [
        doctor.Row(f"place {row.name}", "" if row.step else row.state, needed_for, f"{row.state}; {row.step}")
        for row in rows
    ]


def print_devices(chosen: DevicesOptions) -> None:
    """Print what is plugged in; with --write, add what is certain to bench.toml.

    Raises LinkError, after that, if the lab that is named is not reached.
    """
    boards = [target.load(name) for name in ([chosen.target] if chosen.target else target.names())]
    coordinator = places.coordinator_of(chosen.coordinator)
    items, unreached = inventory.look(boards), None
    try:
        items += places.items_of(coordinator, boards) if coordinator else []
    except LinkError as e:
        unreached = e
    _print_items(items, chosen.json)
    if chosen.write:
        names = inventory.write_bench(items, boards, chosen.target)
        console.say(
            f"{inventory.bench_path()}: added {', '.join(names) or 'nothing: no port is certain; name a --target'}"
        )
    if unreached is not None:
        raise unreached


def _print_items(items: Sequence[Item], as_json: bool) -> None:
    if as_json:
        console.print_json([asdict(item) for item in items])
        return
    if not items:
        console.say("nothing is plugged in that is a board; a board over SSH needs no cable")
        return
    columns, rows = inventory.table(items)
    drop = [place for place, (name, _) in enumerate(columns) if name in inventory.LESS]
    console.table("", columns, rows, drop=drop)
    if notes := inventory.notes(items):
        console.plain("\n".join(notes))
