"""A host's key against known_hosts. An unknown key is confirmed by the user or refused, never accepted silently."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from paramiko import PKey, SSHClient
from paramiko.client import MissingHostKeyPolicy

from errors import LinkError

USER_KNOWN_HOSTS = Path("~/.ssh/known_hosts")
SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


class VerifyHostKey(MissingHostKeyPolicy):
    """Handles a host that is in no known_hosts file: stores its key, asks, or raises LinkError with the fingerprint."""

    def __init__(self, where: str, store: Path, accept_new: bool, ask: Callable[[str], bool] | None = None):
        self._where, self._store, self._accept_new = where, store, accept_new
        self._ask = ask or (ask_on_terminal if sys.stdin.isatty() and sys.stdout.isatty() else None)

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        """Store the key if the user confirms it, now or with --accept-new; raise LinkError otherwise."""
        shown = f"{key.get_name()} {key.fingerprint}"
        if self._accept_new or (
            self._ask and self._ask(f"{self._where}: unknown host key {shown}. Is it this host's?")
        ):
            add_host_key(self._store, hostname, key)
            return
        raise LinkError(
            f"{self._where}: unknown host key {shown}; compare it with the board's (ssh-keygen -lf /etc/ssh/"
            "ssh_host_ed25519_key.pub there), then run again with --accept-new"
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


def load_known_hosts(client: SSHClient, files: list[Path], where: str) -> None:
    """Load the keys of these files and the system's into a client. Raises LinkError naming a file that is damaged."""
    for path in [*files, SYSTEM_KNOWN_HOSTS]:
        try:
            if path.is_file():
                client.load_system_host_keys(str(path))
        except Exception as e:  # paramiko's own and base64's, for a line without a key
            raise LinkError(f"{where}: {path} can't be read ({e}); correct or remove that line") from e


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
