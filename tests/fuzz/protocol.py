"""The device's side of the protocol with libFuzzer, from the kept inputs on, with a whole input and streamed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

from artifact import ROOT
from tests.firmware.driver import build_fuzzer
from tests.fuzz.outcome import Outcome

KEPT = ROOT / "tests" / "data" / "fuzz_inputs.txt"
FORMS = {"protocol": (), "streamed protocol": ("-DSTREAMED_INPUT",)}


def compiler() -> str | None:
    """Return a clang that is there."""
    return next((name for name in ("clang", "clang-14", "clang-16", "clang-19") if shutil.which(name)), None)


def write_kept(folder: Path) -> Path:
    """Write the kept inputs, one a file."""
    folder.mkdir()
    for line in KEPT.read_text().splitlines():
        if not line.startswith("#"):
            name, data = line.split()
            (folder / name).write_bytes(bytes.fromhex(data))
    return folder


def run(name: str, seconds: float, seed: int) -> Outcome:
    """Try inputs for a time."""
    clang, started = compiler(), time.monotonic()
    if not clang:
        return Outcome(0, 0.0)
    with tempfile.TemporaryDirectory(prefix="alpharho-fuzz-") as text:
        folder = Path(text)
        program = build_fuzzer(folder, clang, *FORMS[name])
        command = [str(program), f"-max_total_time={max(1, round(seconds))}", "-max_len=1000", f"-seed={seed}"]
        done = subprocess.run(
            [*command, "-close_fd_mask=1", str(write_kept(folder / "corpus"))],
            capture_output=True, text=True, cwd=folder, check=False,
        )  # fmt: skip
        runs = re.search(r"Done (\d+) runs", done.stderr)
        found = [f"{path.name}: {path.read_bytes().hex()}" for path in folder.glob("*-*") if path.is_file()]
    finding = f"FINDING: {' '.join(found)}; {done.stderr[-1500:]}" if done.returncode else ""
    return Outcome(int(runs[1]) if runs else 0, time.monotonic() - started, finding)


RUNNERS = {name: partial(run, name) for name in FORMS}
