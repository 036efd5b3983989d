"""The short suite again and again on one device, to find what fails once in many runs.

    .venv/bin/python -m device_tests.repeat --target host-fw --runs 1000

One network and one image are built; each run starts the device again. Some runs at a time share a pytest. Prints a
count after each pytest, keeps the output of those in which a test failed, and ends with exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import process
import target as targets
from artifact import ROOT
from device_tests import tiny_model
from device_tests.images import build_image
from errors import DeviceError

RUN_TIMEOUT_S = 300.0
TOGETHER = 20


def commands(name: str, folder: Path, options: Sequence[str] = ()) -> list[str]:
    """Return the command of one run of the suite on a target, with a network and an image built in `folder`."""
    target, model = targets.load(name), tiny_model.dense(folder / "tiny.tflite")
    command = [sys.executable, "-m", "pytest", str(ROOT / "device_tests"), "-q", "-p", "no:cacheprovider"]
    command += ["--target", name, "--model-artifact", str(model)]
    if target.kind == "mcu":
        command += ["--image", str(build_image(target, model, folder))]
    return [*command, *options]


def repeat(command: Sequence[str], runs: int, logs: Path) -> list[Path]:
    """Run the suite so often; return the files with the output of each pytest in which a test failed."""
    failed: list[Path] = []
    started, done = time.monotonic(), 0
    while done < runs:
        rounds = min(TOGETHER, runs - done)
        finished = process.run(
            [*command, "--rounds", str(rounds)], error=DeviceError, timeout_s=rounds * RUN_TIMEOUT_S, check=False,
            is_merged=True, folder=ROOT,
        )  # fmt: skip
        done += rounds
        if finished.exit_code:
            failed.append(logs / f"run-{done:04}.txt")
            failed[-1].write_text(finished.stdout)
        seconds = time.monotonic() - started
        summary = finished.last_line(r"\d+ passed")
        print(f"{done} of {runs} runs in {seconds:.0f} s, {len(failed)} with failures; last: {summary}", flush=True)
    return failed


def main() -> int:
    """Run as the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="host-fw")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--logs", type=Path, help="folder for the output of failed runs [default: a new one]")
    parser.add_argument("options", nargs="*", help="more options of the suite, after --")
    chosen = parser.parse_args()
    logs = chosen.logs or Path(tempfile.mkdtemp(prefix="alpharho-hil-"))
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="alpharho-hil-image-") as folder:
        failed = repeat(commands(chosen.target, Path(folder), chosen.options), chosen.runs, logs)
    for path in failed:
        print(path)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
