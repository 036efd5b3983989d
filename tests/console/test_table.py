"""Tables, lines and bars print what they get as it is, in any width."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

import console


def test_cells_are_not_markup_and_are_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    wide = "w" * 150
    console.table("title [x]", [("name", "left"), ("bytes [n]", "right")], [["[red]a[/red]", "12,345"], [wide, "1"]])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "title [x]"
    assert lines[1].split() == ["name", "bytes", "[n]"]
    assert lines[2].split() == ["[red]a[/red]", "12,345"]
    assert lines[3].split() == [wide, "1"]
    assert lines[2].rstrip().endswith("12,345")


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (80, ["bytes", "name needed about", "b 12 a board"]),
        (16, ["bytes", "name needed", "b 12", "not shown in 16 columns: about"]),
        (8, ["name", "b", "not shown in 8 columns: bytes needed, about"]),
        (3, ["name", "b", "not shown in 3 columns: bytes needed, about"]),
    ],
)
def test_a_narrow_terminal_does_without_some_columns(
    width: int, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Console(width=width, force_terminal=True, color_system=None, soft_wrap=True)
    monkeypatch.setattr(sys.modules["console.table"], "out", screen)
    columns = [("name", "left"), ("bytes\nneeded", "right"), ("about", "left")]
    console.table("", columns, [["b", "12", "a board"]], drop=(2, 1))
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert printed == lines


@pytest.mark.parametrize("width", [80, 12])
def test_a_column_without_any_text_is_left_out_and_not_named(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Console(width=width, force_terminal=True, color_system=None, soft_wrap=True)
    monkeypatch.setattr(sys.modules["console.table"], "out", screen)
    columns = [("name", "left"), ("ms", "right"), ("bytes", "right"), ("about", "left")]
    console.table("", columns, [["b", "", "12", "a board"], ["c", " ", "", "one"]], drop=(1, 2))
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    narrow = ["name about", "b a board", "c one", "not shown in 12 columns: bytes"]
    assert printed == (narrow if width == 12 else ["name bytes about", "b 12 a board", "c one"])


def test_a_table_without_rows_has_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("", [("name", "left"), ("ms", "right")], [])
    assert capsys.readouterr().out.split() == ["name", "ms"]


def test_where_no_column_can_be_done_without_the_widest_text_is_broken_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Console(width=46, force_terminal=True, color_system=None, soft_wrap=True)
    for module in ("console.table", "console.screen"):
        monkeypatch.setattr(sys.modules[module], "out", screen)
    columns = [("name", "left"), ("bytes", "right"), ("", "left"), ("end", "right")]
    rows = [["a", "12,345", "RAM short by 12,345 bytes and flash short by 1", "9"], ["b", "1", "yes", "10"]]
    console.table("a title that is longer than the terminal is wide, 12 of 34", columns, rows)
    printed = capsys.readouterr().out.splitlines()
    assert printed == [
        "a title that is longer than the terminal is",
        "wide, 12 of 34",
        "name   bytes                             end",
        "a     12,345  RAM short by 12,345 bytes    9",
        "              and flash short by 1",
        "b          1  yes                         10",
    ]


def test_several_columns_of_text_are_broken_where_one_is_not_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Console(width=34, force_terminal=True, color_system=None, soft_wrap=True)
    for module in ("console.table", "console.screen"):
        monkeypatch.setattr(sys.modules[module], "out", screen)
    columns = [("pixels", "left"), ("classes", "left"), ("top-1", "right")]
    rows = [["torch (ImageNet's mean, deviation)", "after a background class", "70.0 %"]]
    console.table("", columns, rows)
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) <= 34
    assert [" ".join(line.split()) for line in printed][:2] == ["pixels classes top-1", "torch after a 70.0 %"]


def test_no_line_ends_in_spaces_in_colors_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Console(width=80, force_terminal=True, color_system="truecolor", soft_wrap=True)
    monkeypatch.setattr(sys.modules["console.table"], "out", screen)
    columns = [("name", "left"), ("bytes\nneeded", "right"), ("", "left")]
    console.table("", columns, [["b", "", "over by 12"], ["a", "12", ""]], red=("over",))
    printed = capsys.readouterr().out
    assert "\x1b[31mover by 12\x1b[0m\n" in printed
    lines = re.sub(r"\x1b\[[0-9;]*m", "", printed).splitlines()
    assert lines == ["       bytes", "name  needed", "b             over by 12", "a         12"]


def test_a_pipe_gets_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("", [("name", "left"), ("w" * 150, "left")], [["a", "b"]], drop=(1,))
    assert "not shown" not in capsys.readouterr().out


def test_a_table_without_headings_has_no_line_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    console.report([("model", "v1 [int8]"), ("", "more")], Path("reports/x [y]/report.json"))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert [line.split() for line in lines] == [["model", "v1", "[int8]"], ["more"], ["reports/x", "[y]/report.json"]]


def test_a_terminal_sees_how_long_a_step_and_a_flasher_take(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    for name in ("console.line", "console.bar"):
        monkeypatch.setattr(sys.modules[name], "out", screen)
    with console.step("deploy") as line, console.percent_bar("openocd") as percent:
        percent(45.0)
        line.text = "done"
    assert isinstance(screen.file, io.StringIO)
    shown = screen.file.getvalue()
    assert re.search(r"deploy \.\.\. \d:\d\d:\d\d", shown)
    assert re.search(r"openocd .* \d:\d\d:\d\d", shown)
    assert shown.splitlines()[-1].endswith(" s")


def test_a_step_says_what_it_did_and_how_long_it_took_or_that_it_was_reused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with console.step("build") as line:
        line.text, line.seconds = "a network [of 3]", 2.5
    with console.step("calibrate") as line:
        line.text, line.reused = "again", True
    console.note("see [there]")
    assert capsys.readouterr().out.splitlines() == [
        "build      a network [of 3]  2.5 s",
        "calibrate  again  reused",
        "note       see [there]",
    ]


def test_a_bar_prints_lines_for_a_program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(console.PROGRESS_LINES, "1")
    with console.bar("accuracy", 20) as progress:
        progress(5)
        progress(6)  # too soon after the last
    assert capsys.readouterr().out == "accuracy   5 of 20\n"


def test_a_bar_prints_nothing_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console.bar("accuracy", 20) as progress:
        progress(5)
    assert capsys.readouterr().out == ""
