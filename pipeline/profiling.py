"""The task `profile`: what each layer takes on a device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import console
import target as targets
from artifact import Artifact, ImageFacts, produce, write_atomic
from calibration.convert import Int8Facts
from compilers.image.microcontroller import FirmwareFacts
from deploy.agents import AgentOptions
from deploy.board_state import BoardState
from deploy.device import device_for
from deploy.identity import check
from deploy.session import Session
from errors import ConfigError
from fields.dataclass_json import to_json
from graph.litert_c import PACKAGE, PROFILED
from graph.reader import read
from measure import litert_profile, modeled, profile_layout, report_file
from measure import profile as profiles
from measure.layers import OnLog, Open
from measure.page import explorer, runs
from measure.setup import Setup
from pipeline import measuring, one_input, preflight
from pipeline.preflight import Goal
from pipeline.request import FASTEST
from pipeline.steps import Steps
from pipeline.task_requests import ProfileRequest
from target import Target

OVERLAY = "model_explorer.json"


def run(request: ProfileRequest) -> None:
    """Count the layers of a request's network on its device, and print them.

    Raises ConfigError for an engine whose layers can't be counted, with the ones that can.
    """
    board = targets.load(request.target)
    if request.modeled:
        profile = _model(request, board)
    else:
        _check(request, board)
        profile = _measure(request, board)
    if request.json:
        console.print_json(to_json(profile))
        return
    table = profile_layout.table(profile, console.out.width)
    console.table("", table.columns, table.rows)
    console.plain(profile_layout.summary(profile))
    if profile.modeled:
        kernels = profile_layout.kernels(profile.modeled[0])
        console.say("")
        console.table("", kernels.columns, kernels.rows)
        console.plain(modeled.summary(profile.modeled))


def _model(request: ProfileRequest, board: Target) -> profiles.Profile:
    """Return the modeled cycles of a request's network on the core of a board, which may be absent.

    Raises ConfigError where there is no model of the core.
    """
    twin = modeled.emulated_twin(board)
    steps = Steps(preflight.check(replace(request, target=twin.name), Goal.COMPILED, needs_data=False))
    int8, image = steps.quantize(), steps.build_firmware()
    data, source = one_input.choose(measuring.set_up_for_one(request, twin, image, steps))
    with console.step("model") as line:
        found = modeled.by_layer(image, twin, data, read(int8.path))
        line.text = f"{board.name}: {twin.name}'s image, {source}"
    kernels = twin.mcu.kernels if twin.mcu and request.engine_for(twin) == "aot" else ""
    return profiles.of_model(found, int8.name, board.name, request.engine_for(twin), kernels)


def _check(request: ProfileRequest, board: Target) -> None:
    engine = request.engine_for(board)
    if board.sdk is not None:
        raise ConfigError(f"--target {board.name}: what your SDK builds is not counted by layers; take a board of ours")
    if board.kind == "linux" and board.measured_on == "emulated":
        raise ConfigError(f"--target {board.name}: its time is its emulator's, not a board's; profile an emulated core")
    if engine == "litert":
        _check_litert(request, board)
    elif engine != "aot":
        instead = "--engine aot" if board.kind == "linux" or board.kind == "mcu" else "--target host"
        raise ConfigError(
            f"--target {board.name}: {engine} shows no counts of its layers to Python; our engine does: {instead}"
        )


def _check_litert(request: ProfileRequest, board: Target) -> None:
    if request.link is not None and board.link != "ssh":
        raise ConfigError(
            f"--link {request.link}: --target {board.name} is this host; take the board's own target, such as rpi4"
        )
    if request.link is not None and not request.link.startswith("ssh:"):
        raise ConfigError(
            f"--link {request.link}: LiteRT's profiler is a program that is started over SSH; expected "
            "ssh://[USER@]HOST[:PORT]"
        )
    if request.runtime not in ("auto", PACKAGE):
        raise ConfigError(
            f"--runtime {request.runtime}: its profiler can't be read by Python; take --runtime {PACKAGE}, or "
            "--engine aot"
        )
    if request.kernels not in PROFILED:
        raise ConfigError(
            f"--kernels {request.kernels}: LiteRT's profiler runs with {' and '.join(PROFILED)} alone; take one of them"
        )
    if request.threads == FASTEST:
        raise ConfigError("--threads auto: a profile is of one number of threads; give it, such as --threads 2")


def reused(request: ProfileRequest, board: Target) -> profiles.Profile:
    """Return the profile of a request: an earlier one of the same firmware, else a new one."""
    steps = Steps(preflight.check(request, Goal.MEASURED, needs_data=False))
    profiled = steps.build_profiled()

    def make(folder: Path) -> profiles.Profile:
        profile = _measure_steps(request, board, steps, profiled)
        write_atomic(folder / runs.PROFILE, json.dumps(to_json(profile), indent=1))
        return profile

    sources = {"profiled": profiled.sha256, "firmware": steps.build_firmware().sha256}
    return produce("profile", profiled.name, runs.PROFILE, profiles.Profile, make, parents=sources).facts


def _measure(request: ProfileRequest, board: Target) -> profiles.Profile:
    steps = Steps(preflight.check(request, Goal.MEASURED, needs_data=False))
    engine = steps.resolved.engine
    if engine == "litert":
        profile = _measure_litert(request, board, steps)
    else:
        profile = _measure_steps(request, board, steps, steps.build_profiled())
    _keep(profile, steps.quantize(), board, engine)
    return profile


def _measure_litert(request: ProfileRequest, board: Target, steps: Steps) -> profiles.Profile:
    int8, image = steps.quantize(), steps.build_firmware()
    setup = measuring.set_up_for_one(request, board, image, steps)
    data, source = one_input.choose(setup)
    with console.step("profile") as line:
        made = litert_profile.measure(setup, read(image.path), data, console.note)
        line.text = f"{made.target}: {made.engine}, {made.kernels} kernels, {source}"
    return replace(made, model=int8.name)


def _measure_steps(
    request: ProfileRequest, board: Target, steps: Steps, profiled: Artifact[ImageFacts]
) -> profiles.Profile:
    int8, image = steps.quantize(), steps.build_firmware()
    facts = profiled.with_facts_of(FirmwareFacts)
    assert facts is not None
    setup = measuring.set_up_for_one(request, board, image, steps)
    data, source = one_input.choose(setup)
    wrong: set[str] = set()
    with console.step("profile") as line:
        ordinary, counting = _opener(setup, image, wrong), _opener(setup, profiled, wrong)
        over_ssh = board.link == "ssh" or (request.link or "").startswith("ssh:")
        repeats = profiles.LINUX_BOARD if over_ssh else profiles.REPEATS[board.measured_on]
        made = profiles.measure(ordinary, counting, facts.facts.plan.operators, data, board.measured_on, repeats)
        line.text = f"{made.target}: {made.engine}, {made.kernels} kernels, {source}"
    found = modeled.by_layer(image, board, data, read(int8.path)) if modeled.cores_of(board) else None
    return replace(made, model=int8.name, modeled=found, mismatch=tuple(sorted(wrong)) or None)


def _keep(profile: profiles.Profile, int8: Artifact[Int8Facts], board: Target, engine: str) -> None:
    """Write the profile beside the model's report, for its page, and as an overlay for Model Explorer."""
    name = int8.name + (f"-{engine}" if engine != board.engine else "")
    folder = report_file.folder(board.name, name)
    write_atomic(folder / runs.PROFILE, json.dumps(to_json(profile), indent=1) + "\n")
    write_atomic(folder / OVERLAY, explorer.overlay(profile, read(int8.path)))


def _opener(setup: Setup, image: Artifact[ImageFacts], mismatch: set[str]) -> Open:
    """Return what opens a session; what the device says of itself that its target does not is added to `mismatch`."""

    @contextmanager
    def open_device(on_log: OnLog) -> Iterator[Session]:
        how = setup.settings
        agent = AgentOptions(accept_new=how.accept_new)
        with device_for(setup.target, image, how.link, agent, flasher=how.flasher).session(on_log=on_log) as session:
            board = session.board() if setup.is_linux else BoardState()
            mismatch.update(check(setup.target, session.info, board, how.allow_mismatch))
            yield session

    return open_device
