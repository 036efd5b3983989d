"""`bench.toml`: which unit is where on this desk. Git ignores it; `bench.example.toml` shows what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artifact import ROOT
from fields import load_toml
from target.sections import flashers

BENCH = ROOT / "bench.toml"
KEYS = ("link", "flasher", "probe")


@dataclass(frozen=True)
class Unit:
    """What bench.toml says of a target: links as URIs, its flasher, and the serial number of its debug probe."""

    links: tuple[str, ...] = ()
    flasher: str = ""
    probe: str = ""


def unit_of(name: str, path: Path | None = None) -> Unit:
    """Return what the file says of a target, an empty Unit if the file is not there or does not name it.

    A table for each target: `link` is a URI or a list of URIs, `flasher` and `probe` are optional.
    Raises ConfigError naming file and key if it is wrong.
    """
    path = path or BENCH
    if not path.is_file():
        return Unit()
    unit = load_toml(path).table(name, optional=True)
    if unit is None:
        return Unit()
    unit.allow(KEYS)
    links = unit.values.get("link", [] if "flasher" in unit.values or "probe" in unit.values else None)
    if isinstance(links, str):
        links = [links]
    is_given = "link" not in unit.values or bool(links)
    if not isinstance(links, list) or not is_given or not all(isinstance(link, str) and link for link in links):
        raise unit.wrong("link", "a URI or a list of URIs", links)
    return Unit(
        tuple(links),
        unit.choice("flasher", flashers()) if "flasher" in unit.values else "",
        unit.text("probe") if "probe" in unit.values else "",
    )


def links_of(name: str, path: Path | None = None) -> list[str]:
    """Return the links of a target's units as URIs, none if there are none. Raises ConfigError as unit_of."""
    return list(unit_of(name, path).links)
