"""What can fail cheaply is checked before anything slow: names, files, options, tools, disk, link, host, login, data.

It takes less than a second where nothing is remote. When all is well it prints the engine of --engine auto, or nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum
from pathlib import Path

import artifact
import console
import target as targets
from artifact import no_such_file
from errors import ConfigError, DeployError, Error
from measure import report_file
from models import formats, presets
from pipeline import edgetpu, lab, second_lock
from pipeline.request import AUTO, MODEL_FILES, Request, check_scope
from pipeline.resolve import Resolved, read_labels, resolve
from target import Target

FREE_BYTES = 48 << 20
"""What a run needs at least: the network, its int8 form, the firmware and what is measured."""


PROBE_BYTES = 4096
ELSEWHERE = "name a folder of another disk in the environment variable ALPHARHO_HOME"


class Goal(IntEnum):
    """How far a task goes; each includes those before it."""

    NETWORK = 1
    INT8 = 2
    COMPILED = 3
    MEASURED = 4


def check(request: Request, goal: Goal, needs_data: bool = True) -> Resolved:
    """Return what the request means once all that is cheap was checked.

    Without `needs_data` a .tflite needs no data set: nothing is done with pictures but to time one inference.
    Raises Error of one line for the first thing that would fail later: its name, what is wrong, the next step.
    """
    board = targets.load(request.target)
    request = lab.with_link(request, board)
    if request.engine == AUTO and goal >= Goal.MEASURED:
        request = with_engine(request, board)
    engine = request.engine_for(board)
    if goal >= Goal.COMPILED:
        edgetpu.check_options(request, engine, board)
        check_scope(request, board)
    check_model(request, goal)
    if request.model_kind == "tflite":
        edgetpu.check_compiled(request, engine, board)
    if goal >= Goal.COMPILED:
        check_compiler(request, board, engine, goal)
    check_disk(artifact.BUILD_DIR)
    if goal >= Goal.MEASURED:
        check_reports(request, board, engine)
        check_device(request, board, engine)
    check_data(request)
    if request.model_kind != "tflite":
        second_lock.need_keras()
    resolved = resolve(request, needs_data)
    if needs_data or not resolved.is_default_data:
        check_pictures(resolved, goal)
    return resolved


def with_engine(request: Request, board: Target) -> Request:
    """Return the request with the engine that `auto` stands for, and say so where it is not the target's own.

    Raises LinkError if the board is not reached, which decides.
    """
    link = request.link or board.link
    if board.kind != "linux" or board.engine != "litert" or not link.startswith("ssh") or _is_emulated(request, board):
        return replace(request, engine=board.engine)
    from deploy.agents import usual_uri
    from deploy.remote import runtime
    from deploy.remote.connect import parse_address

    why = runtime.why_none(parse_address(request.link or usual_uri(board)), request.runtime, request.accept_new)
    if why:
        console.note(f"--engine aot is used: {why}")
    return replace(request, engine="aot" if why else board.engine)


def _is_emulated(request: Request, board: Target) -> bool:
    """Return whether the board is an emulated machine of ours, which has a Python."""
    return board.emulator is not None and request.link is None


def check_model(request: Request, goal: Goal) -> None:
    """Raise ConfigError if --model or the files beside it are not there, or can't be what they are used as."""
    path = Path(request.model)
    if request.model_kind == "preset":
        way = None if presets.looks_like(request.model) else formats.way_to_tflite(request.model)
        if way is not None:
            raise ConfigError(f"--model {request.model}: {way}")
        presets.parse(request.model, channels=request.channels)
    else:
        _check_file(f"--model {path}", path)
    if request.model_kind == "tflite":
        if goal == Goal.NETWORK:
            raise ConfigError(f"--model {path}: a .tflite has no Keras network; use a preset or its .keras")
        if request.weights is not None:
            raise ConfigError(f"--weights {request.weights}: a .tflite has its own; leave --weights out")
    if request.rho is not None and request.model_kind != "keras":
        is_preset = request.model_kind == "preset"
        own = "a preset has its size in its name, such as v1_025_96" if is_preset else "it has its own"
        raise ConfigError(f"--rho {request.rho}: it is for Keras files whose size is open; {own}; leave --rho out")
    if request.labels is not None:
        read_labels(request.labels)
    for name in request.with_:
        if Path(name).suffix in MODEL_FILES:
            _check_file(f"--with {name}", Path(name))
        elif not presets.looks_like(name):
            raise ConfigError(f"--with {name}: expected presets or .tflite files, joined by commas")
    if request.compiled:
        _check_file(f"--compiled {request.compiled}", request.compiled)


def _check_file(option: str, path: Path) -> None:
    if not path.is_file():
        raise ConfigError(f"{option}: {no_such_file(path)}")
    if not os.access(path, os.R_OK):
        raise ConfigError(f"{option}: may not be read; set its owner or its mode")


def check_compiler(request: Request, board: Target, engine: str, goal: Goal) -> None:
    """Raise Error if what compiles for the target is missing: a tool, a TFLite-Micro tree, a remote compiler."""
    if engine == "edgetpu":
        if request.compile_on is not None:
            tool = edgetpu.tool_for(request)
            check_host(request.compile_on, request)
            tool.version()
        elif goal >= Goal.MEASURED and not request.compiled and not edgetpu.is_compiled(request):
            edgetpu.tool_for(request).version()
    elif board.kind == "linux" and engine == "aot":
        from compilers.image import linux_program

        linux_program.toolchain_of(board).check()
    elif board.mcu is not None and board.mcu.by_pico_sdk:
        from compilers.export import pico_image

        if engine != "aot":
            raise ConfigError(
                f"--engine {engine}: {board.name} is built with the Pico SDK, which takes aot; leave it out"
            )
        pico_image.check(board)
    elif board.mcu is not None and (engine == "aot" or goal >= Goal.MEASURED):
        from compilers.image.toolchain import toolchain_of

        toolchain = toolchain_of(board.mcu)
        toolchain.check()
        if engine == "tflm":
            from compilers.tflm import tree

            toolchain.check_cpp()
            tree.find(board)


def check_host(uri: str, request: Request) -> None:
    """Raise LinkError if a host can't be logged in to."""
    from deploy import reach

    reach.check_host(uri, request.accept_new)


def check_device(request: Request, board: Target, engine: str) -> None:
    """Raise Error if the device can't be reached or flashed, or can't take what --link and --threads say."""
    from deploy import reach
    from deploy.bench_file import links_of

    links_of(board.name)
    if engine == "tflm" and board.kind != "mcu" and (request.link is not None or board.link != "exec"):
        raise DeployError(
            f"{board.name}: TFLite-Micro's interpreter runs on this host only: use --target host-tflm without --link"
        )
    if request.threads == 0 and board.measured_on == "emulated":
        raise ConfigError("--threads auto: an emulator's time is not the device's; give a number")
    if address := lab.address_of(request):
        lab.check(address, request)
    else:
        reach.check_device(board, request.link, request.accept_new, request.flasher or "")


def check_any_device(requests: Sequence[Request]) -> None:
    """Raise the first Error if none of several devices can be reached: one that can't stops no other."""
    failed: list[Error] = []
    for request in requests:
        board = targets.load(request.target)
        try:
            check_device(request, board, request.engine_for(board))
        except Error as e:
            failed.append(e)
    if len(failed) == len(requests):
        raise failed[0]


def check_disk(folder: Path, elsewhere: str = ELSEWHERE) -> None:
    """Raise ConfigError if a folder can't be written, or its disk is full; `elsewhere` is how to name another."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"{folder}: can't be written; set the owner of {there}, or {elsewhere}")
    try:
        with tempfile.TemporaryFile(dir=there) as probe:  # a quota or a network disk shows in nothing else
            probe.write(bytes(PROBE_BYTES))
    except OSError as e:
        raise ConfigError(f"{folder}: can't be written ({e.strerror or e}); {elsewhere}") from e
    free = shutil.disk_usage(there).free
    if free < FREE_BYTES:
        raise ConfigError(
            f"{folder}: can't be written: {free / 1e6:.0f} MB free, expected {FREE_BYTES / 1e6:.0f} MB; "
            f"free disk space, or {elsewhere}"
        )


def check_reports(request: Request, board: Target, engine: str) -> None:
    """Raise ConfigError if the report of a request could not be written once it is measured."""
    name = Path(request.model).stem + ("" if engine == board.engine else f"-{engine}")
    folder = report_file.folder(request.unit or board.name, name)
    check_disk(folder)
    for path in (folder / report_file.COMPLETE, folder / report_file.PARTIAL):
        if path.is_dir():
            raise ConfigError(f"{path}: is a folder, expected the last report or nothing; move it away")


def check_output(option: str, path: Path) -> None:
    """Raise ConfigError if the file that an option names could not be written in the end."""
    if path.is_dir():
        raise ConfigError(f"{option} {path}: is a folder, expected a file to write")
    check_disk(path.absolute().parent, f"name another file with {option}")


def check_data(request: Request) -> None:
    """Raise ConfigError if the data set is not there; its content is checked when it is loaded."""
    kind, _, argument = request.data.partition(":")
    path = Path(argument).expanduser()
    if kind == "npz" and argument:
        _check_file(f"--data {request.data}", path)
    if kind == "folder" and argument and not path.is_dir():
        raise ConfigError(f"--data {request.data}: no such folder")


def check_pictures(resolved: Resolved, goal: Goal) -> None:
    """Raise ConfigError if the data set has no pictures for what the task does with them."""
    data, is_converted = resolved.data, resolved.tflite is None and goal >= Goal.INT8
    if is_converted and min(len(data.train), len(data.test)) == 0:
        raise ConfigError(
            f"--data {data.name}: expected pictures to calibrate and to check with, has {len(data.train)} to train "
            f"and {len(data.test)} to test with; give at least 2 for each class"
        )
    if goal >= Goal.MEASURED and not len(data.test):
        raise ConfigError(f"--data {data.name}: expected pictures to test with, has none")
