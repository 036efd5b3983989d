"""What the float network said is kept beside a plain file, where it is small and whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calibration import float_outputs


def test_outputs_come_back_in_their_order(tmp_path: Path) -> None:
    outputs = [np.random.default_rng(n).random((3, n + 1), np.float32) for n in range(12)]
    float_outputs.save(tmp_path, outputs)
    kept = float_outputs.load(tmp_path)
    assert kept is not None
    assert [output.tolist() for output in kept] == [output.tolist() for output in outputs]


def test_large_outputs_are_not_kept(tmp_path: Path) -> None:
    float_outputs.save(tmp_path, [np.zeros(float_outputs.LARGEST_BYTES // 4 + 1, np.float32)])
    assert float_outputs.load(tmp_path) is None


def test_a_damaged_file_is_as_none(tmp_path: Path) -> None:
    float_outputs.save(tmp_path, [np.ones((2, 2), np.float32)])
    path = tmp_path / float_outputs.FILENAME
    whole = path.read_bytes()
    for data in (b"", b"x", whole[:30], whole[:-1], whole[:140] + bytes([whole[140] ^ 1]) + whole[141:]):
        path.write_bytes(data)
        assert float_outputs.load(tmp_path) is None
