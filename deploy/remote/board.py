"""A Linux board that is held over SSH: files are copied there and programs started, by one run at a time."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from artifact import sha256_of, write_atomic
from deploy.links.channel import plain
from deploy.links.ssh import SshLink
from deploy.remote import helper
from deploy.remote.answers import (
    ANSWER_BYTES,
    BoardFacts,
    Entry,
    ListedFile,
    parse_entry,
    parse_facts,
    parse_listing,
)
from deploy.remote.connect import CONNECT_TIMEOUT_S, Address, close, connect
from errors import DeployError, LinkError
from fields import INTEGER_LIMIT, Fields, Json, Source, load_json

if TYPE_CHECKING:
    from fabric import Connection
    from paramiko import Transport

OLDEST_PYTHON = (3, 9)
ANSWER_TIMEOUT_S = 120.0
UNPACK_TIMEOUT_S = 900.0  # 100 MB onto a slow card, or by an emulated processor on a busy host
BEAT_S = 20.0
Say = Callable[[str], None]
"""Called with a line that a person should see: what was done to the board."""

# Any Python must be able to read this: it reports a Python that is unfit, or runs that many bytes of its input. It is
# one line without quotes that some shell would interpret.
BOOTSTRAP = (
    'exec("import os, sys\\n'
    "if sys.version_info < ({major}, {minor}) or sys.maxsize < 2 ** 32:\\n"
    '    sys.stderr.write(\\"unfit %d.%d %d\\" % (sys.version_info[0], sys.version_info[1], sys.maxsize > 2 ** 32))\\n'
    "    sys.exit(3)\\n"
    'code = b\\"\\"\\n'
    "while len(code) < {size}:\\n"
    "    code += os.read(0, {size} - len(code)) or sys.exit(4)\\n"
    'exec(compile(code, \\"helper\\", \\"exec\\"), dict(__name__=\\"__main__\\"))")'
)


class UnfitPython(LinkError):
    """A board has no Python, or one that the agent does not run on."""


class Board:
    """An open connection and the helper on it, which holds the board's lock. Use it as a context manager.

    `facts` is set on entering, which raises LinkError if the board is not reached or has no fit Python, DeployError if
    another run holds it.
    """

    facts: BoardFacts

    def __init__(self, address: Address, *, accept_new: bool = False):
        self.address = address
        self.name = address.name
        self._accept_new = accept_new
        self._connection: Connection | None = None
        self._helper: SshLink | None = None
        self._rest = b""
        self._turn = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Board:
        """Connect, start the helper, and take the lock."""
        try:
            self._connection = connect(self.address, self._accept_new)
            code = Path(helper.__file__).read_bytes()
            boot = BOOTSTRAP.format(major=OLDEST_PYTHON[0], minor=OLDEST_PYTHON[1], size=len(code))
            self._helper = SshLink(self.name, self.transport, [self.address.python, "-c", boot])
            self._helper.open()
            self._begin(code)
            threading.Thread(target=self._beat, daemon=True).start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        """Release the board."""
        self.close()

    @property
    def transport(self) -> Transport:
        """The connection's transport, on which channels are opened."""
        return self._opened().transport

    def put(self, path: Path, name: str, say: Say | None = None) -> str:
        """Copy a file under a name in the board's folder unless it is there; return its path on the board.

        Raises DeployError if there is no space or something else arrives than was sent, LinkError if it is lost.
        """
        sha256 = sha256_of(path)
        there = self.entry("have", name=name, sha256=sha256)
        if there.found:
            return there.path
        size = path.stat().st_size
        part = self.entry("part", name=name, size=size)
        began = time.monotonic()
        self._copy(path, part.path)
        kept = self.entry("keep", name=name, sha256=sha256)
        if say:
            say(f"copied {name}, {size:,} bytes in {time.monotonic() - began:.1f} s")
        return kept.path

    def get(self, name: str, path: Path, size: int, sha256: str) -> None:
        """Copy a file of the board, given by its path there, to a local one: `size` bytes of that sha256.

        Raises DeployError if something else arrives, LinkError if the connection is lost.
        """
        try:
            with self._opened().client.open_sftp() as sftp:
                sftp.get_channel().settimeout(ANSWER_TIMEOUT_S)
                with sftp.open(name, "rb") as file:
                    data = file.read(size + 1)
        except Exception as e:  # paramiko raises its own, EOFError and OSError
            why = plain(str(e)) or type(e).__name__
            raise LinkError(f"{self.name}: {name} can't be copied from there ({why}); run again") from e
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DeployError(f"{self.name}: {path.name} was damaged on the way; run again")
        write_atomic(path, data)

    def ask(self, what: str, timeout_s: float = ANSWER_TIMEOUT_S, **values: Json) -> Fields:
        """Send the helper a request; return its answer. Raises DeployError if it refuses, LinkError if it is gone."""
        assert self._helper is not None
        with self._turn:
            self._helper.write(json.dumps({"do": what, **values}).encode() + b"\n")
            answer = self._answer(timeout_s)
        if "error" in answer.values:
            raise self._refused(str(answer.values["error"]), plain(str(answer.values.get("text", ""))))
        return answer.table("ok")

    def entry(self, what: str, **values: Json) -> Entry:
        """Return the answer of `ask` about one file or folder. Raises as `ask`."""
        answer = self.ask(what, ANSWER_TIMEOUT_S, **values)
        return parse_entry(answer)

    def listing(self, name: str) -> dict[str, ListedFile]:
        """Return the files in a folder for work, by name. Raises as `ask`."""
        return parse_listing(self.ask("listing", name=name))

    def close(self) -> None:
        """End the helper, which frees the lock, and the connection. Never raises."""
        self._over.set()
        if self._helper:
            self._helper.close()
        if self._connection is not None:
            close(self._connection)
            self._connection = None

    def _opened(self) -> Connection:
        assert self._connection is not None
        return self._connection

    def _begin(self, code: bytes) -> None:
        assert self._helper is not None
        who = f"{getpass.getuser()}@{socket.gethostname()}, pid {os.getpid()}, since {time.strftime('%F %T %Z')}"
        try:
            self._helper.write(code)
            # The helper's Python has to start first, for which an emulated processor on a busy host takes minutes.
            patience_s = ANSWER_TIMEOUT_S * max(1, self.address.timeout_s / CONNECT_TIMEOUT_S)
            self.facts = parse_facts(self.ask("hello", patience_s, holder=who))
        except LinkError as e:
            raise self._explained(e) from e

    def _explained(self, error: LinkError) -> LinkError:
        assert self._helper is not None
        output = plain(" ".join(self._helper.stderr))
        oldest = ".".join(map(str, OLDEST_PYTHON))
        if "unfit" in output:
            version, wide = (output.split("unfit", 1)[1].split() + ["?", "1"])[:2]
            if wide == "0":
                return UnfitPython(
                    f"{self.name}: its Python {version} is 32-bit, 64-bit is needed; install a 64-bit system there, or "
                    "use --engine aot"
                )
            return UnfitPython(
                f"{self.name}: Python {oldest} or newer is needed, it has {version}; install a newer one and name it: "
                f"{self.name}?python=/path/to/python3, or use --engine aot"
            )
        if "no such program" in str(error):
            return UnfitPython(
                f"{self.name}: no {self.address.python} there; install it (sudo apt install python3), or name another: "
                f"{self.name}?python=/path/to/python3, or use --engine aot, which needs none"
            )
        return error

    def _answer(self, timeout_s: float) -> Fields:
        assert self._helper is not None
        limit = time.monotonic() + timeout_s
        while time.monotonic() < limit:
            line, end, rest = self._rest.partition(b"\n")
            if not end:
                if len(self._rest) > ANSWER_BYTES:
                    raise LinkError(f"{self.name}: sent {ANSWER_BYTES} bytes in one line, expected an answer")
                self._rest += self._helper.read(1.0)
                continue
            self._rest = rest
            text = line.decode(errors="replace")
            if text.startswith(helper.MARK):
                return load_json(text.removeprefix(helper.MARK), Source(self.name, LinkError, "run again"))
        raise LinkError(f"{self.name}: no answer in {timeout_s:g} s; check whether the board still runs")

    def _refused(self, code: str, what: str) -> DeployError:
        if code == "busy":
            return DeployError(f"{self.name}: in use by {what}; wait until it ends, or end it")
        if code == "space":
            return DeployError(f"{self.name}: no space on the device: {what}; free some there")
        if code == "damaged":
            return DeployError(f"{self.name}: damaged on the way ({what}); run again")
        return DeployError(f"{self.name}: {what}; check that its owner may write there and that the disk is sound")

    def _copy(self, path: Path, part: str) -> None:
        try:
            with self._opened().client.open_sftp() as sftp:
                sftp.get_channel().settimeout(ANSWER_TIMEOUT_S)
                sftp.put(str(path), part, confirm=False)
        except Exception as e:  # paramiko raises its own, EOFError and OSError
            why = plain(str(e)) or type(e).__name__
            try:
                free = self.ask("free").integer("bytes", 0, INTEGER_LIMIT)
            except LinkError:
                raise LinkError(f"{self.name}: connection lost while copying {path.name} ({why}); run again") from e
            size = path.stat().st_size
            if free < size:
                raise DeployError(
                    f"{self.name}: no space on the device for {path.name}, {size} bytes; free some"
                ) from e
            raise DeployError(
                f"{self.name}: {path.name} can't be copied ({why}); check that SFTP is enabled there"
            ) from e

    def _beat(self) -> None:
        """Send the helper a sign of life now and then; a lost host must not hold the board forever."""
        while not self._over.wait(BEAT_S):
            with contextlib.suppress(LinkError), self._turn:
                if self._helper:
                    self._helper.write(b"\n")
