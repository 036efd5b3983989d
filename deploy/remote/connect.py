"""An SSH connection to a board with fabric: ~/.ssh/config, keys and agent are used, the host's key is verified."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from deploy.links.channel import plain
from deploy.remote.host_keys import known_hosts_files, verify
from errors import LinkError

if TYPE_CHECKING:
    from fabric import Config, Connection
    from paramiko import BadHostKeyException

EXAMPLE = "ssh://pi@raspberrypi.local"
CONNECT_TIMEOUT_S = 20
EMULATED_TIMEOUT_S = 120  # an emulated processor on a busy host needs half a minute for the keys
LOST_AFTER_S = 20
KEEPALIVE_S = 10
TCP_USER_TIMEOUT = 18  # linux/tcp.h; Python has its name on Linux only


@dataclass(frozen=True)
class Address:
    """Where a board is. None is ~/.ssh/config's or SSH's own default; `python` is a program there.

    `via` is the host that the connection goes through, as `[USER@]HOST[:PORT]`.
    """

    host: str
    user: str | None = None
    port: int | None = None
    python: str = "python3"
    key_file: Path | None = None
    known_hosts: Path | None = None
    timeout_s: int = CONNECT_TIMEOUT_S
    via: str = ""

    @property
    def name(self) -> str:
        """What errors call it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{f'{self.user}@' if self.user else ''}{host}{f':{self.port}' if self.port else ''}"


def parse_address(uri: str) -> Address:
    """Return the address of `ssh://[user@]host[:port][?python=PATH&via=HOST]`. Raises LinkError if it is not one."""
    try:
        parts = urlsplit(uri)
        host, port, user = parts.hostname, parts.port, parts.username
    except ValueError:
        parts, host, port, user = SplitResult("", "", "", "", ""), None, None, None
    if parts.password is not None:
        # The password itself is not repeated.
        raise LinkError(f"--link ssh://{user}@{host}: an address must not contain a password; use a key (ssh-copy-id)")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    python, via = options.pop("python", "python3"), options.pop("via", "")
    wrong = parts.scheme != "ssh" or not host or port == 0 or parts.path.strip("/") or parts.fragment or options
    if wrong or not host or not python or host.startswith("-") or user == "":
        raise LinkError(f"--link {uri}: expected ssh://[USER@]HOST[:PORT][?python=PATH], such as {EXAMPLE}")
    return Address(host, user, port, python, via=via)


def connect(address: Address, accept_new: bool = False) -> Connection:
    """Return an open fabric Connection.

    A changed host key, an unknown one that is not confirmed, a host that is not reached and a login that is refused are
    each a LinkError of one line.
    """
    from fabric import Config, Connection

    logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else it prints what our errors say already
    if address.key_file:  # a machine of our own: nothing of the user's SSH set-up is for it
        from paramiko.config import SSHConfig

        config = Config(ssh_config=SSHConfig())
        keys: dict[str, object] = {"key_filename": str(address.key_file), "allow_agent": False, "look_for_keys": False}
    else:
        config, keys = _user_config(address), {}
    patience = dict.fromkeys(("banner_timeout", "auth_timeout", "channel_timeout"), 3 * address.timeout_s)
    jump = parse_address(f"ssh://{address.via}") if address.via else None
    gateway = Connection(jump.host, user=jump.user, port=jump.port, config=config) if jump else None
    connection = Connection(
        address.host, user=address.user, port=address.port, config=config, connect_kwargs=keys | patience,
        connect_timeout=address.timeout_s, gateway=gateway,
    )  # fmt: skip
    for hop in _hops(connection):
        files = [address.known_hosts] if address.known_hosts else known_hosts_files(hop.ssh_config)
        verify(hop, files, address.name, accept_new)
    try:
        _open(connection, address)
    except BaseException:
        close(connection)
        raise
    _notice_loss(connection)
    return connection


def close(connection: Connection) -> None:
    """Close a connection and its jump hosts. Never raises."""
    for hop in reversed(_hops(connection)):
        with contextlib.suppress(Exception):
            hop.close()


def _user_config(address: Address) -> Config:
    from fabric import Config

    try:
        return Config()
    except Exception as e:  # paramiko's own for a line that it does not know
        raise LinkError(f"{address.name}: ~/.ssh/config can't be read ({e}); correct that line") from e


def _hops(connection: Connection) -> list[Connection]:
    """Return the connection and those that it jumps over."""
    hops = []
    while connection is not None and not isinstance(connection, str):
        hops.append(connection)
        connection = getattr(connection, "gateway", None)
    return hops


def _open(connection: Connection, address: Address) -> None:
    import paramiko
    from paramiko.ssh_exception import NoValidConnectionsError

    where = address.name
    try:
        try:
            connection.open()
        except paramiko.PasswordRequiredException:
            if not sys.stdin.isatty():
                raise
            connection.connect_kwargs["passphrase"] = getpass.getpass(f"{where}: passphrase of your key: ")
            connection.open()
    except paramiko.BadHostKeyException as e:
        raise LinkError(_changed(where, e, connection)) from e
    except paramiko.PasswordRequiredException as e:
        raise LinkError(f"{where}: your key has a passphrase; run ssh-add, then run this again") from e
    except paramiko.AuthenticationException as e:
        raise LinkError(
            f"{where}: login as {connection.user} refused; none of your keys is accepted. Run: ssh-copy-id "
            f"{f'-p {address.port} ' if address.port else ''}{connection.user}@{address.host}"
        ) from e
    except socket.gaierror as e:
        raise LinkError(
            f"{where}: no host has that name; check that it is on, or give its address with --link {EXAMPLE}"
        ) from e
    except (NoValidConnectionsError, ConnectionRefusedError) as e:
        raise LinkError(f"{where}: not reached ({_why(e)}); check that it is on and that SSH is enabled on it") from e
    except TimeoutError as e:
        raise LinkError(f"{where}: no connection in {address.timeout_s} s; check that it is on, and its address") from e
    except (paramiko.SSHException, OSError, EOFError, ValueError) as e:
        raise LinkError(f"{where}: no SSH connection ({_why(e)}); check whether `ssh {address.host}` works") from e


def _changed(where: str, error: BadHostKeyException, connection: Connection) -> str:
    name = error.hostname if connection.port == 22 else f"[{error.hostname}]:{connection.port}"
    return (
        f"{where}: the host key has CHANGED: known {error.expected_key.get_name()} {error.expected_key.fingerprint}, "
        f"received {error.key.get_name()} {error.key.fingerprint}; possible man-in-the-middle. "
        f"If the board was set up again, run: ssh-keygen -R '{name}'"
    )


def _notice_loss(connection: Connection) -> None:
    """Notice the loss of a host: without this, TCP would repeat unacknowledged bytes for a quarter of an hour."""
    connection.transport.set_keepalive(KEEPALIVE_S)
    line = connection.transport.sock
    if isinstance(line, socket.socket):
        with contextlib.suppress(OSError):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, LOST_AFTER_S * 1000)


def _why(error: BaseException) -> str:
    causes = getattr(error, "errors", None)
    if isinstance(causes, dict) and causes:
        error = next(iter(causes.values()))
    text = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return plain(text)[:200] or type(error).__name__
