"""One request on several devices: what all need is built once, then each is measured by a run of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import target as targets
from benchmarks import many
from benchmarks.many import Unit
from errors import ConfigError
from pipeline import preflight
from pipeline.lab import with_link
from pipeline.options import flag_of, read
from pipeline.request import Request, applies
from pipeline.steps import Steps

NAMING = ("target", "link", "place_match", "places", "json")
"""Options that say which devices, of which each run gets its own, and --json, which is for all of them together."""


def measure_each(task: str, request: Request, units: Sequence[Unit]) -> None:
    """Build for each target, one after the other, then measure all units at the same time. Raises as `run_each`."""
    if request.json:
        raise ConfigError("--json: prints one report; see each device's report.json")
    run_each(task, request, units, lambda done: many.print_reports(done, request.model))


def run_each(task: str, request: Request, units: Sequence[Unit], show: Callable[[Sequence[Unit]], None]) -> None:
    """Build for each target, one after the other, then run the task for all units at the same time.

    A target gets only the options that it uses. `show` gets the units that did not fail. Raises ConfigError
    for an option that none uses, and Error naming the devices that failed: they stop no other.
    """
    if request.unit is not None:
        raise ConfigError(f"--unit {request.unit}: names one device; several are named by their targets and links")
    words = words_of(request, [unit.target for unit in units])
    requests = [replace(read(type(request), words[unit.target]), target=unit.target, link=unit.link) for unit in units]
    checked = {one.target: preflight.check(one, preflight.Goal.COMPILED, needs_data=False) for one in requests}
    preflight.check_any_device(requests)
    for resolved in checked.values():
        Steps(resolved).build_firmware()
    many.run(units, task, words, show)


def words_of(request: Request, names: Sequence[str]) -> dict[str, Mapping[str, str | bool]]:
    """Return the typed options that each target uses, by its name. Raises ConfigError for one that none uses."""
    boards = {name: targets.load(name) for name in names}
    shared = {name: text for name, text in request.typed.items() if name not in NAMING}
    words = {
        name: {option: text for option, text in shared.items() if applies(option, with_link(request, board), board)}
        for name, board in boards.items()
    }
    unused = sorted(shared.keys() - {option for used in words.values() for option in used})
    if unused:
        flag = flag_of(unused[0])
        raise ConfigError(f"{flag}: none of {', '.join(boards)} uses it; leave {flag} out")
    return dict(words)
