"""LiteRT on this host: what it refuses becomes an error of one short line."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import GraphError
from graph.builder import Builder
from graph.oracle import REASON_LIMIT, Oracle, check_loads


def test_a_long_reason_of_litert_is_cut() -> None:
    b = Builder()
    tensors = [b.tensor((1, 2), scale=[0.1, 0.2], axis=3) for _ in range(40)]
    with pytest.raises(GraphError, match=r"^model: LiteRT can't load it \(.* \.\.\.\)$") as e:
        Oracle(b.finish(tensors[-1:], tensors[:1]))
    assert len(str(e.value)) < REASON_LIMIT + 40


@pytest.mark.parametrize("end", ["input", "output"])
def test_a_name_that_is_not_utf_8_is_refused_when_the_file_is_read(end: str, tmp_path: Path) -> None:
    b = Builder()
    x, y = b.tensor((1, 2), scale=0.1, name="input"), b.tensor((1, 2), scale=0.1, name="output")
    b.operator("RELU", [x], [y])
    data, path = b.finish([x], [y]), tmp_path / "mine.tflite"
    path.write_bytes(data)
    check_loads(path)
    path.write_bytes(data.replace(end.encode(), b"\xff" * len(end)))
    with pytest.raises(GraphError, match=r"mine\.tflite: LiteRT can't load it \('utf-8' codec can't decode"):
        check_loads(path)
    with pytest.raises(GraphError, match="can't load it"):
        Oracle(path)
