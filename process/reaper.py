"""A process of its own that kills the programs of this one, each with its whole group, when this process is killed."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import subprocess
import sys

# Gets "+PID" and "-PID" of programs with a session of their own, and kills what is left when its input ends. A number
# that another program has got in the meantime is left alone: its start was at another time.
PROGRAM = """
import os, signal, sys
def started(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[19]
    except OSError:
        return ""
groups = {}
for line in sys.stdin:
    pid = int(line[1:])
    if line[0] == "+":
        groups[pid] = started(pid)
    else:
        groups.pop(pid, None)
for pid, start in groups.items():
    if started(pid) in ("", start):
        try:
            os.killpg(pid, signal.SIGKILL)
        except OSError:
            pass
"""


def watch(pid: int) -> None:
    """Let the reaper kill a program and its group when this process is killed. Starts the reaper the first time."""
    _send(f"+{pid}\n")


def forget(pid: int) -> None:
    """Let the reaper leave a program alone, which has ended."""
    if is_running():
        _send(f"-{pid}\n")


def is_running() -> bool:
    """Return whether a reaper was started."""
    return bool(_process.cache_info().currsize)


@functools.cache
def _process(owner: int) -> subprocess.Popen[str] | None:
    """Return the reaper of this process, whose number is `owner`; None where there is no /proc to know programs by."""
    if sys.platform != "linux":
        return None
    reaper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    atexit.register(_end, owner, reaper)
    return reaper


def _send(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # it was killed: then nothing more than the kernel does is done
        reaper = _process(os.getpid())
        if reaper and reaper.stdin:
            reaper.stdin.write(line)
            reaper.stdin.flush()


def _end(owner: int, reaper: subprocess.Popen[str]) -> None:
    if os.getpid() == owner and reaper.stdin:
        with contextlib.suppress(OSError):
            reaper.stdin.close()
        reaper.wait()
