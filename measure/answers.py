"""What a device answered, kept under a digest of all that can change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from artifact import Artifact, produce
from deploy.info import DeviceInfo
from fields import Json
from measure.setup import Setup

F = TypeVar("F")


def keep(
    kind: str,
    filename: str,
    facts: type[F],
    make: Callable[[Path], F],
    setup: Setup,
    info: DeviceInfo,
    parameters: Mapping[str, Json],
    fresh: bool,
) -> Artifact[F]:
    """Return the answers of an earlier run with the same firmware, engine and link, or `make` them; see produce.

    `parameters` are what else can change them; with `fresh` none of an earlier run are taken.
    """
    return produce(
        kind,
        f"{setup.target.name}-{setup.int8.name}",
        filename,
        facts,
        make,
        parents={setup.compiled.kind: setup.compiled.sha256},
        tools={info.engine: info.engine_version},
        parameters={"firmware": info.firmware, "link": setup.settings.link, **parameters},
        fresh=fresh,
    )
