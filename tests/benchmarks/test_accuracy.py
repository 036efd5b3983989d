"""The table of int8's accuracy: one row for each network and factor, with the span over the seeds."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.accuracy import Row, load, table

ROWS = [
    Row("v2_035", 100.0, seed, method, 2000, 0.92, top1, share, 0.1)
    for seed, method, top1, share in (
        (0, "plain", 0.66, 0.68), (0, "improved", 0.921, 0.995), (1, "plain", 0.7, 0.71), (1, "improved", 0.919, 0.995),
    )
]  # fmt: skip


def test_the_table_has_the_span_over_the_seeds() -> None:
    columns, rows = table(ROWS)
    assert rows == [
        ["v2_035", "100", "2", "2,000", "92.00", "22.00 to 26.00", "68.00 to 71.00", "-0.10 to 0.10", "99.50"]
    ]
    assert len(columns) == len(rows[0])


def test_results_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.json"
    assert load(path) == []
    path.write_text(json.dumps([asdict(row) for row in ROWS]))
    assert load(path) == ROWS
