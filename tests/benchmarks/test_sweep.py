"""A sweep refuses with reasons, finds the front, and names the best."""

from __future__ import annotations

import json
from dataclasses import replace

from benchmarks import sweep
from benchmarks.sweep import Candidate, Limits, Measured, Sweep
from fields.dataclass_json import to_json
from tests.schemas import checked

SMALL = Candidate("v1_025_64", "v1", 0.25, 64, 221_114, 3_000_000, 24_000, 265_000, cost=4e6)
LARGE = replace(SMALL, preset="v1_050", macs=48_000_000, ram_bytes=110_000, flash_bytes=850_000, cost=7e7)
WORSE = replace(SMALL, preset="v1s_025", macs=2_000_000, ram_bytes=30_000, cost=5e6)


def test_each_limit_says_by_how_much_it_is_passed() -> None:
    limits = Limits(100_000, 800_000, 10.0, 5e7, 0.9)
    one = sweep.judged(replace(LARGE, latency_ms=12.5, accuracy=0.85), limits, "instructions")
    assert one.refused == (
        "RAM over by 10,000 bytes; flash over by 50,000 bytes; latency over by 2.5 ms; "
        "cost over by 20,000,000 instructions; accuracy 85.00 %, below 90.00 %"
    )
    assert "./inv train v1_025_64" in sweep.judged(SMALL, limits, "").refused
    assert sweep.judged(SMALL, Limits(), "").refused == ""


def test_the_front_has_what_no_other_beats() -> None:
    refused = replace(SMALL, preset="v1_010", cost=1e6, ram_bytes=1, refused="accuracy")
    marked = sweep.with_front([SMALL, LARGE, WORSE, refused])
    assert [one.preset for one in marked if one.on_front] == ["v1_025_64", "v1_050"]


def test_the_best_has_the_highest_accuracy_and_else_does_the_most() -> None:
    assert sweep.best([SMALL, LARGE, WORSE])[0] == "v1_050"
    name, why = sweep.best([replace(SMALL, accuracy=0.92), LARGE, replace(WORSE, accuracy=0.91)])
    assert name == "v1_025_64"
    assert "92.00 %; 1 larger ones fit that have no checkpoint yet" in why
    assert sweep.best([replace(LARGE, refused="RAM")]) == ("", "")


def example() -> Sweep:
    measured = replace(LARGE, measured=Measured("qemu-m4", 7.1e7, 111_000, None))
    found = sweep.with_front([measured, SMALL, replace(WORSE, refused="flash over")])
    return Sweep(1, "pico", "qemu-m4", "instructions", "size", False, Limits(264_000), "v1_050", "why", found)


def test_the_table_shows_what_is_taken_first_and_why_others_are_not() -> None:
    columns, rows = sweep.table(example())
    assert [(row[0], row[-1]) for row in rows] == [
        ("v1_025_64", "front"), ("v1_050", "best"), ("v1s_025", "flash over"),
    ]  # fmt: skip
    assert rows[1][7] == "71,000,000 (-1.4 %)"
    assert all(len(row) == len(columns) for row in rows)


def test_estimates_and_modeled_times_are_marked() -> None:
    one = replace(SMALL, estimated=True, modeled_ms=32.5)
    columns, ((_, _, ram, flash, _, time, *_),) = sweep.table(replace(example(), candidates=(one,)))
    assert (columns[5][0], ram, flash, time) == ("modeled ms", "~24,000", "~265,000", "32.5")
    refused = sweep.judged(one, Limits(ram_bytes=20_000, latency_ms=30.0), "rp2040js cycles").refused
    assert refused == "RAM over by ~4,000 bytes; modeled latency over by 2.5 ms"
    checked("sweep", json.dumps(to_json(replace(example(), candidates=(one,)))))


def test_the_plot_fits_80_columns_and_marks_the_best() -> None:
    lines = sweep.plot(example()).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() for line in lines)
    assert lines[0].endswith("B")
    assert sweep.plot(replace(example(), candidates=())) == ""


def test_json_is_of_its_schema() -> None:
    checked("sweep", json.dumps(to_json(example())))
