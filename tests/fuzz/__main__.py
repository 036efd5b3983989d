"""Fuzzing for a time: reports, boards, bench files and helpers' replies in Python, the protocol with libFuzzer.

    .venv/bin/python -m tests.fuzz --seconds 60 [--part reports ...]

Prints how many inputs each part took. Exit code 1 if one is a finding: anything but a right value or one line of error.
`./inv test` runs it beside the other tests at the lowest priority, with the same seed each time. What a longer run
finds is kept as a test of what read it.
"""

from __future__ import annotations

import argparse
import sys

from tests.fuzz import protocol, python_parts


def main() -> int:
    """Run as the arguments say; return the exit code."""
    runners = {**python_parts.RUNNERS, **protocol.RUNNERS}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each part")
    parser.add_argument("--part", nargs="+", choices=list(runners), default=list(runners))
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    failed = False
    for name in chosen.part:
        outcome = runners[name](chosen.seconds, chosen.seed)
        failed |= bool(outcome.finding)
        result = outcome.finding or "no finding"
        print(f"{name}: {outcome.inputs:,} inputs in {outcome.seconds:.0f} s, {result}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
