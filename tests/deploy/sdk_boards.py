"""Boards of SDKs that tests build for with stand-ins, the line of each, and a network to build."""

from __future__ import annotations

from pathlib import Path

import pytest

from artifact import Artifact, NoFacts, sha256_of
from deploy import bench_file, ports
from tests.compilers.test_compile import small_network

URI = "serial:///dev/ttyNOWHERE?baud=115200"
BOARDS = {
    "zephyr:nucleo_f746zg": "west",
    "arduino:arduino:mbed_nano:nano33ble": "arduino-cli",
    "pio:pico": "pio",
    "idf:esp32s3": "idf.py",
}


@pytest.fixture
def desk_of_sdks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the line of each of BOARDS, and keep what is built in a folder of the test."""
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path / "build")
    bench = tmp_path / "bench.toml"
    bench.write_text("".join(f'["{board}"]\nlink = "{URI}"\n' for board in BOARDS))
    monkeypatch.setattr(bench_file, "BENCH", bench)
    monkeypatch.setattr(ports, "connected", lambda: [])
    for variable in ("ZEPHYR_BASE", "IDF_PATH"):
        monkeypatch.setenv(variable, str(tmp_path))


@pytest.fixture
def int8_net(tmp_path: Path) -> Artifact[object]:
    path = tmp_path / "small net.tflite"
    path.write_bytes(small_network())
    return Artifact(path, "int8", path.stem, sha256_of(path), NoFacts())
