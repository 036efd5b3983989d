"""Lines of known_hosts with a marker, which paramiko does not read: keys that are revoked, and certificate authorities.

The format is that of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from paramiko import HostKeys

REVOKED, AUTHORITY = "@revoked", "@cert-authority"


@dataclass(frozen=True)
class MarkedKey:
    """A key with a marker: the patterns of the hosts that it is for, and its bytes."""

    marker: str
    hosts: tuple[str, ...]
    key: bytes

    def is_for(self, names: Iterable[str]) -> bool:
        """Return whether it is for a host of these names: some pattern fits, and none with `!` does."""
        fits = [pattern for pattern in self.hosts for name in names if _fits(pattern.removeprefix("!"), name)]
        return bool(fits) and not any(pattern.startswith("!") for pattern in fits)


def parse_marked(line: str) -> MarkedKey:
    """Return the key of a line that begins with `@`. Raises ValueError saying what is wrong with it."""
    marker, hosts, _, key = ([*line.split(), "", "", ""])[:4]
    if marker not in (REVOKED, AUTHORITY):
        raise ValueError(f"{marker[:40]}: expected {REVOKED} or {AUTHORITY}")
    try:
        data = base64.b64decode(key, validate=True)
    except binascii.Error:
        data = b""
    if not data:
        raise ValueError(f"{marker}: expected hosts, the type of a key and the key")
    return MarkedKey(marker, tuple(hosts.split(",")), data)


def names_of(host: str, port: int) -> tuple[str, ...]:
    """Return the names of a host in known_hosts: that with its port, and that of all its ports."""
    return (host,) if port == 22 else (f"[{host}]:{port}", host)


def _fits(pattern: str, name: str) -> bool:
    if pattern.startswith("|1|"):
        try:
            return HostKeys.hash_host(name, pattern) == pattern
        except (AssertionError, IndexError, ValueError):  # its salt is damaged
            return False
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(expression, name, re.IGNORECASE) is not None
