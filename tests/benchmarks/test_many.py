"""Several devices at once: which are meant, what each is given, and that one failing stops no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import many
from benchmarks.many import Unit
from errors import ConfigError
from tests.pipeline.small import inv, options


@pytest.fixture(autouse=True)
def _no_bench_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "links_of", lambda name: {"rpi5": ["ssh://a", "ssh://pi@b:22?python=/x"]}.get(name, []))


@pytest.mark.parametrize(
    ("targets", "links", "expected"),
    [
        ("host", None, [Unit("host", None, "host")]),
        ("host,rpi4", None, [Unit("host", None, "host"), Unit("rpi4", None, "rpi4")]),
        ("rpi4", "ssh://a", [Unit("rpi4", "ssh://a", "rpi4")]),
        ("rpi4", "ssh://a, ssh://b", [Unit("rpi4", "ssh://a", "rpi4@a"), Unit("rpi4", "ssh://b", "rpi4@b")]),
        (
            "rpi5,host",
            None,
            [
                Unit("rpi5", "ssh://a", "rpi5@a"),
                Unit("rpi5", "ssh://pi@b:22?python=/x", "rpi5@pi_b_22"),
                Unit("host", None, "host"),
            ],
        ),
    ],
)
def test_which_devices_are_meant(targets: str, links: str | None, expected: list[Unit]) -> None:
    assert many.units(targets, links) == expected


@pytest.mark.parametrize(
    ("targets", "links", "message"),
    [
        ("rpi4,rpi5", "ssh://a", "give it with one target"),
        ("host,", None, "expected names joined by commas"),
        ("rpi4", "ssh://a,", "--link .*expected names"),
        ("host,host", None, "host: is given twice"),
        ("rpi4", "ssh://a,ssh://a", "given twice"),
    ],
)
def test_devices_that_can_not_be_meant(targets: str, links: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        many.units(targets, links)


@pytest.mark.usefixtures("int8")
def test_one_that_fails_stops_no_other_and_the_exit_code_says_so(home: Path, npz: Path, tmp_path: Path) -> None:
    asked = [*options(npz), "--images", "8", "--target", "host,rpi4"]
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("Host rpi4\n  HostName 127.0.0.1\n  Port 1\n")
    done = inv(home, "accuracy", *asked, HOME=str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"error: 1 of 2 devices failed: rpi4: ssh://rpi4: not reached", done.stderr)
    assert "8 of 8" in done.stdout
    assert (home / "reports/host").is_dir()
    assert not (home / "reports/rpi4").exists()
