"""The report for people: rows of the terminal and Markdown."""

from __future__ import annotations

import pytest

from fields.dataclass_json import from_json, to_json
from measure import layout
from measure.report import Report
from tests.measure.report_example import FULL, SOURCE, changed, parsed


def test_rows_say_all_that_was_measured() -> None:
    rows = dict(layout.rows(parsed(FULL)))
    text = "\n".join(rows.values())
    for figure in ("1.500 ms median", "2.000 p90", "2.500 p99", "1.000 to 3.000 ms over 200 runs", "90.00 % top-1"):
        assert figure in text
    for figure in ("99.00 % top-5", "1,000 pictures of fashion_mnist", "998 of 1,000", "difference 2 steps"):
        assert figure in text
    for figure in ("rpi4 (some CPU), hardware", "α 0.25, ρ 128", "10 classes", "221,114 parameters"):
        assert figure in text
    for figure in ("13,316,608 MACs", "for size", "streamed: 3 rows of 384 bytes kept of 49,152", "2 of 3 operators"):
        assert figure in text
    assert rows["memory, model file"] == "312,456 bytes"
    assert "2 threads" in rows["engine"]
    assert rows["THROTTLED"].endswith("too hot")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("latency", "latency"), ("memory", "memory, model file"), ("accuracy", "accuracy"),
        ("exactness", "exactness"), ("auc", "AUC"), ("no_accuracy", "no accuracy"),
        ("linux", "board"), ("tpu", "mapping"),
    ],
)  # fmt: skip
def test_what_was_not_measured_has_no_row(name: str, label: str) -> None:
    assert label in dict(layout.rows(parsed(FULL)))
    assert label not in dict(layout.rows(parsed(changed(name, None))))


@pytest.mark.parametrize("unit", ["instructions", "rp2040js cycles"])
def test_an_emulator_shows_what_it_counts_and_no_time(unit: str) -> None:
    form = changed("target.measured_on", "emulated")
    del form["linux"], form["clock"]
    form["latency"] |= {"unit": unit, "median": 12_345_678}
    found = parsed(form)
    rows = dict(layout.rows(found))
    assert "latency" not in rows
    assert rows[unit].startswith("12,345,678 an inference")
    assert " ms" not in rows[unit]
    assert found.latency
    assert layout.latency_text(found.latency) == f"12,345,678 {unit} an inference"


def test_a_run_that_was_cut_short_says_so() -> None:
    form = changed("provenance.interrupted", "after 5 of 10 pictures: gone")
    assert dict(layout.rows(parsed(form)))["interrupted"] == "after 5 of 10 pictures: gone"


def test_markdown_has_every_row_and_all_of_the_provenance() -> None:
    full = parsed(changed("provenance.command", "./inv deploy --data 'npz:a|b'\n--x"))
    text = layout.markdown(full)
    assert text.startswith("# v1_025 on rpi4\n")
    for label, value in layout.rows(full):
        assert f"| {label} | {value} |" in text
    for name in ("created", "artifacts: int8", "tools: keras", "calibration: agreement"):
        assert f"| {name} | `" in text
    assert "`./inv deploy --data 'npz:a\\|b' --x`" in text
    assert all(line.count("|") - line.count("\\|") == 3 for line in text.splitlines() if line.startswith("|"))


def test_a_report_that_was_built_here_equals_the_one_that_is_read() -> None:
    full = parsed(FULL)
    assert from_json(Report, to_json(full), SOURCE) == full
