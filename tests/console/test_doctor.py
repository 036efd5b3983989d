"""The doctor says what is there and what to do about the rest, without starting anything slow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from serial.tools import list_ports

from artifact import ROOT
from console import doctor
from console.doctor import Row
from tests.schemas import checked


def rows_by_name() -> dict[str, Row]:
    return {row.what: row for row in doctor.examine()}


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def add(folder: Path, program: str, says: str) -> None:
    (folder / program).write_text(f"#!/bin/sh\n{says}\n")
    (folder / program).chmod(0o755)


def test_every_row_says_what_for_and_every_missing_one_what_to_do(tools: Path) -> None:
    rows = doctor.examine()
    assert all(row.needed_for for row in rows)
    assert [row.what for row in rows if row.is_missing and not row.install] == []


def test_versions_are_found_without_an_import(tools: Path) -> None:
    add(tools, "arm-none-eabi-gcc", "echo 'arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205'")
    add(tools, "qemu-system-arm", "echo 'QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)'")
    add(tools, "ssh", 'if [ "$1" = -V ]; then echo "OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.15" >&2; fi')
    add(tools, "openocd", "echo no version here")
    rows = rows_by_name()
    assert rows["arm-none-eabi-gcc"].found == "12.2.1"
    assert rows["qemu-system-arm"].found == "7.2.22"
    assert rows["ssh"].found == "9.2p1"
    assert rows["openocd"].found == str(tools / "openocd")
    assert rows["tensorflow"].found.startswith("2.21.")


def test_a_missing_tool_names_its_package(tools: Path) -> None:
    rows = rows_by_name()
    assert rows["arm-none-eabi-gcc"].is_missing
    assert rows["arm-none-eabi-gcc"].install == "apt install gcc-arm-none-eabi"
    assert rows["qemu-system-aarch64"].install == "apt install qemu-system-arm"


def test_a_tool_that_hangs_or_does_not_run_is_said(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TOOL_TIMEOUT_S", 0.2)
    add(tools, "cmake", "while :; do :; done")
    (tools / "ninja").write_bytes(b"\x7fELF no program")
    (tools / "ninja").chmod(0o755)
    rows = rows_by_name()
    assert rows["cmake"].found.endswith("cmake (does not run)")
    assert rows["ninja"].found.endswith("ninja (does not run)")


def test_a_serial_port_that_may_not_be_opened_says_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    port = SimpleNamespace(device="/dev/no-such-tty", description="ST-Link VCP")
    monkeypatch.setattr(list_ports, "comports", lambda: [port])
    rows = rows_by_name()
    assert rows["/dev/no-such-tty"].found == "ST-Link VCP"
    assert rows["access to /dev/no-such-tty"].install == "sudo usermod -aG dialout $USER, then log in again"


def test_no_serial_port_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_ports, "comports", list)
    assert not rows_by_name()["serial ports"].is_missing


def test_little_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.doctor.shutil.disk_usage", lambda path: SimpleNamespace(free=10**9))
    assert rows_by_name()["disk"].install == "1.0 GB free; free some to have 4 GB"


def test_devices_of_the_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tty").write_text("")
    (tmp_path / "bench.toml").write_text(
        f'[here]\nlink = "serial://{tmp_path}/tty?baud=921600"\n'
        f'[unplugged]\nlink = "serial://{tmp_path}/none"\n[pi]\nlink = "ssh://pi@raspberrypi"\n[bare]\n'
    )
    monkeypatch.setattr(doctor, "BENCH", tmp_path / "bench.toml")
    rows = rows_by_name()
    missing = {name: row.is_missing for name, row in rows.items() if name.startswith("bench.toml")}
    assert missing == {
        "bench.toml: here": False,
        "bench.toml: unplugged": True,
        "bench.toml: pi": False,
        "bench.toml: bare": True,
    }


def test_a_wrong_bench_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench.toml").write_text("[here\n")
    monkeypatch.setattr(doctor, "BENCH", tmp_path / "bench.toml")
    assert rows_by_name()["bench.toml"].install.startswith("correct it: ")


def test_json_is_the_rows(capsys: pytest.CaptureFixture[str]) -> None:
    doctor.print_doctor(as_json=True)
    rows = checked("doctor", capsys.readouterr().out)
    assert set(rows[0]) == {"what", "found", "needed_for", "install"}


def test_the_table_shows_what_is_missing_on_a_line_each(
    tools: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Console(width=80, force_terminal=True, color_system=None, soft_wrap=True)
    monkeypatch.setattr(sys.modules["console.table"], "out", screen)
    doctor.print_doctor(more=[Row("lab x:1", "", "boards in a lab", "start it")])
    shown = capsys.readouterr().out
    assert "\narm-none-eabi-gcc: apt install gcc-arm-none-eabi\n" in shown
    assert shown.endswith("\nlab x:1: start it\n")
    (row,) = [line for line in shown.splitlines() if line.startswith("cmake ")]
    assert row.split()[1] == "missing"
    table = shown.partition("\n\n")[0].splitlines()
    assert max(len(line.rstrip()) for line in table) <= 80


def test_nothing_slow_is_imported() -> None:
    code = (
        "import sys; from console import doctor; doctor.print_doctor(); "
        "print(sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=240
    )
    assert done.stdout.splitlines()[-1] == "[]"
