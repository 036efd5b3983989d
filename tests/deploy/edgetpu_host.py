"""A host with a stand-in for libedgetpu, and a tiny network as it would be compiled for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import target
from device_tests import tiny_model
from tests.compilers import edgetpu_files

SOURCE = Path(__file__).with_name("libedgetpu_stand_in.c")
CORAL_USB = target.load("coral-usb")
INPUT = bytes(range(256)) * 3


class Tpu:
    """The stand-in's library, and a file for each Edge TPU that is plugged in."""

    def __init__(self, folder: Path):
        self.library, self.usb, self.pci = folder / "lib", folder / "usb1", folder / "apex_0"
        self.library.mkdir()
        compiler = shutil.which("gcc") or shutil.which("clang")
        if not compiler:
            pytest.skip("needs gcc: apt install gcc")
        command = [compiler, "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", str(SOURCE)]
        subprocess.run([*command, "-o", str(self.library / "libedgetpu.so.1")], check=True)

    def environment(self) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": str(self.library), "STAND_IN_TPUS": f"usb={self.usb} pci={self.pci}"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tpu:
    return Tpu(tmp_path_factory.mktemp("tpu"))


@pytest.fixture
def tpu(built: Tpu, monkeypatch: pytest.MonkeyPatch) -> Tpu:
    """One Edge TPU on USB, none on PCIe."""
    for name, value in built.environment().items():
        monkeypatch.setenv(name, value)
    built.usb.touch()
    built.pci.unlink(missing_ok=True)
    return built


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.dense(tmp_path_factory.mktemp("models") / "tiny.tflite")


@pytest.fixture(scope="module")
def model(plain: Path) -> Path:
    return edgetpu_files.write(plain.with_name("tiny_edgetpu.tflite"), edgetpu_files.compiled(plain.read_bytes()))
