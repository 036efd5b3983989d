"""What fits and what to take for a board, measured on an emulated core: one small network, in one form."""

from __future__ import annotations

from pathlib import Path

import pytest

import tasks  # noqa: F401 - registers the commands
from compilers.image import fit
from device_tests import tiny_model
from pipeline import fitting, sweeping
from pipeline.command_line import main
from tests.schemas import checked

pytestmark = pytest.mark.emulated


def test_plan_linker_and_device_agree(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tiny_model.convolution(tmp_path / "tiny.tflite")
    for module in (fit, fitting):
        monkeypatch.setattr(module, "FORMS", fit.FORMS[:1])
    assert main(["fit", str(model), "qemu-m4", "--measure", "--json"]) == 0
    printed = capsys.readouterr()
    assert "1 of 1 outputs equal to the reference" in printed.err
    (one,) = checked("fit", printed.out)["qemu-m4"].values()
    measured = one["measured"]
    assert 0 <= one["ram_needed"] - measured["linked_ram"] < 512
    assert measured["linked_flash"] <= one["flash_needed"]
    assert measured["arena"] == one["arena_bytes"]
    assert not (home / "reports" / "qemu-m4").exists(), "the report of the network stays as it is"


def test_a_sweep_measures_what_it_names_and_goes_on_where_it_was(
    home: Path, npz: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sweeping, "SAMPLES", {"v1": ("v1_025_32",)})
    monkeypatch.setattr(sweeping, "FOLDER", home / "build" / "sweep")
    words = ["sweep", "--target", "qemu-m4", "--families", "v1", "--alphas", "0.25", "--rhos", "32"]
    words += ["--data", f"npz:{npz}", "--json"]
    assert main(words) == 0
    printed = capsys.readouterr()
    found = checked("sweep", printed.out)
    (one,) = found["candidates"]
    assert (found["best"], one["measured"]["target"]) == ("v1_025_32", "qemu-m4")
    assert abs(one["cost"] / one["measured"]["cost"] - 1) < 0.05
    assert one["ram_bytes"] - one["measured"]["ram_bytes"] < 512
    assert not (home / "reports" / "qemu-m4").exists()
    assert main(words) == 0
    again = capsys.readouterr()
    assert again.out == printed.out
    assert "bench" in again.err
    assert all("reused" in line for line in again.err.splitlines() if line.startswith(("compile", "bench", "check")))
    assert not any(line.startswith("profile") for line in again.err.splitlines()), "layers are counted once"
