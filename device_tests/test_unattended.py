"""Inferences for as long as `--soak` says: each answer right, the device never lost, memory as in the beginning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from device_tests.soak import Soak
from device_tests.support import DeviceUnderTest


@pytest.mark.timeout(0)
def test_soak(
    device: DeviceUnderTest,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    seconds = pytestconfig.getoption("--soak")
    if seconds is None:
        pytest.skip("needs --soak, such as --soak 8h")
    journal = pytestconfig.getoption("--soak-journal")
    plugin = pytestconfig.pluginmanager.get_plugin(Soak.NAME)
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    assert isinstance(plugin, Soak)
    assert capture is not None
    assert reporter is not None

    def show(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"soak: {text}")

    result = plugin.run(device, seconds, Path(journal) if journal else None, show)
    for name in ("inferences", "wrong", "cuts", "resent_frames"):
        record_property(name, getattr(result, name))
    for name, size in result.last.items():
        record_property(name, size)
    assert result.inferences, "not one inference was done"
    assert result.events == [], result.text()
