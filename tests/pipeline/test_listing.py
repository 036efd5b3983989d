"""The lists of networks, layers and boards on a terminal of 80 columns."""

from __future__ import annotations

import sys

import pytest
from rich.console import Console

import tasks  # noqa: F401 - registers the commands
from deploy import ports
from deploy.ports import Port
from pipeline.command_line import main
from tests.schemas import checked


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        (["models"], "network"),
        (["explain", "v2_035_96"], "operator, cost"),
        (["targets"], "MHz, engine, description"),
    ],
)
def test_tables_fit_80_columns(
    words: list[str], left_out: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Console(width=80, force_terminal=True, color_system=None, soft_wrap=True)
    monkeypatch.setattr(sys.modules["console.table"], "out", screen)
    assert main(words) == 0
    table, _, names = capsys.readouterr().out.partition("not shown in 80 columns: ")
    assert names.splitlines()[0] == left_out
    assert len(table.splitlines()) > 20
    assert max(len(line.rstrip()) for line in table.splitlines()) <= 80


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_lab_that_is_not_reached_is_an_error_after_what_is_here(
    form: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ports, "connected", lambda: [Port("/dev/ttyACM0", "0483:374b", "0668", "a long name " * 9)])
    assert main(["devices", "--coordinator", "127.0.0.1:1", *form]) == 1
    shown = capsys.readouterr()
    assert "/dev/ttyACM0" in shown.out
    (line,) = shown.err.splitlines()
    assert line.startswith("error: coordinator 127.0.0.1:1: not reached (")
    if form:
        assert [item["kind"] for item in checked("devices", shown.out)] == ["port"]
    else:
        assert "next step" not in shown.out
