"""The name under which a run takes a place: it says which process that is, so that one that is gone can be told.

`HOST/USER+PID` with what makes a process number unique: when it was started, and in which container. The coordinator
compares names alone, and never lets go of a place by itself. It allows one slash.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from pathlib import Path

from errors import LinkError

INIT_PID_NAMESPACE = 4026531836  # linux/proc_ns.h
_OWNER = re.compile(
    r"(?P<host>[^/]+)/(?P<user>[^/+]+)\+(?P<pid>\d{1,10})(\.(?P<start>\d{1,20})(\.(?P<space>\d{1,20}))?)?"
)


def person() -> str:
    """Return HOST/USER as labgrid's own tools say it. Raises LinkError for a name that would break those tools."""
    host = os.environ.get("LG_HOSTNAME") or socket.gethostname()
    user = os.environ.get("LG_USERNAME") or getpass.getuser()
    for name, variable in ((host, "LG_HOSTNAME"), (user, "LG_USERNAME")):
        if not re.fullmatch(r"[^\s/+]{1,100}", name) or not name.isprintable():
            raise LinkError(f"{variable} {name!r}: expected a name without spaces, / and +; set it so")
    return f"{host}/{user}"


def own_name() -> str:
    """Return the name of this process. Raises LinkError as `person`."""
    pid = os.getpid()
    parts = [str(pid), _started(pid), _space()]
    return f"{person()}+{'.'.join(part for part in parts if part)}"


def is_gone(owner: str) -> bool:
    """Whether a name is that of a process of this machine and this user that has ended.

    A name of another host, container or user, or of labgrid's own tools, never is: that can't be seen from here.
    """
    match = _OWNER.fullmatch(owner)
    if not match or f"{match['host']}/{match['user']}" != person() or (match["space"] or "") != _space():
        return False
    pid = int(match["pid"])
    if match["start"]:
        return _started(pid) != match["start"]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _started(pid: int) -> str:
    """Return when a process was started, in ticks since the boot; "" if there is none, or no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _space() -> str:
    """Return the number of this process's PID namespace, "" for the machine's own: a container has its own numbers."""
    try:
        number = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return ""
    return "" if number == INIT_PID_NAMESPACE else str(number)
