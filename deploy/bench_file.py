"""`bench.toml`: which unit is where on this desk. Git ignores it; `bench.example.toml` shows what it holds."""

from __future__ import annotations

from pathlib import Path

from artifact import ROOT
from fields import load_toml

BENCH = ROOT / "bench.toml"


def links_of(name: str, path: Path | None = None) -> list[str]:
    """Return the links of a target's units as URIs, none if the file is not there or does not name it.

    A table for each target, with `link` a URI or a list of URIs. Raises ConfigError naming file and key if it is wrong.
    """
    path = path or BENCH
    if not path.is_file():
        return []
    bench = load_toml(path)
    unit = bench.table(name, optional=True)
    if unit is None:
        return []
    links = unit.values.get("link")
    if isinstance(links, str):
        links = [links]
    if not isinstance(links, list) or not links or not all(isinstance(link, str) and link for link in links):
        raise unit.wrong("link", "a URI or a list of URIs", links)
    return links
