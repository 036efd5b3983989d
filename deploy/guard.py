"""Runs one program and ends it when its owner ends: `python guard.py [--one-cpu] PROGRAM ARGUMENT...`.

The owner holds the other end of standard input. It closes when the owner closes it, exits, or is killed, by any
signal: then the program is killed. Should the guard itself be killed, Linux kills the program (PR_SET_PDEATHSIG). The
owner can't ask Linux for that itself: the signal comes when the thread that started the program ends, not its process.

With --one-cpu the program runs on one CPU of those allowed. QEMU takes its lock by turns in two threads for each byte
of a serial line: on two CPUs a picture took 3.3 s, on one 1.3 s.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys

ONE_CPU = "--one-cpu"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
POLL_S = 0.1


def main(argv: list[str]) -> int:
    """Run the program to its end or the owner's. Returns its exit code, as a shell would."""
    if argv[0] == ONE_CPU:
        argv = argv[1:]
        take_one_cpu()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=die_with_guard)  # noqa: PLW1509 (one thread)
    while child.poll() is None:
        readable, _, _ = select.select([0], [], [], POLL_S)
        if readable and not os.read(0, 1):
            child.kill()
            child.wait()
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def take_one_cpu() -> None:
    """Run this process, and what it starts, on one CPU of those it may use; which one is spread by process number."""
    if sys.platform == "linux":
        cpus = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cpus[os.getpid() % len(cpus)]})


def die_with_guard() -> None:
    """Ask Linux to kill this process when the guard ends; elsewhere do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
