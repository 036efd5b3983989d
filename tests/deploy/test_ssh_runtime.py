"""Which Python and which LiteRT a board has, and what it is brought where it has none."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shlex
import shutil
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import process
import target
from deploy.remote import runtime, wheels
from deploy.remote.answers import BoardFacts
from deploy.remote.board import Board
from deploy.remote.locked import lock, parse_lock
from deploy.remote.wheels import Platform
from errors import DeployError, LinkError
from tests.deploy.sshd import BOARD, Sshd, wait_until

PI = target.load("rpi4")


@pytest.mark.parametrize(
    ("fake", "message"),
    [
        ("sys.version_info = (3, 7, 3, 'final', 0)", r"Python 3\.9 or newer is needed, it has 3\.7; .*python=/path"),
        ("sys.maxsize = 2 ** 31 - 1", r"its Python 3\.\d+ is 32-bit, 64-bit is needed; install a 64-bit system"),
    ],
)
def test_a_python_that_is_unfit(sshd: Sshd, fake: str, message: str) -> None:
    code = f"import sys; {fake}; exec(sys.argv[1])"
    sshd.set_python(f'exec {shlex.quote(sys.executable)} -c "{code}" "$2"')
    with pytest.raises(LinkError, match=message):
        Board(BOARD).__enter__()
    sshd.cache.mkdir(parents=True, exist_ok=True)


def test_no_python(sshd: Sshd) -> None:
    with pytest.raises(
        LinkError, match=r"^ssh://board: no /no/such/python there; install it \(sudo apt install python3"
    ):
        Board(dataclasses.replace(BOARD, python="/no/such/python")).__enter__()


def test_what_a_board_says_before_it_ends_is_printable_and_short(sshd: Sshd) -> None:
    sshd.set_python("printf '\\033[31m%9000d\\007' 1 >&2; printf '\\033]0;x\\007\\n' >&2; exit 3")
    with pytest.raises(LinkError, match=r"the process ended with exit code 3; last output: .*\]0;x$") as caught:
        Board(BOARD).__enter__()
    assert str(caught.value).isprintable()


BOTH = {"ai_edge_litert": "2.3.0", "tflite_runtime": "2.14.0", "numpy": "1.26.4"}


class FakeBoard:
    """A board by its facts alone."""

    name = "ssh://board"

    def __init__(self, python: str = "3.11.2", **libraries: str):
        names = {name.replace("_", "-"): version for name, version in libraries.items()}
        self.facts = BoardFacts("/cache", "aarch64", python, "cpython", "glibc 2.36", 4, names)


@pytest.mark.parametrize(
    ("libraries", "wanted", "expected"),
    [
        (BOTH, "auto", "ai-edge-litert"),
        (BOTH, "tflite-runtime", "tflite-runtime"),
        ({"tflite_runtime": "2.14.0", "numpy": "1.26.4"}, "auto", "tflite-runtime"),
        ({"tflite_runtime": "2.14.0", "numpy": "2.1.0"}, "auto", "installed ai-edge-litert"),
        ({"tflite_runtime": "2.14.0"}, "tflite-runtime", "installed tflite-runtime"),
        ({}, "auto", "installed ai-edge-litert"),
        ({"ai_edge_litert": "2.3.0", "numpy": "2.1.0"}, "tflite-runtime", "installed tflite-runtime"),
    ],
)
def test_the_runtime_that_is_there_is_used_if_it_fits(
    monkeypatch: pytest.MonkeyPatch, libraries: dict[str, str], wanted: str, expected: str
) -> None:
    monkeypatch.setattr(runtime, "_install", lambda board, name, say: runtime.Runtime(f"installed {name}", "/x"))
    board: Any = FakeBoard(**libraries)
    assert runtime.bring(board, wanted, lambda text: None).distribution == expected


def test_an_unknown_runtime_and_one_that_python_is_too_new_for() -> None:
    board: Any = FakeBoard(python="3.13.1")
    with pytest.raises(DeployError, match=r"--runtime tflite: expected auto, ai-edge-litert, tflite-runtime"):
        runtime.bring(board, "tflite", print)
    with pytest.raises(DeployError, match=r"tflite-runtime ends at Python 3\.11, it has 3\.13; use --runtime ai-edge"):
        runtime.bring(board, "tflite-runtime", print)


def test_platform_tags_reach_from_its_glibc_to_manylinux2014() -> None:
    tags = Platform("aarch64", (3, 11), (2, 31)).tags
    assert tags[0] == "manylinux_2_31_aarch64"
    assert {
        "manylinux_2_28_aarch64",
        "manylinux_2_27_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    } <= set(tags)
    assert "manylinux_2_34_aarch64" not in tags


@pytest.mark.parametrize(("libc", "implementation", "message"), [("", "cpython", "not glibc"), ("", "pypy", "CPython")])
def test_a_board_without_wheels(libc: str, implementation: str, message: str) -> None:
    facts = dataclasses.replace(FakeBoard().facts, libc=libc, implementation=implementation)
    with pytest.raises(DeployError, match=message):
        wheels.platform_of(facts, "ssh://board")


def test_a_runtime_is_unpacked_beside_the_boards_own_and_used(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "litert_stand_in-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("stand_in/__init__.py", "here = True\n")
        archive.writestr("stand_in/tests/test_it.py", "")
        archive.writestr("litert_stand_in-1.data/purelib/more.py", "")
        archive.writestr("litert_stand_in-1.data/scripts/run", "")
    monkeypatch.setattr(runtime, "download", lambda *asked: [wheel])
    with Board(BOARD) as board:
        board.facts = dataclasses.replace(board.facts, libraries={})
        for installed in (True, False):
            said: list[str] = []
            found = runtime.bring(board, "auto", said.append)
            assert bool(said) == installed
            assert found.distribution == "ai-edge-litert"
            folder = Path(found.folder)
            assert (folder / "stand_in/__init__.py").is_file()
            assert (folder / "more.py").is_file()
            assert not (folder / "stand_in/tests").exists()
            assert not list(folder.glob("*.data"))
        assert not [name for name in sshd.left() if ".whl" in name]
    shutil.rmtree(folder)


def test_a_damaged_wheel_is_an_error_and_nothing_stays(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "bad-1-py3-none-any.whl"
    wheel.write_bytes(b"no zip")
    monkeypatch.setattr(runtime, "download", lambda *asked: [wheel])
    with Board(BOARD) as board:
        board.facts = dataclasses.replace(board.facts, libraries={})
        with pytest.raises(DeployError, match="damaged on the way"):
            runtime.bring(board, "auto", print)
    assert wait_until(lambda: not [name for name in sshd.left() if "bad" in name or "runtime" in name])


def test_error_of_a_missing_wheel_has_pips_last_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    finished = process.Finished(1, "", "WARNING: x\nERROR: No matching distribution found for y\n")
    monkeypatch.setattr(process, "run", lambda *a, **k: finished)
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path)
    with pytest.raises(DeployError, match=r"no wheels of y for Python 3\.11 on manylinux_2_36_aarch64 \(No matching"):
        wheels.download("y", ["y"], Platform("aarch64", (3, 11), (2, 36)), "ssh://board")
    assert not list(tmp_path.rglob("*.whl"))


LOCKED = ["ai-edge-litert==1.0"]


def fake_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes) -> list[str]:
    """Let pip download one wheel, and let the lock have the file `right` of it; return the constraints that pip got."""
    sha256 = hashlib.sha256(b"right").hexdigest()
    text = f"# a lock\nAI_edge.litert==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:{'0' * 64} \\\n"
    text += f"    --hash=sha256:{sha256}\n    # via us\nnumpy==2.0 \\\n    --hash=sha256:{'1' * 64}\n"
    constraints: list[str] = []

    def run(command: list[str], **options: object) -> process.Finished:
        (Path(command[command.index("--dest") + 1]) / "ai_edge_litert-1.0-cp311-none-any.whl").write_bytes(content)
        constraints.extend(Path(command[command.index("--constraint") + 1]).read_text().split())
        return process.Finished(0, "", "")

    monkeypatch.setattr(process, "run", run)
    monkeypatch.setattr(wheels, "lock", lambda: parse_lock(text))
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path)
    return constraints


def test_wheels_have_the_versions_and_hashes_of_the_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constraints = fake_pip(monkeypatch, tmp_path, b"right")
    (wheel,) = wheels.download("x", LOCKED, Platform("aarch64", (3, 12), (2, 36)), "ssh://board")
    assert wheel.read_bytes() == b"right"
    assert constraints == ["ai-edge-litert==1.0", "numpy==2.0"]


def test_a_wheel_that_is_not_in_the_lock_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_pip(monkeypatch, tmp_path, b"wrong")
    with pytest.raises(DeployError, match=r"^ssh://board: ai_edge_litert-1.0-\S+ from the package index is not what"):
        wheels.download("x", LOCKED, Platform("aarch64", (3, 11), (2, 36)), "ssh://board")
    assert not list(tmp_path.rglob("*.whl"))


@pytest.mark.parametrize(("requirement", "python"), [(LOCKED[0], (3, 10)), ("tflite-runtime==2.14.0", (3, 11))])
def test_what_the_lock_is_not_for_is_as_the_index_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, requirement: str, python: tuple[int, int]
) -> None:
    constraints = fake_pip(monkeypatch, tmp_path, b"wrong")
    assert wheels.download("x", [requirement], Platform("aarch64", python, (2, 36)), "ssh://board")
    assert constraints == []


def test_the_lock_has_all_that_a_runtime_needs() -> None:
    names = {re.split(r"[^\w.-]", need)[0] for need in metadata.requires("ai-edge-litert") or () if "extra" not in need}
    missing = {name for name in ("ai-edge-litert", *names) if re.sub(r"[-_.]+", "-", name) not in lock()}
    assert not missing
    assert all(entry.sha256 for entry in lock().values())
