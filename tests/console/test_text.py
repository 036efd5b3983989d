"""No text from outside moves the cursor or is taken for markup, whichever way it is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import console
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
