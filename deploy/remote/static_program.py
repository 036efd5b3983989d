"""A static program on a board over SSH that has a shell and nothing else: no Python, no SFTP, no C library.

What is on the board runs in its POSIX shell (BusyBox's too) as a fixed script; names are its arguments, never part of
it. The program takes the board's lock itself, the one that deploy/remote/helper.py takes.
"""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from artifact import Artifact, ImageFacts
from deploy.links.ssh import SshLink
from deploy.remote.board import UNPACK_TIMEOUT_S, Say
from deploy.remote.connect import Address, close, connect
from deploy.remote.program import run
from errors import DeployError, LinkError
from target import ARCHITECTURES, Target

if TYPE_CHECKING:
    from paramiko import Transport

MARK = "alpharho:"  # the output of a shell's start-up files comes before it
LOOK_TIMEOUT_S = 60.0
LOCK_BUSY = 75  # families/linux/linux.h
NOT_EXECUTED = (2, 126, 127)  # of shells for a file of another machine, or in a folder without programs
LOOK = f"""
export LC_ALL=C
umask 077
mkdir -p -- "$HOME/.cache/alpharho" && cd -- "$HOME/.cache/alpharho" || exit 1
echo "{MARK}machine $(uname -m)"
echo "{MARK}folder $PWD"
echo "{MARK}sha256 $(sha256sum 2>/dev/null <"./$1" | cut -c 1-64)"
"""
"""Takes the name of a program; says where it would be, and its sha256 if it is there."""
COPY = """
export LC_ALL=C
umask 077
cd -- "$HOME/.cache/alpharho" || exit 1
part=".$1.$4.part"
trap 'rm -f -- "$part"' EXIT
trap 'exit 1' HUP INT PIPE TERM
find . -maxdepth 1 -name ".*.part" -mmin +60 -exec rm -rf -- {} + 2>/dev/null
cat >"$part" || exit 1
[ "$(wc -c <"$part")" -eq "$2" ] || { echo "incomplete"; exit 1; }
if command -v sha256sum >/dev/null; then
    [ "$(sha256sum <"$part" | cut -c 1-64)" = "$3" ] || { echo "damaged on the way"; exit 1; }
fi
chmod 700 -- "$part" && sync && mv -f -- "$part" "$1" || exit 1
ls -t | grep "^program-[0-9a-f]*$" | tail -n +5 | while read -r old; do rm -f -- "$old"; done
"""
"""Takes name, bytes, sha256 and a random word, and the program on its input; keeps the four newest."""


@dataclass(frozen=True)
class Place:
    """What a board said: its machine as in `uname -m`, our folder there, and the sha256 of the program, "" if none."""

    machine: str
    folder: str
    sha256: str


class ProgramLink(SshLink):
    """The standard streams of a program on a board; says why one that does not start did not."""

    def __init__(self, where: str, transport: Transport, target: Target, place: Place, name: str, stack: ExitStack):
        holder = f"{getpass.getuser()}@{socket.gethostname()}, pid {os.getpid()}, since {time.strftime('%F %T %Z')}"
        argv = [f"{place.folder}/{name}", "--lock", f"{place.folder}/lock", holder]
        super().__init__(where, transport, argv, on_close=stack.close)
        self._target, self._place = target, place

    def explained(self, code: int, last: str) -> LinkError | None:
        """See SshLink.explained."""
        if code == LOCK_BUSY:
            return LinkError(f"{self.name}: in use by {last or 'another run'}; wait until it ends, or end it")
        if code in NOT_EXECUTED:
            return LinkError(
                f"{self.name}: can't run a program for {self._target.architecture or 'this host'} "
                f"(machine {self._place.machine}; {last or f'exit code {code}'}); "
                f"{_other_target(self._place.machine, self._target)}check that programs may run in {self._place.folder}"
            )
        return None


def start_program(
    address: Address,
    artifact: Artifact[ImageFacts],
    target: Target,
    accept_new: bool = False,
    *,
    say: Say = lambda text: None,
    resources: ExitStack | None = None,
) -> SshLink:
    """Return the link to the artifact's program on a board, copied there unless it is, not yet open.

    Closing it ends the program. `resources` are closed with the link, or at once if this raises: LinkError if the board
    is not reached, DeployError if it is of another architecture or has no space.
    """
    name = f"program-{artifact.sha256[:12]}"
    with ExitStack() as stack:
        if resources:
            stack.enter_context(resources)
        connection = connect(address, accept_new)
        stack.callback(close, connection)
        place = look(connection.transport, name, address.name)
        check_machine(place.machine, target, address.name)
        if place.sha256 != artifact.sha256:
            _copy(connection.transport, artifact, name, address.name, say)
        return ProgramLink(address.name, connection.transport, target, place, name, stack.pop_all())


def look(transport: Transport, name: str, where: str) -> Place:
    """Return what a board says of itself and of a program. Raises DeployError if our folder can't be there."""
    code, output = run(transport, ["sh", "-c", LOOK, "sh", name], LOOK_TIMEOUT_S, where)
    lines = [line[len(MARK) :].partition(" ") for line in output.splitlines() if line.startswith(MARK)]
    said = {key: value.strip() for key, _, value in lines}
    if code or not said.get("machine") or not said.get("folder", "").startswith("/"):
        raise DeployError(f"{where}: can't prepare a folder there ({_last_line(output)}); check its disk and its owner")
    return Place(said["machine"], said["folder"], said.get("sha256", ""))


def check_machine(machine: str, target: Target, where: str) -> None:
    """Raise DeployError naming the right target if a machine can't run programs of a target's architecture."""
    if target.architecture and machine not in ARCHITECTURES[target.architecture]:
        raise DeployError(
            f"{where}: its machine is {machine}, which does not run programs for {target.architecture}; "
            f"{_other_target(machine, target) or 'engine aot has no target for it; '}give --target its name"
        )


def _other_target(machine: str, target: Target) -> str:
    for name, machines in ARCHITECTURES.items():
        if machines[0] == machine and name != target.architecture:
            return f"use --target linux-{name}, or "
    return ""


def _copy(transport: Transport, artifact: Artifact[ImageFacts], name: str, where: str, say: Say) -> None:
    data, began = artifact.path.read_bytes(), time.monotonic()
    command = ["sh", "-c", COPY, "sh", name, str(len(data)), artifact.sha256, secrets.token_hex(4)]
    code, output = run(transport, command, UNPACK_TIMEOUT_S, where, data)
    if code:
        why = _last_line(output)
        if "No space left" in output or "quota exceeded" in output.lower():
            raise DeployError(f"{where}: no space on the device for {name}, {len(data)} bytes; free some there")
        raise DeployError(f"{where}: {name} can't be copied ({why}); check its disk, then run again")
    say(f"copied {name}, {len(data):,} bytes in {time.monotonic() - began:.1f} s")


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith(MARK)]
    return lines[-1][:200] if lines else "no output"
