"""The task export on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import tasks  # noqa: F401 - registers the commands
from pipeline.command_line import main
from tests.compilers.test_compile import small_network


def test_a_tflite_is_exported_without_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "my net.tflite"
    model.write_bytes(small_network())
    out = tmp_path / "out"
    assert main(["export", str(model), "--for", "arduino", "--with-protocol", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "my_net for arduino: arena 202, stack 1,024, weights 1,168 bytes" in printed
    assert "arduino-cli compile --library . --fqbn FQBN" in printed
    assert printed.splitlines()[-1] == str(out)
    assert (out / "src" / "my_net_protocol.h").is_file()
    assert main(["export", str(model), "--stream-input", "--out", str(out)]) == 1
    assert "its input can't be taken row by row" in capsys.readouterr().err
    assert main(["export", str(model), "--library", "cortex-m99", "--out", str(tmp_path / "library")]) == 1
    assert "--library cortex-m99: unknown; " in capsys.readouterr().err


def test_a_folder_that_is_not_free_is_an_error_before_anything_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["export", "v1_025", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"error: --out {tmp_path}: not empty and not an earlier export (notes.txt); name another folder\n"
    )
    inside = tmp_path / "notes.txt" / "out"
    assert main(["export", "v1_025", "--out", str(inside)]) == 1
    assert capsys.readouterr().err == f"error: --out {inside}: {inside.parent} is a file; name another folder\n"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, where no folder can be made")
def test_a_folder_that_can_t_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "net.tflite"
    model.write_bytes(small_network())
    assert main(["export", str(model), "--out", "/proc/alpharho/out"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: --out /proc/alpharho/out: can't be made there (No such file or directory); ")
    assert len(error.splitlines()) == 1


def test_an_open_quote_is_an_error_before_anything_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hil", "v1_025", "--target", "host-fw", "--pytest-arguments", "-k 'x"]) == 1
    printed = capsys.readouterr()
    assert "--pytest-arguments -k 'x: expected words in quotes that are closed" in printed.err
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1


def test_a_board_of_an_sdk_is_compiled_for_without_the_sdk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path / "build")
    model = tmp_path / "my net.tflite"
    model.write_bytes(small_network())
    assert main(["compile", str(model), "zephyr:nucleo_f746zg"]) == 0
    path = Path(capsys.readouterr().out.splitlines()[-1])
    assert path.name == "alpharho-export.json"
    assert (path.parent / "samples" / "serve" / "prj.conf").is_file()
    assert main(["compile", str(model), "zephyr:nucleo_f746zg", "--stream-input"]) == 1
    assert "its input can't be taken row by row" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["deploy", str(model), "--target", "zephyr:nucleo_f746zg"]) == 1
    assert "zephyr:nucleo_f746zg: west: not found; install Zephyr" in capsys.readouterr().err
    assert main(["flash", str(model), "--target", "zephyr:nucleo_f746zg"]) == 1
    assert "zephyr:nucleo_f746zg: west: not found; install Zephyr" in capsys.readouterr().err
    assert main(["flash", str(model), "--target", "zephyr:nucleo_f746zg", "--flasher", "openocd"]) == 1
    assert "its SDK flashes it; leave --flasher openocd out" in capsys.readouterr().err
    assert main(["fit", str(model), "--target", "zephyr:nucleo_f746zg"]) == 1
    assert "its RAM and flash are known to its own SDK only" in capsys.readouterr().err
