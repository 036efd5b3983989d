"""`bench.toml`: which unit is where on this desk. Git ignores it; `bench.example.toml` shows what it holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

from artifact import ROOT
from errors import ConfigError

BENCH = ROOT / "bench.toml"


def links_of(name: str, path: Path | None = None) -> list[str]:
    """Return the links of a target's units as URIs, none if the file is not there or does not name it.

    A table for each target, with `link` a URI or a list of URIs. Raises ConfigError naming file and key if it is wrong.
    """
    path = path or BENCH
    if not path.is_file():
        return []
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise ConfigError(f"{path.name}: not a TOML file ({e})") from e
    unit = table.get(name)
    if unit is None:
        return []
    found = unit.get("link") if isinstance(unit, dict) else None
    links = [found] if isinstance(found, str) else found
    if not isinstance(links, list) or not links or not all(isinstance(link, str) and link for link in links):
        raise ConfigError(f"{path.name}: key {name}.link: expected a URI or a list of URIs, got {found!r}")
    return links
