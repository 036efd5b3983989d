"""No text from outside moves the cursor or is taken for markup, whichever way it is printed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

import console
from console.text import wrapped
from errors import Error
from pipeline import command_line

HOSTILE = "a\x1b[2Jb\x1b]0;title\x07c\x9b31md\x7fe\x08g"
WRITTEN = r"a\x1b[2Jb\x1b]0;title\x07c\x9b31md\x7fe\x08g"
MARKUP = "x[/b].png [red]y[/red] :smile: [link=a]z\\"


def in_a_step(text: str) -> None:
    with console.step("label") as line:
        line.text = text


def in_a_label(text: str) -> None:
    with console.step(text):
        pass


def in_a_bar(text: str) -> None:
    with console.bar(text, 2) as done:
        done(1)


PRINTERS: dict[str, Callable[[str], None]] = {
    "step": in_a_step,
    "label": in_a_label,
    "note": console.note,
    "say": console.say,
    "plain": console.plain,
    "cell": lambda text: console.table("", [("h", "left")], [[text]]),
    "red cell": lambda text: console.table("", [("h", "left")], [[text]], red=(text,)),
    "heading": lambda text: console.table("", [(text, "left")], [["a"]]),
    "title": lambda text: console.table(text, [("a long heading " * 9, "left")], [["a"]]),
    "report": lambda text: console.report([("label", text), (text, "b")], Path("/x")),
    "path": lambda text: console.report([("a", "b")], Path(text)),
}


@pytest.mark.parametrize("way", PRINTERS)
def test_control_characters_are_written_out(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    PRINTERS[way](HOSTILE)
    printed = capsys.readouterr().out
    assert WRITTEN in printed
    assert not set(printed) & set("\x1b\x07\x9b\x7f\r\x08")


@pytest.mark.parametrize("way", PRINTERS)
def test_markup_is_text(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    PRINTERS[way](MARKUP)
    assert "".join(MARKUP.split()) in "".join(capsys.readouterr().out.split())


def test_a_bar_takes_any_label(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_bar(MARKUP + HOSTILE)
    monkeypatch.setenv(console.PROGRESS_LINES, "1")
    in_a_bar(MARKUP + HOSTILE + "{task}")
    assert "\x1b" not in capsys.readouterr().out


def test_errors_are_one_line_without_control_characters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(arguments: object) -> None:
        raise Error(f"{HOSTILE}\nsecond\u2028third")

    monkeypatch.setattr(command_line, "_run", fail)
    assert command_line.main(["build"]) == 1
    assert capsys.readouterr().err == "error: a\\x1b[2Jb\\x1b]0;title\\x07c\\x9b31md\\x7fe\\x08g second third\n"


def test_an_unknown_word_reaches_the_terminal_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["build", "--model", "x\x1b[2J.keras"]) == 1
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_a_line_is_broken_between_words_and_not_behind_a_number(width: int) -> None:
    words = "aot for qemu-m4: RAM 61,204 of 131,072 bytes, flash 258,832 of 1,048,576 bytes, code 13,900 bytes  3.5 s"
    lines = wrapped(words, width, 11).split("\n")
    assert all(len(line) <= width for line in [" " * 11 + lines[0], *lines[1:]])
    assert all(line == line.rstrip() for line in lines)
    assert all(line.startswith(" " * 11) for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(words.split())
    assert not any(re.search(r"\d$|\d of$", line) for line in lines)
    assert wrapped("a" * 99, 40) == "a" * 99


@pytest.mark.parametrize("width", [80, 100])
def test_steps_notes_and_reports_fit_a_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Console(width=width, force_terminal=True, color_system=None, soft_wrap=True, highlight=False)
    for module in ("console.line", "console.screen", "console.table"):
        monkeypatch.setattr(sys.modules[module], "out", screen)
    words = " ".join(f"memory {number},000 bytes" for number in range(40))
    with console.step("compile") as line:
        line.text = words
    console.note(words)
    console.plain(words)
    console.report([("memory, RAM", words), ("latency", f"{words}\n{words}"), ("empty", "")], Path("report.json"))
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().out).replace("\r", "\n").splitlines()
    assert max(map(len, shown)) <= width
    assert all(one == one.rstrip() for one in shown if "..." not in one)
    assert sum("39,000 bytes" in one for one in shown) >= 5
