"""Files that the Edge TPU compiler wrote elsewhere: read, adopted, damaged. One pair is Coral's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from artifact import sha256_of
from calibration import convert
from compilers import edgetpu
from compilers.edgetpu import output
from errors import CompileError, ConfigError
from tests.compilers import edgetpu_files
from tests.compilers.edgetpu_networks import _at_home, network
from tests.pipeline.small import SHARED_DATA

__all__ = ["_at_home"]  # fixtures


PLAIN = SHARED_DATA / "coral_mobilenet_v1_0.25_128_quant.tflite"
CORAL = SHARED_DATA / "coral_mobilenet_v1_0.25_128_quant_edgetpu.tflite"
needs_coral = pytest.mark.skipif(not (PLAIN.is_file() and CORAL.is_file()), reason="needs ../shared/data/coral_*")


def test_a_changed_compiled_file_is_read_or_gives_an_error(tmp_path: Path) -> None:
    source = network(tmp_path, "RELU").path
    good = edgetpu_files.compiled(source.read_bytes(), cached_bytes=40)
    path, rng = tmp_path / "x.tflite", np.random.default_rng(8)
    for trial in range(1500):
        data = bytearray(good)
        for place in rng.integers(8, len(data), 1 + trial % 4):
            data[place] = rng.integers(256)
        size = len(data) if trial % 3 else int(rng.integers(8, len(data)))
        path.write_bytes(data[:size])
        try:
            output.examine(path, source)
        except CompileError:
            continue


def test_a_plain_model_is_not_taken_for_a_compiled_one(tmp_path: Path) -> None:
    model = network(tmp_path, "RELU").path
    with pytest.raises(CompileError, match=r"net\.tflite: holds no edgetpu-custom-op"):
        output.examine(model, model)


def test_a_compiled_model_is_not_compiled_again(tmp_path: Path) -> None:
    artifact = edgetpu_files.compiled(network(tmp_path, "RELU").path.read_bytes())
    with pytest.raises(CompileError, match=r"^mine: is compiled for the Edge TPU already; .*--compiled"):
        edgetpu.predict(edgetpu_files.write(tmp_path / "x.tflite", artifact), "mine")


@pytest.mark.usefixtures("_at_home")
def test_a_file_that_was_compiled_elsewhere(tmp_path: Path) -> None:
    model = network(tmp_path, "ADD", "RELU", "HARD_SWISH")
    path = edgetpu_files.write(tmp_path / "x.tflite", edgetpu_files.compiled(model.path.read_bytes(), kept=1))
    artifact = edgetpu.adopt(model, path)
    assert (artifact.facts.mapping.mapped, artifact.facts.mapping.operators) == (2, 3)
    assert artifact.facts.memory == {"model_file": path.stat().st_size, "tpu_on_chip": 1024}
    assert artifact.path.read_bytes() == path.read_bytes()
    with pytest.raises(CompileError, match=r"^--compiled .*x\.tflite: .*it was compiled from another model"):
        edgetpu.adopt(network(tmp_path, "RELU", width=9, name="other"), path)
    with pytest.raises(ConfigError, match=r"--compiled .*none\.tflite: no such file"):
        edgetpu.adopt(model, tmp_path / "none.tflite")


@needs_coral
@pytest.mark.usefixtures("_at_home")
def test_corals_own_pair() -> None:
    """What was compiled by Coral's compiler, read by what reads its files: nothing here is a stand-in."""
    file = output.examine(CORAL, PLAIN)
    assert (file.tpu_operators, file.on_cpu) == (1, ())
    assert file.min_runtime_version == 12
    assert file.compiler_version == "cl/"
    assert PLAIN.stat().st_size < file.cached_bytes < CORAL.stat().st_size  # its weights, in the chip's own order
    int8 = convert.adopt(PLAIN, (), None)
    artifact = edgetpu.adopt(int8, CORAL)
    assert artifact.facts.mapping.predicted
    assert artifact.facts.mapping.mapped == artifact.facts.mapping.predicted.mapped == 31
    assert int8.facts.input_range == (-1.0, 1.0)


@needs_coral
@pytest.mark.usefixtures("_at_home")
def test_corals_own_compiled_file_is_a_model_by_itself() -> None:
    artifact = edgetpu.adopt_alone(convert.adopt(CORAL, (), None))
    assert artifact.sha256 == sha256_of(CORAL)
    mapping = artifact.facts.mapping
    assert (mapping.mapped, mapping.operators, mapping.predicted) == (1, 1, None)
    assert artifact.facts.memory["tpu_on_chip"] == 566_912
