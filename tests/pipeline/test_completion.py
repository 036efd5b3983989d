"""Completion of ./inv: what may come next, and the scripts of shells, run by the shells themselves."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import target
import tasks  # noqa: F401  # makes the commands
from artifact import ROOT
from models import presets
from pipeline import completion
from pipeline.command_line import COMMANDS, before_install, main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("mine.tflite", "my notes.txt", "set.npz", "app.uf2"):
        (tmp_path / name).touch()
    (tmp_path / "my photos" / "cat").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("de", ["deploy", "devices"]),
        ("--he", ["--help"]),
        ("nothing --tar", []),
        ("deploy v1s_0", ["v1s_025", "v1s_050", "v1s_075"]),
        ("deploy mi", ["mine.tflite"]),
        ("deploy my", ["my photos/"]),
        ("deploy v1_025 netd", ["netduinoplus2"]),
        ("deploy --targ", ["--target"]),
        ("deploy --target pico-u", ["pico-uart", "pico-usb"]),
        ("deploy --target qemu-m0,qemu-m3", ["qemu-m0,qemu-m3", "qemu-m0,qemu-m33"]),
        ("deploy --target=rpi5", ["--target=rpi5"]),
        ("deploy --optimize ", ["size", "speed", "ram"]),
        ("deploy --data f", ["fashion_mnist", "folder:"]),
        ("deploy --data folder:my", ["folder:my photos/"]),
        ("deploy --data npz:", ["npz:my photos/", "npz:set.npz"]),
        ("deploy --images 5 --ima", []),
        ("flash pico-uart ap", ["app.uf2"]),
        ("report --html my", ["my notes.txt", "my photos/"]),
        ("doctor ", []),
        ("fit nowhere/x", []),
    ],
)
def test_what_may_come_next(folder: Path, words: str, expected: list[str]) -> None:
    assert completion.candidates(words.split(" "), COMMANDS) == expected


def test_nothing_typed_shows_all(folder: Path) -> None:
    assert completion.candidates([""], COMMANDS) == completion.candidates([], COMMANDS) == list(COMMANDS)
    shown = completion.candidates(["deploy", ""], COMMANDS)
    assert shown == [*presets.all_names(), "mine.tflite", "my photos/", *target.names()]
    options = completion.candidates(["deploy", "--json", "-"], COMMANDS)
    assert set(options) == {field.flag for field in COMMANDS["deploy"].fields.values()} - {"--json"} | {"--help"}


def test_the_command_line_answers_and_prints_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--complete", "--", "deploy", "--target", "netd"]) == 0
    assert capsys.readouterr().out == "netduinoplus2\n"
    for words in (["deploy", "--target", "zzz"], ["doctor", ""]):
        assert main(["--complete", "--", *words]) == 0, "nothing may come next, which is no mistake"
        assert capsys.readouterr() == ("", "")
    assert before_install(["--complete", "--", "doctor", ""]) == 0
    for shell in completion.SHELLS:
        assert main([f"--print-completion-script={shell}"]) == main(["--print-completion-script", shell]) == 0
        assert capsys.readouterr().out == completion.script(shell) * 2
    assert main(["--print-completion-script", "tcsh"]) == 1
    assert "--print-completion-script tcsh: expected bash, zsh, fish" in capsys.readouterr().err


STANDIN = """#!/bin/sh
[ "$1" = --complete ] && [ "$2" = -- ] || exit 1
shift 2
for last; do :; done
case $last in
    --target=*) echo --target=qemu-m4 ;;
    folder:*) echo 'folder:my photos/' ;;
    my*) echo 'my photos/' ;;
    '') echo "got $*" ;;
    *) echo "${last}loy" ;;
esac
"""


LINES = {
    "./inv dep": "./inv deploy ",
    "./inv deploy --target=q": "./inv deploy --target=qemu-m4 ",
    "./inv deploy --data folder:m": "./inv deploy --data folder:my\\ photos/",
    "./inv deploy my": "./inv deploy my\\ photos/",
    "./inv deploy a\\ b ": "./inv deploy a\\ b got\\ deploy\\ a\\ b\\  ",
}
"""What is typed before the Tab key, and the line after it."""
SHOW = {
    "bash": "PS1='ready$ '; show() { printf '<<%s>>' \"$READLINE_LINE\"; }; bind -x '\"\\C-g\": show'\n",
    "zsh": "autoload -U compinit; compinit -u -D; PS1='ready$ '; unsetopt zle_bracketed_paste; "
    "show() { print -rn -- \"<<$BUFFER>>\" }; zle -N show; bindkey '^G' show\n",
}


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes_lines(tmp_path: Path, shell: str) -> None:
    """The shell itself, on a terminal: what is typed, the Tab key, a key that shows the line, one that clears it."""
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    (tmp_path / "inv").write_text(STANDIN)
    (tmp_path / "inv").chmod(0o755)
    (tmp_path / "setup").write_text(SHOW[shell] + completion.script(shell))
    options = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[shell]
    terminal, side = pty.openpty()
    child = subprocess.Popen(
        [shell, *options], cwd=tmp_path, stdin=side, stdout=side, stderr=side, start_new_session=True,
        env={**os.environ, "TERM": "dumb" if shell == "bash" else "vt100"},
    )  # fmt: skip
    os.close(side)
    try:
        os.write(terminal, b". ./setup\n")
        _until(terminal, b"ready$ ")
        for typed, line in LINES.items():
            os.write(terminal, typed.encode() + b"\t\x07")
            shown = _until(terminal, b">>").rpartition(b"<<")[2].partition(b">>")[0]
            assert shown.decode() == line
            os.write(terminal, b"\x15")
    finally:
        child.kill()
        child.wait()
        os.close(terminal)


def test_fish_completes_words(tmp_path: Path) -> None:
    """What fish itself finds for a line; it completes in a pipe too."""
    if not shutil.which("fish"):
        pytest.skip("needs fish")
    (tmp_path / "inv").write_text(STANDIN)
    (tmp_path / "inv").chmod(0o755)
    (tmp_path / "setup").write_text(completion.script("fish"))
    lines = ["./inv dep", "./inv deploy --target=q", "./inv deploy --data folder:m", "./inv deploy my", "./inv a\\ b "]
    asked = "".join(f"complete -C {shlex.quote(line)}; echo;" for line in lines)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source ./setup; {asked}"], cwd=tmp_path, capture_output=True, text=True,
        check=True, timeout=240, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    found = done.stdout.split("\n\n")[:-1]
    assert found == ["deploy", "--target=qemu-m4", "folder:my photos/", "my photos/", "got a b "]


def _until(terminal: int, end: bytes, limit_s: float = 120) -> bytes:
    """Read until some text came; the limit is for a shell that hangs."""
    seen = b""
    while end not in seen:
        ready, _, _ = select.select([terminal], [], [], limit_s)
        assert ready, seen
        seen += os.read(terminal, 4096)
    return seen


def test_the_tab_key_installs_nothing(tmp_path: Path) -> None:
    """A checkout that was never used: the words come without an environment."""
    copy = tmp_path / "a checkout"
    others = shutil.ignore_patterns(".*", "build", "reports", "tests", "__pycache__", "checkpoints")
    shutil.copytree(ROOT, copy, ignore=others)
    done = subprocess.run(
        [copy / "inv", "--complete", "--", "deploy", "v1_025", "qemu-m4", ""], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {"v1_025", "qemu-m4"} <= set(done.stdout.splitlines())
    assert not (copy / ".venv").exists()
