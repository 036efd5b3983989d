"""`labgrid://PLACE` and `labgrid://?TAG=VALUE`: which place of which lab a run wants."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from errors import LinkError

SCHEME = "labgrid:"
EXAMPLE = "labgrid://PLACE or labgrid://?board=stm32f4"
COORDINATOR = "LG_COORDINATOR"
"""The environment variable with which labgrid's own tools find the coordinator."""
DEFAULT_COORDINATOR = "127.0.0.1:20408"
DEFAULT_PORT = 20408
OPTIONS = ("wait", "resource", "coordinator")
"""What may follow ? beside tags."""
TAG, TAG_VALUE = re.compile(r"[a-z][a-z0-9_]{0,99}"), re.compile(r"[\w.:+@-]{1,100}")
"""A tag's name and value. labgrid means a value to be of a-z, 0-9 and _, but takes more."""


@dataclass(frozen=True)
class LabAddress:
    """A place by its name, or any place that has all `tags`; one of the two is empty.

    `coordinator` is HOST:PORT, or ssh://[USER@]HOST[:PORT][/PORT] for one that listens on that host's loopback alone.
    `resource` is the line of a place that has several. `wait_s` is how long to wait for a place that is taken, None
    for the usual time.
    """

    uri: str
    coordinator: str
    place: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    resource: str = ""
    wait_s: float | None = None

    @property
    def wanted(self) -> str:
        """What is wanted, as errors call it."""
        return f"place {self.place}" if self.place else f"a place with {shown_tags(self.tags)}"


def is_lab(uri: str | None) -> bool:
    """Whether a link is a place of a lab."""
    return uri is not None and uri.startswith(SCHEME)


def parse(uri: str, coordinator: str | None = None) -> LabAddress:
    """Return what a URI wants. Its own coordinator goes before `coordinator`, that before the environment's.

    Raises LinkError naming the part that is wrong.
    """
    try:
        parts = urlsplit(uri)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as e:
        raise LinkError(f"--link {uri}: not a URI ({e}); expected {EXAMPLE}") from e
    place = unquote(parts.netloc)  # .hostname would be in lower case
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise LinkError(f"--link {uri}: {twice} is given twice; keep one")
    options = {name: value for name, value in pairs if name in OPTIONS}
    tags = tuple((name, value) for name, value in pairs if name not in OPTIONS)
    if bool(place) == bool(tags) or parts.path.strip("/") or parts.fragment or not place.isprintable():
        raise LinkError(f"--link {uri}: expected the name of a place or tags, as in {EXAMPLE}")
    for name, value in tags:
        check_tag(f"--link {uri}", name, value)
    chosen = options.get("coordinator") or coordinator or os.environ.get(COORDINATOR) or DEFAULT_COORDINATOR
    return LabAddress(
        uri, with_port(f"--link {uri}", chosen), place, tags, options.get("resource", ""), _seconds(uri, options)
    )


def check_tag(where: str, name: str, value: str) -> None:
    """Raise LinkError if labgrid can't have such a tag."""
    if not TAG.fullmatch(name) or not TAG_VALUE.fullmatch(value):
        raise LinkError(
            f"{where}: {name}={value} can't be a tag; a tag is a name of a-z, 0-9, _ and a value, as in board=stm32f4"
        )


def of_match(text: str, target: str) -> str:
    """Return the URI of `--place-match board=stm32f4,site=berlin`; `{target}` stands for the target's name, - as _.

    Raises LinkError if it is not tags joined by commas.
    """
    tags = []
    for part in text.replace("{target}", re.sub(r"[^a-z0-9_]", "_", target.lower())).split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name in OPTIONS:
            raise LinkError(f"--place-match {text}: expected TAG=VALUE joined by commas, such as board=stm32f4")
        check_tag(f"--place-match {text}", name, value)
        tags.append((name, value))
    return f"labgrid://?{urlencode(tags)}"


def named(coordinator: str, place: str) -> str:
    """Return the URI of a place in a certain lab: what a run on any free one has got in the end."""
    return f"labgrid://{quote(place, safe='')}?coordinator={quote(coordinator, safe=':/@[]')}"


def with_port(where: str, coordinator: str) -> str:
    """Return a coordinator's address with its port. Raises LinkError if it is not an address."""
    if coordinator.startswith("ssh://"):
        ssh_parts(coordinator)
        return coordinator
    host, _, port = coordinator.rpartition(":") if not coordinator.endswith("]") else (coordinator, "", "")
    if not host:
        host, port = coordinator, ""
    is_port = not port or (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 1 << 16)
    if not re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:.]+\]", host) or not is_port:
        raise LinkError(
            f"{where}: coordinator {coordinator}: expected HOST[:PORT], or ssh://[USER@]HOST for one behind SSH"
        )
    return f"{host}:{port or DEFAULT_PORT}"


def ssh_parts(coordinator: str) -> tuple[str, int]:
    """Return the SSH address and the coordinator's port of ssh://[USER@]HOST[:PORT][/PORT]. Raises LinkError."""
    from deploy.remote.connect import parse_address

    head, _, port = coordinator.removeprefix("ssh://").partition("/")
    parse_address(f"ssh://{head}")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 1 << 16):
        raise LinkError(
            f"coordinator {coordinator}: expected ssh://[USER@]HOST[:PORT], then / and its port, or nothing"
        )
    return f"ssh://{head}", int(port or DEFAULT_PORT)


def shown_tags(tags: tuple[tuple[str, str], ...]) -> str:
    """Return tags as labgrid's tools take them."""
    return " ".join(f"{name}={value}" for name, value in tags)


def _seconds(uri: str, options: dict[str, str]) -> float | None:
    if "wait" not in options:
        return None
    try:
        seconds = float(options["wait"])
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 1e6:
        raise LinkError(f"--link {uri}: wait is seconds from 0 to 1000000, got {options['wait'] or 'nothing'}")
    return seconds
