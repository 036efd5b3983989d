"""Runs that are killed: `inv deploy` gets SIGKILL at random times, and is run again until it ends.

    .venv/bin/python -m benchmarks.kills --kills 100 --target host-fw

A run begins in an empty ALPHARHO_HOME, most often with the network converted already, and is killed at a random time of
what it takes, again and again, until it ends; then the next begins. The time grows with each kill: on a machine that
has become busier no run would end. What must hold: the same report as that of a run that nobody killed, but for its
times; no process, journal, half-made product or temporary file that stays; and nothing beside the report in reports/.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import process
from artifact import ROOT
from errors import DeviceError

END_S = 120.0
"""How long processes of a killed run may take to end: a busy machine gives them little time."""
RUN_S = 900.0
POLL_S = 0.05
REPORT_FILES = ("details.json", "report.json", "report.md")
VARYING = {
    "": ("latency", "linux"),
    "device": ("clock_error",),
    "memory": ("peak_rss",),
    "provenance": ("created", "accuracy_measured", "resumed_pictures", "reconnects", "command"),
}
"""What differs from run to run, by the part of the report that it is in: times, and a process's memory."""
SLOW_PRODUCTS = ("keras", "int8")
"""All runs but one of `fresh_every` begin with these products, so that most kills meet what comes after them."""
LONGER = 1.1
"""By what the time in which a run is killed grows with each kill."""


@dataclass
class Round:
    """A home with the build products and reports of one run, and how often that was killed."""

    folder: Path
    command: Sequence[str]
    kills: int = 0
    stages: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.home, self.temporary = self.folder / "home", self.folder / "tmp"
        for path in (self.home, self.temporary):
            path.mkdir(parents=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a run, by which its processes are known."""
        return {**os.environ, "ALPHARHO_HOME": str(self.home), "TMPDIR": str(self.temporary)}

    def run(self, kill_after_s: float | None = None) -> bool:
        """Run the command, or kill it after so many seconds; return whether it ended by itself.

        Raises DeviceError with its last output if it failed, or if it left a process behind.
        """
        with (self.folder / "output.txt").open("w+b") as output:
            child = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            started = time.monotonic()
            try:
                child.wait(RUN_S if kill_after_s is None else kill_after_s)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            self.seconds = time.monotonic() - started
        self._expect_no_process()
        words = (self.folder / "output.txt").read_text(errors="replace").split("\n")
        if child.returncode == -9:
            self.kills += 1
            self.stages.append(next((line.split()[0] for line in reversed(words) if line.strip()), "start"))
            return False
        if child.returncode:
            raise DeviceError(f"a run ended with {process.ending(child.returncode)}: {' | '.join(words[-5:])}")
        return True

    def _expect_no_process(self) -> None:
        limit = time.monotonic() + END_S
        while pids := processes_with(f"ALPHARHO_HOME={self.home}"):
            if time.monotonic() > limit:
                raise DeviceError(f"processes {', '.join(map(str, pids))} outlive the killed run by {END_S:g} s")
            time.sleep(POLL_S)

    def report(self) -> dict[str, Any]:
        """Return the one report, without what differs from run to run."""
        (path,) = self.home.glob("reports/*/*/report.json")
        report: dict[str, Any] = json.loads(path.read_text())
        for part, names in VARYING.items():
            for name in names:
                (report[part] if part else report).pop(name, None)
        return report

    def debris(self) -> list[str]:
        """Return what a run must not leave: hidden files, journals, more than a report, temporary files."""
        paths = [path for path in self.home.rglob(".*") if not path.is_relative_to(self.home / "tmp")]
        paths += self.home.glob("build/journals/*")
        paths += [p for p in self.home.glob("reports/*/*/*") if p.name not in REPORT_FILES]
        paths += self.temporary.iterdir()
        return sorted(str(path.relative_to(self.folder)) for path in paths)


def processes_with(variable: str) -> list[int]:
    """Return the processes of this user, other than this one, that have `NAME=value` in their environment."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            words = path.read_bytes().split(b"\0")
            is_dead = path.with_name("stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if variable.encode() in words and not is_dead and int(path.parent.name) != os.getpid():
            pids.append(int(path.parent.name))
    return pids


def save_pictures(path: Path, test: int) -> Path:
    """Write random pictures of four classes as an npz: 80 to calibrate with, `test` to measure with."""
    rng = np.random.default_rng(1)
    arrays: dict[str, Any] = {
        f"{kind}_{part}": rng.integers(0, 256, (count, 40, 40, 3)).astype(np.uint8)
        if kind == "x"
        else np.arange(count) % 4
        for part, count in (("train", 80), ("test", test))
        for kind in ("x", "y")
    }
    np.savez(path, **arrays, class_names=np.array(["a", "b", "c", "d"]))
    return path


def command_for(target: str, pictures: Path, model: str = "v1_025_32") -> list[str]:
    """Return the command of a run on all pictures: a small network with random weights, or an int8 .tflite."""
    weights = [] if model.endswith(".tflite") else ["--weights", "random", "--calibration-images", "16", "--plain"]
    return [
        sys.executable, str(ROOT / "tasks.py"), "deploy", "--target", target, "--model", model, *weights,
        "--data", f"npz:{pictures}", "--images", "all",
    ]  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """`kills` in all, of runs of `command`; one run of `fresh_every` begins from nothing."""

    command: Sequence[str]
    kills: int
    fresh_every: int = 4
    seed: int = 1


def kill(plan: Plan, folder: Path) -> list[str]:
    """Kill runs so often in all; return what is wrong, one line each."""
    rng, problems = random.Random(plan.seed), []
    whole = Round(folder / "whole", plan.command)
    whole.run()
    expected, done, number = whole.report(), 0, 0
    problems += [f"whole run: left {path}" for path in whole.debris()]
    print(f"a whole run takes {whole.seconds:.1f} s", flush=True)
    longest = {False: whole.seconds, True: whole.seconds}
    while done < plan.kills:
        number += 1
        one, is_begun = Round(folder / f"round{number}", plan.command), number % plan.fresh_every != 0
        for name in SLOW_PRODUCTS if is_begun else ():
            if (whole.home / "build" / name).is_dir():
                shutil.copytree(whole.home / "build" / name, one.home / "build" / name)
        limit = longest[is_begun]
        while not one.run(rng.uniform(0, limit) if done + one.kills < plan.kills else None):
            print(f"kill {done + one.kills} of {plan.kills}: after {one.seconds:.1f} s, {one.stages[-1]}", flush=True)
            limit *= LONGER
        longest[is_begun] = one.seconds if not one.kills else longest[is_begun]
        done += one.kills
        wrong = [f"left {path}" for path in one.debris()]
        wrong += ["another report"] if one.report() != expected else []
        print(f"round {number}: {one.kills} kills; {', '.join(wrong) or 'the same report, nothing left'}", flush=True)
        problems += [f"round {number}, {one.folder}: {text}" for text in wrong]
        if not wrong:
            shutil.rmtree(one.folder)
    return problems


def main() -> int:
    """Run as the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--target", default="host-fw")
    parser.add_argument("--pictures", type=int, default=2000, help="test pictures [default: 2000]")
    parser.add_argument("--model", default="v1_025_32", help="a preset, or a .tflite of 4 classes [default: v1_025_32]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fresh-every", type=int, default=4, help="one run of so many begins from nothing [4]")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="alpharho-kills-"))
    command = command_for(chosen.target, save_pictures(folder / "pictures.npz", chosen.pictures), chosen.model)
    problems = kill(Plan(command, chosen.kills, chosen.fresh_every, chosen.seed), folder)
    for problem in problems:
        print(problem)
    if not problems:
        shutil.rmtree(folder)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
