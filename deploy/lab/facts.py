"""Places and resources of a lab as plain values, which go as JSON from the program that holds a place to the run."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

LINE, SSH = "NetworkSerialPort", "NetworkService"
PROBES = ("NetworkUSBDebugger",)
LOCAL_NAMES = ("localhost", "localhost.localdomain")


@dataclass(frozen=True)
class Resource:
    """One thing that an exporter shares: `exporter/group/name`, and `cls`, its class on the network.

    `host` and `port` are where its server is; `port` is None until the place is taken, as ser2net starts then.
    `proxy` is the exporter's host as it calls itself; `is_isolated` says that only that host reaches the resource.
    `device` is its file on the exporter's host, `usb_path` where a debug probe is plugged in there, as 1-2.3. `place`
    is the one that has taken it, "" if none.
    """

    exporter: str
    group: str
    name: str
    cls: str
    is_there: bool = True
    place: str = ""
    host: str = ""
    port: int | None = None
    protocol: str = "rfc2217"
    speed: int | None = None
    user: str = ""
    proxy: str = ""
    is_isolated: bool = False
    device: str = ""
    usb_path: str = ""

    @property
    def path(self) -> str:
        """Its path as labgrid writes it."""
        return f"{self.exporter}/{self.group}/{self.cls}/{self.name}"

    @property
    def ssh_host(self) -> str:
        """The exporter's host, to log in to."""
        return (self.proxy if self.is_isolated else self.host) or self.proxy


@dataclass(frozen=True)
class Match:
    """What a place takes of what the exporters share: patterns, as those of a shell."""

    exporter: str
    group: str
    cls: str
    name: str = "*"
    rename: str = ""

    @property
    def pattern(self) -> str:
        """The pattern as labgrid writes it."""
        return "/".join((self.exporter, self.group, self.cls, *([self.name] if self.name != "*" else [])))

    def fits(self, resource: Resource) -> bool:
        """Whether a resource is meant."""
        pairs = zip(
            (resource.exporter, resource.group, resource.cls, resource.name),
            (self.exporter, self.group, self.cls, self.name),
            strict=True,
        )
        return all(fnmatchcase(text, pattern) for text, pattern in pairs)


@dataclass(frozen=True)
class Place:
    """One board of the lab. `owner` has taken it, "" if it is free; `since` is when that changed, seconds of 1970.

    `taken` are the paths of its resources while it is taken; `reservation` is the token of one that keeps it.
    """

    name: str
    tags: tuple[tuple[str, str], ...] = ()
    matches: tuple[Match, ...] = ()
    owner: str = ""
    since: float = 0.0
    taken: tuple[str, ...] = ()
    reservation: str = ""

    def has(self, tags: tuple[tuple[str, str], ...]) -> bool:
        """Whether it has all of these tags; the coordinator takes its name for one too."""
        return {*tags} <= {*self.tags, ("name", self.name)}


@dataclass(frozen=True)
class Lab:
    """What the coordinator knows at one moment."""

    coordinator: str
    places: tuple[Place, ...] = ()
    resources: tuple[Resource, ...] = ()

    def matched(self, place: Place) -> list[Resource]:
        """Return the resources that are meant by a place and are there now."""
        return [r for r in self.resources if r.is_there and any(match.fits(r) for match in place.matches)]

    def missing(self, place: Place) -> list[Match]:
        """Return what a place should have and nothing exports now: its exporter is not running, or not connected."""
        there = self.matched(place)
        return [match for match in place.matches if not any(match.fits(resource) for resource in there)]

    def shared_with(self, place: Place) -> list[str]:
        """Return the places that have the same thing under another path: labgrid would lend both at a time."""
        own = {key for resource in self.matched(place) if (key := _thing(resource))}
        others = [other for other in self.places if other.name != place.name]
        return sorted(other.name for other in others if own & {_thing(resource) for resource in self.matched(other)})


@dataclass(frozen=True)
class Holding:
    """A place that is held for a run, and what it has by the names that the place gives."""

    place: str
    coordinator: str
    owner: str
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True)
class Said:
    """One line that the program says to the run: what it waits for, that it holds, that it failed or lost the place."""

    waits: str | None = None
    note: str | None = None
    holding: Holding | None = None
    error: str | None = None
    lost: str | None = None
    lab: Lab | None = None


def _thing(resource: Resource) -> tuple[str, str] | None:
    """Return what a resource is in the world, None where that is not known."""
    if resource.device or resource.usb_path:
        return resource.proxy or resource.host, resource.device or resource.usb_path
    if resource.cls in (LINE, SSH) and resource.host and resource.port:
        return resource.host, str(resource.port)
    return None
