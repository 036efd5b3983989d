"""Boards: every file loads, and each mistake in one has its own message, the first line of its file in data/targets."""

from __future__ import annotations

import contextlib
import random
import re
from pathlib import Path

import pytest

import target
from artifact import ROOT
from deploy.bench_file import links_of
from errors import ConfigError
from target import sections

MISTAKES = sorted((Path(__file__).resolve().parent / "data" / "targets").glob("*.toml"))


@pytest.mark.parametrize("name", target.names())
def test_every_board_loads(name: str) -> None:
    board = target.load(name)
    assert board.name == name
    assert board.description
    assert (board.kind == "mcu") == ((board.mcu is not None) != (board.sdk is not None))


@pytest.mark.parametrize("path", MISTAKES, ids=[path.stem for path in MISTAKES])
def test_each_mistake_has_its_message(path: Path) -> None:
    expected = path.read_text().splitlines()[0].removeprefix("# ")
    for word, names in (
        ("BOARDS", sections.boards()),
        ("FAMILIES", sections.families()),
        ("TOOLCHAINS", sections.toolchains()),
        ("FLASHERS", sections.flashers()),
        ("KERNELS", sections.kernel_sets()),
    ):
        expected = expected.replace(word, ", ".join(names))
    with pytest.raises(ConfigError) as caught:
        target.load_file(path)
    assert re.fullmatch(re.escape(expected).replace("FOUND", ".*"), str(caught.value))


def test_a_file_of_another_encoding_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin1.toml").write_bytes(b'description = "\xb5C"\n')
    with pytest.raises(ConfigError, match=r"^latin1.toml: not a TOML file \(.*\)$"):
        target.load_file(tmp_path / "latin1.toml")


def test_optional_keys_have_their_defaults() -> None:
    board = target.load("qemu-m4")
    assert board.mcu is not None
    assert board.mcu.uart_baud == 921_600
    assert board.emulator is not None


@pytest.mark.parametrize(
    ("name", "hint"), [("hots", "did you mean host"), ("qemu_m4", "did you mean qemu-m4"), ("../host", "")]
)
def test_an_unknown_target_gives_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=rf"^--target {re.escape(name)}: no such target; .*{hint}"):
        target.load(name)


def test_a_name_near_to_none_lists_all() -> None:
    with pytest.raises(ConfigError, match=r"known: .*host.*qemu-m4"):
        target.load("zzzz")


PIECES = (
    b"[", b"]", b'"', b"=", b"[[", b"\n", b"1e999", b"nan", b"-1", b"9" * 5000, b"{}", b"true", b"\xff", b"'''",
    b"1979-05-27", b"[x]\n", b"a.b=1\n", b'""', b"[]", b'"\\u001b"', b"0x", b'"' + b"a" * 300 + b'"', b"\x1b",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["target", "bench"])
def test_mutated_files_give_our_errors_only(tmp_path: Path, kind: str) -> None:
    pick, path = random.Random(5), tmp_path / "mutated.toml"
    bench = [ROOT / "bench.example.toml"]
    texts = [p.read_bytes() for p in (bench if kind == "bench" else sorted(target.TARGETS_DIR.glob("*.toml")))]
    for _ in range(600):
        text = bytearray(pick.choice(texts))
        for _ in range(pick.randint(1, 5)):
            at = pick.randrange(len(text) + 1)
            match pick.randrange(3):
                case 0:
                    text[at : at + 1] = bytes([pick.randrange(256)])
                case 1:
                    text[at:at] = pick.choice(PIECES)
                case _:
                    start = text.rfind(b"=", 0, at) + 1
                    text[start : max(start, text.find(b"\n", start))] = pick.choice(PIECES)
        path.write_bytes(text)
        with contextlib.suppress(ConfigError):
            if kind == "bench":
                links_of("rpi4", path)
            else:
                target.load_file(path)
