"""The places of a lab as rows: free or taken, by whom, and what keeps one from being used."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.inventory import Item
from deploy.lab.address import COORDINATOR, DEFAULT_COORDINATOR, LabAddress, named, shown_tags, with_port
from deploy.lab.facts import Lab, Place
from deploy.lab.held import look
from deploy.lab.owner import is_gone
from deploy.lab.situation import release_step, taken_text, why_dead
from target import Target


@dataclass(frozen=True)
class PlaceRow:
    """A place: its tags and state in words; `step` is what a person does about it, "" if it can be used."""

    name: str
    tags: str
    state: str
    step: str = ""


def coordinator_of(option: str | None) -> str:
    """Return the coordinator that is named, by --coordinator or in the environment; "" if none is. Raises LinkError."""
    named_one = option or os.environ.get(COORDINATOR, "")
    return with_port(f"--coordinator {named_one}", named_one) if named_one else ""


def places_of(coordinator: str) -> tuple[list[PlaceRow], Lab]:
    """Return the places of a lab by name. Raises LinkError if it is not reached."""
    lab = look(LabAddress("", coordinator or DEFAULT_COORDINATOR))
    return [_row(lab, place) for place in sorted(lab.places, key=lambda place: place.name)], lab


def items_of(coordinator: str, boards: Sequence[Target]) -> list[Item]:
    """Return the places of a lab beside what is plugged in here. Raises LinkError if it is not reached.

    A place may be the targets that its tag `board` names, with _ for -.
    """
    rows, lab = places_of(coordinator)
    tags = {place.name: dict(place.tags) for place in lab.places}
    items = []
    for row in rows:
        board = tags[row.name].get("board", "")
        names = tuple(one.name for one in boards if board and one.name.replace("-", "_") == board.replace("-", "_"))
        note = "; ".join(text for text in (row.state, row.step) if text != "free" and text)
        items.append(Item("place", named(coordinator, row.name), product=row.tags, targets=names, note=note))
    return items


def _row(lab: Lab, place: Place) -> PlaceRow:
    tags = shown_tags(place.tags)
    if place.owner and is_gone(place.owner):
        return PlaceRow(place.name, tags, f"taken by {place.owner}, which has ended", "the next run here gives it back")
    if place.owner:
        return PlaceRow(place.name, tags, taken_text(place).partition(" is ")[2], release_step(place))
    if dead := why_dead(lab, place):
        state, _, step = dead.partition("; ")
        return PlaceRow(place.name, tags, state, step)
    if others := lab.shared_with(place):
        step = "let one place have all that a board has: labgrid would lend both at a time"
        return PlaceRow(place.name, tags, f"free, the same board as {', '.join(others)}", step)
    return PlaceRow(place.name, tags, "reserved" if place.reservation else "free")
