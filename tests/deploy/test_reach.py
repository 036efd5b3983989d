"""Whether a device can be reached, without starting anything on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import target
from deploy import bench_file, reach
from errors import DeployError, LinkError

BOARD = replace(target.load("qemu-m4"), link="serial", emulator=None)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return which targets' flashers were checked."""
    names: list[str] = []
    flasher = SimpleNamespace(check=lambda: names.append(BOARD.name))
    monkeypatch.setattr(reach, "flasher_for", lambda board, name: flasher)
    return names


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bench.toml"
    monkeypatch.setattr(bench_file, "BENCH", path)
    return path


def test_the_port_of_a_flashed_board_is_looked_for(checks: list[str], bench: Path, tmp_path: Path) -> None:
    bench.write_text(f'[{BOARD.name}]\nlink = "serial://{tmp_path}/tty?baud=115200"\n')
    with pytest.raises(LinkError, match=r"there is no .*/tty; plug the board in"):
        reach.check_device(BOARD, None)
    (tmp_path / "tty").write_text("")
    reach.check_device(BOARD, None)
    assert checks == [BOARD.name] * 2


def test_a_wrong_line_in_the_bench_file(checks: list[str], bench: Path) -> None:
    bench.write_text(f'[{BOARD.name}]\nlink = "serial:///dev/x?bad=1"\n')
    with pytest.raises(LinkError, match="no option bad"):
        reach.check_device(BOARD, None)


def test_a_link_needs_no_flasher(checks: list[str], tmp_path: Path) -> None:
    (tmp_path / "tty").write_text("")
    reach.check_device(BOARD, f"serial://{tmp_path}/tty")
    assert checks == []


def test_a_board_without_a_flasher() -> None:
    with pytest.raises(DeployError, match="--link"):
        reach.check_device(replace(BOARD, flasher=""), None)
