"""The actions of `inv emulator`: build an emulated board's image, start and stop the machine, show its state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deploy.machines.image import DISK, image
from deploy.machines.machine import Machine
from errors import ConfigError
from target import Target

ACTIONS = ("build", "start", "stop", "status")
Say = Callable[[str], None]


def control(target: Target, action: str, say: Say) -> str:
    """Do an action and return the text to print. Raises DeployError if it fails, ConfigError on another action."""
    machine = Machine(target)
    if action == "build":
        if machine.state():
            raise ConfigError(f"{target.name}: the machine runs; first ./inv emulator --target {target.name} --stop")
        index = image(say, fresh=True)
        return f"{index.path.parent}: {_on_disk(index.path.with_name(DISK)):,} bytes on disk"
    if action == "start":
        state = machine.start(say)
        return f"{target.name} runs: {machine.login(state)}\nend it with: ./inv emulator --target {target.name} --stop"
    if action == "stop":
        return f"{target.name} {'is stopped' if machine.stop() else 'does not run'}"
    if action == "status":
        running = machine.state()
        if running is None:
            return f"{target.name} does not run"
        return f"{target.name} runs, pid {running.pid}: {machine.login(running)}"
    raise ConfigError(f"{action}: expected {', '.join(ACTIONS)}")


def is_running(target: Target) -> bool:
    """Return whether the machine of a target runs."""
    return Machine(target).state() is not None


def _on_disk(path: Path) -> int:
    return path.stat().st_blocks * 512
