"""Links: bytes to and from a device, and nothing else. A URI chooses one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from urllib.parse import SplitResult, parse_qsl, urlsplit

from errors import LinkError, nearest

EXAMPLES = "serial:///dev/ttyACM0?baud=921600, tcp://127.0.0.1:5000 or rfc2217://lab:5000?baud=921600"


class Link(Protocol):
    """A byte stream that keeps order. `name` is what errors call it; every failure is a LinkError of one line."""

    @property
    def name(self) -> str:
        """What errors call it: its URI."""

    def open(self) -> None:
        """Open it; does nothing if it is open."""

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, waiting up to `timeout_s` for the first byte; `b""` if nothing came."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def close(self) -> None:
        """Close it; does nothing if it is closed. Never raises."""


def make_link(uri: str) -> Link:
    """Return the link of a URI, not yet open. Raises LinkError if the URI is not one of a link."""
    makers: dict[str, Callable[[str, SplitResult], Link]] = {"serial": _serial, "tcp": _tcp, "rfc2217": _rfc2217}
    try:
        parts = urlsplit(uri)
    except ValueError as e:
        raise LinkError(f"--link {uri}: not a URI ({e}); expected {EXAMPLES}") from e
    if parts.scheme == "exec":
        raise LinkError(f"--link {uri}: a process is started by its target; leave --link out")
    if parts.scheme == "labgrid":
        raise LinkError(f"--link {uri}: a place of a lab is taken for a whole run; use ./inv deploy, accuracy or bench")
    if parts.scheme == "ssh":
        raise LinkError(f"--link {uri}: a board over SSH is a Linux target, such as --target rpi4")
    if not parts.scheme or "://" not in uri:
        raise LinkError(f"--link {uri}: expected {EXAMPLES}")
    if parts.scheme not in makers:
        raise LinkError(f"--link {uri}: no link {parts.scheme}://; {nearest(parts.scheme, makers)}")
    return makers[parts.scheme](uri, parts)


def open_link(uri: str) -> Link:
    """Return the link of a URI, opened. Raises LinkError if the URI is not one of a link or it can't be opened."""
    link = make_link(uri)
    link.open()
    return link


def _serial(uri: str, parts: SplitResult) -> Link:
    from deploy.links.serial_line import SerialLink

    if parts.netloc or not parts.path.strip("/"):
        raise LinkError(f"--link {uri}: expected three slashes and a device, as in serial:///dev/ttyACM0?baud=921600")
    options = _options(uri, parts, ("baud",))
    baud = _number(uri, "baud", options.get("baud", "921600"), 300, 12_000_000)
    return SerialLink(uri, parts.path, baud)


def _tcp(uri: str, parts: SplitResult) -> Link:
    return _stream(uri, parts, _options(uri, parts, ("via",)))


def _rfc2217(uri: str, parts: SplitResult) -> Link:
    from deploy.links.rfc2217 import Rfc2217Link

    options = _options(uri, parts, ("baud", "via"))
    baud = _number(uri, "baud", options.get("baud", "921600"), 300, 12_000_000)
    return Rfc2217Link(uri, _stream(uri, parts, options), baud)


def _stream(uri: str, parts: SplitResult, options: dict[str, str]) -> Link:
    """Return the link to a TCP port, through the host of the option `via` if there is one."""
    from deploy.links.tcp import TcpLink
    from deploy.links.tunnel import TunnelLink

    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = parts.hostname, None
    if not host or not port or parts.path.strip("/") or parts.username is not None:
        raise LinkError(f"--link {uri}: expected {parts.scheme}://HOST:PORT with a port from 1 to 65535")
    via = options.get("via")
    if via is None:
        return TcpLink(uri, host, port)
    if not via or "/" in via:
        raise LinkError(f"--link {uri}: via is the host that reaches the port, as [USER@]HOST[:PORT]")
    return TunnelLink(uri, via, host, port)


def _options(uri: str, parts: SplitResult, known: tuple[str, ...]) -> dict[str, str]:
    if parts.fragment:
        raise LinkError(f"--link {uri}: nothing may follow #")
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as e:
        raise LinkError(f"--link {uri}: options are name=value joined by &, got {parts.query}") from e
    for name, _ in pairs:
        if name not in known:
            hint = nearest(name, known) if known else "it takes none"
            raise LinkError(f"--link {uri}: no option {name}; {hint}")
    if len({name for name, _ in pairs}) < len(pairs):
        raise LinkError(f"--link {uri}: an option is given twice; keep one")
    return dict(pairs)


def _number(uri: str, name: str, text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or not low <= int(text[:12]) <= high:
        raise LinkError(f"--link {uri}: {name} is a whole number from {low} to {high}, got {text or 'nothing'}")
    return int(text)
