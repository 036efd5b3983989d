"""What the tests of labs share."""

from __future__ import annotations

import pytest

from deploy.lab.address import COORDINATOR


@pytest.fixture
def no_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no lab of the user's be the default."""
    for name in (COORDINATOR, "LG_HOSTNAME", "LG_USERNAME"):
        monkeypatch.delenv(name, raising=False)
