"""A request whose device is in a lab: what it means by its options, whether it can be had, and holding it for a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import console
import target as targets
from benchmarks import many
from benchmarks.many import Unit
from deploy.bench_file import links_of
from deploy.lab import held as labs
from deploy.lab.address import LabAddress, is_lab, named, of_match, parse, shown_tags
from deploy.lab.flashing import flash_there, lab_flasher
from deploy.lab.held import Held
from deploy.lab.owner import is_gone
from deploy.lab.situation import candidates, release_step, taken_text, why_dead
from errors import ConfigError, LinkError
from pipeline.request import Request
from target import Target

R = TypeVar("R", bound=Request)


def with_link(request: R, board: Target) -> R:
    """Return the request with the link that --place-match stands for, or that bench.toml has to a lab.

    Raises ConfigError if there is a link beside --place-match, LinkError if it is not tags.
    """
    if request.place_match is not None:
        if request.link is not None:
            raise ConfigError(
                f"--place-match {request.place_match}: stands for a link, and there is --link; leave one out"
            )
        return replace(request, link=of_match(request.place_match, board.name), place_match=None)
    if request.link is None and (links := links_of(board.name)) and is_lab(links[0]):
        return replace(request, link=links[0])
    return request


def units(request: Request) -> list[Unit]:
    """Return the devices of a request, see benchmarks.many.units; with --places as many places for each target.

    Raises ConfigError if they are named in two ways.
    """
    if request.place_match is None:
        if request.places > 1:
            raise ConfigError(f"--places {request.places}: says how many of --place-match; give that, or leave it out")
        return many.units(request.target, request.link)
    devices = many.units(request.target, None)
    links = {unit.target: with_link(request, targets.load(unit.target)).link or "" for unit in devices}
    if request.places == 1:
        return [replace(unit, link=links[unit.target]) for unit in devices]
    return [one for unit in devices for one in _different(request, unit.target, parse(links[unit.target]))]


def _different(request: Request, board: str, address: LabAddress) -> list[Unit]:
    """Return as many places as --places says, free ones first: from the queue one run could get another's again.

    Raises LinkError if there are not so many.
    """
    address = replace(address, coordinator=parse(address.uri, request.coordinator).coordinator)
    lab = labs.look(address, request.accept_new)
    alive = [place for place in candidates(lab, address) if not why_dead(lab, place)]
    chosen = sorted(alive, key=lambda place: bool(place.owner or place.reservation))[: request.places]
    if len(chosen) < request.places:
        raise LinkError(
            f"--places {request.places}: {len(alive)} can be used with {shown_tags(address.tags)}; give --places "
            f"{max(1, len(alive))}, or see ./inv devices"
        )
    wait = f"wait={request.give_up_after:g}"
    links = [f"{named(address.coordinator, place.name)}&{wait}" for place in chosen]
    return [Unit(board, link, f"{board}@{place.name}") for link, place in zip(links, chosen, strict=True)]


def address_of(request: Request) -> LabAddress | None:
    """Return the place of a lab that a request means, None if its device is elsewhere. Raises LinkError."""
    if request.link is None or not is_lab(request.link):
        return None
    return parse(request.link, request.coordinator)


def check(address: LabAddress, request: Request) -> None:
    """Raise LinkError if a lab is not reached, or has no place that could be got: a place that is dead, or taken.

    A place that is named and taken is not waited for, unless its address says so.
    """
    lab = labs.look(address, request.accept_new)
    places = candidates(lab, address)
    dead = [why_dead(lab, place) for place in places]
    if all(dead):
        raise LinkError(f"--link {address.uri}: place {places[0].name}: {dead[0]}")
    owner = places[0].owner
    if address.place and not address.wait_s and owner and not is_gone(owner):
        raise LinkError(
            f"--link {address.uri}: {taken_text(places[0])}; {release_step(places[0])}, or wait for it with "
            "?wait=SECONDS"
        )


@contextmanager
def holding(request: Request, board: Target) -> Iterator[Held | None]:
    """Yield the place that a request means, held until the body ends; None if its device is not in a lab.

    Raises LinkError if it can't be had.
    """
    address = address_of(request)
    if address is None:
        yield None
        return
    limit_s = request.give_up_after if address.wait_s is None else address.wait_s
    with ExitStack() as stack:
        with console.step("place") as line, console.waiting("place", limit_s) as show:
            held = stack.enter_context(
                labs.hold(address, board, request.give_up_after, show, console.note, request.accept_new)
            )
            line.text = f"{held.holding.place} of {held.holding.coordinator}: {held.uri}"
        yield held


def flash(held: Held, request: Request, image: Path) -> bool:
    """Flash the board of a place that has a debug probe, unless it runs the image; return whether it has one.

    Raises LinkError or DeployError as deploy.lab.flashing.flash_there.
    """
    tool = lab_flasher(held, request.flasher or "", console.note, request.allow_mismatch)
    if tool is not None:
        flash_there(held, tool, image, request.accept_new)
    return tool is not None


def named_after(request: Request, board: Target, held: Held | None) -> str:
    """Return the name under which the report is kept: --unit, else the target's, with the place of a lab behind @."""
    place = "" if held is None else f"@{held.holding.place}"
    return request.unit or board.name + "".join(c if c.isalnum() or c in "@.-_" else "_" for c in place)
