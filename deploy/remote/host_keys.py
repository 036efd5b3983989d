"""A host's key against known_hosts. An unknown key is confirmed by the user or refused, never accepted silently."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paramiko import PKey, SSHClient, Transport
from paramiko.client import MissingHostKeyPolicy

from deploy.remote.marked_keys import AUTHORITY, REVOKED, MarkedKey, names_of, parse_marked
from errors import LinkError

if TYPE_CHECKING:
    from fabric import Connection

USER_KNOWN_HOSTS = Path("~/.ssh/known_hosts")
SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


class VerifyHostKey(MissingHostKeyPolicy):
    """Handles a host that is in no known_hosts file: stores its key, asks, or raises LinkError with the fingerprint."""

    def __init__(
        self,
        where: str,
        store: Path,
        accept_new: bool,
        ask: Callable[[str], bool] | None = None,
        has_authority: bool = False,
    ):
        self._where, self._store, self._accept_new, self._has_authority = where, store, accept_new, has_authority
        self._ask = ask or (ask_on_terminal if sys.stdin.isatty() and sys.stdout.isatty() else None)

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        """Store the key if the user confirms it, now or with --accept-new; raise LinkError otherwise."""
        shown = f"{key.get_name()} {key.fingerprint}"
        if self._accept_new or (
            self._ask and self._ask(f"{self._where}: unknown host key {shown}. Is it this host's?")
        ):
            add_host_key(self._store, hostname, key)
            return
        certificates = f" ({AUTHORITY} is for this host, but certificates are not checked here)"
        raise LinkError(
            f"{self._where}: unknown host key {shown}{certificates * self._has_authority}; compare it with the board's "
            "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then run again with --accept-new"
        )


def ask_on_terminal(question: str) -> bool:
    """Ask a person; only `yes` is yes."""
    try:
        return input(f"{question} (yes/no) ").strip() == "yes"
    except EOFError:
        return False


def known_hosts_files(config: Mapping[str, str]) -> list[Path]:
    """Return the known_hosts files of a host's ssh_config entry, the first of which takes new keys."""
    named = config.get("userknownhostsfile", "").split()
    files = [Path(os.path.expanduser(name)) for name in named if name.lower() != "none"]
    return files or [USER_KNOWN_HOSTS.expanduser()]


def verify(hop: Connection, files: list[Path], where: str, accept_new: bool) -> None:
    """Let a connection that is not open yet accept only the host keys that known_hosts files and the user accept.

    Opening it raises LinkError for a key that is revoked or unknown. Raises LinkError naming a file that is damaged.
    """
    marked = load_known_hosts(hop.client, files, where)
    ours = [key for key in marked if key.is_for(names_of(hop.host, hop.port))]
    revoked = {key.key for key in ours if key.marker == REVOKED}
    has_authority = any(key.marker == AUTHORITY for key in ours)
    hop.client.set_missing_host_key_policy(VerifyHostKey(where, files[0], accept_new, has_authority=has_authority))
    if revoked:
        hop.connect_kwargs = {**hop.connect_kwargs, "transport_factory": _refusing(revoked, where)}


def _refusing(revoked: set[bytes], where: str) -> type[Transport]:
    """Return a Transport that raises LinkError for these keys, before anything is sent that a login needs."""

    class RefusingTransport(Transport):
        def start_client(self, event: object = None, timeout: float | None = None) -> None:
            super().start_client(event, timeout)  # type: ignore[arg-type]
            key = self.get_remote_server_key()
            if key.asbytes() in revoked:
                raise LinkError(
                    f"{where}: the host key {key.get_name()} {key.fingerprint} is revoked ({REVOKED} in known_hosts); "
                    "give the board new host keys"
                )

    return RefusingTransport


def load_known_hosts(client: SSHClient, files: Sequence[Path], where: str) -> list[MarkedKey]:
    """Load the keys of these files and the system's into a client; return those with a marker, which it does not take.

    Raises LinkError naming a file that is damaged.
    """
    marked = []
    for path in [*files, SYSTEM_KNOWN_HOSTS]:
        try:
            if path.is_file():
                lines = path.read_text().splitlines()
                marked += [parse_marked(line) for line in lines if line.lstrip().startswith("@")]
                _load(client, [line for line in lines if not line.lstrip().startswith("@")])
        except Exception as e:  # paramiko's own and base64's, for a line without a key
            raise LinkError(f"{where}: {path} can't be read ({e}); correct or remove that line") from e
    return marked


def _load(client: SSHClient, lines: list[str]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".known_hosts") as file:  # paramiko reads nothing but files
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        client.load_system_host_keys(file.name)


def add_host_key(store: Path, hostname: str, key: PKey) -> None:
    """Append a key to a known_hosts file, as ssh does. Raises LinkError if it can't be written."""
    line = f"{hostname} {key.get_name()} {key.get_base64()}\n"
    try:
        store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(store, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(handle).st_size
            is_open_line = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, ("\n" * is_open_line + line).encode())
        finally:
            os.close(handle)
    except OSError as e:
        raise LinkError(f"{store}: can't be written ({e.strerror}); the host key can't be stored") from e
