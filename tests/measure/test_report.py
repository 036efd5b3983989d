"""report.json: what its schema lets through, what it names, and that a report is written whole or not at all."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from errors import ConfigError, Error
from measure import report

FULL: dict[str, Any] = {
    "schema": 1,
    "target": {"name": "host", "class": "linux", "where": "host", "cpu": "some CPU"},
    "model": {
        "name": "v1_025", "family": "v1", "alpha": 0.25, "rho": 128, "classes": 10, "sha256": "ab" * 32,
        "parameters": 221_114, "macs": 13_316_608,
    },
    "engine": {"name": "litert", "version": "2.3", "kernels": "xnnpack", "threads": 2},
    "latency": {
        "unit": "us", "counter": "CLOCK_MONOTONIC", "n": 200, "warmup": 21, "min": 1000.0, "median": 1500.0,
        "mean": 1600.5, "stdev": 1.0, "p90": 2000.0, "p99": 2500.0, "max": 3000.0,
    },
    "memory": {"model_file": 312_456, "peak_rss": 5_000_000},
    "accuracy": {"dataset": "fashion_mnist", "n": 1000, "top1": 0.9, "top5": 0.99, "host_top1": 0.9},
    "exactness": {"oracle": "LiteRT", "n": 1000, "equal": 998, "max_abs_diff": 2},
    "provenance": {"created": "2024-01-01T00:00:00Z", "artifacts": {"int8": "ab" * 32}, "tools": {"keras": "3"}},
}  # fmt: skip
OPTIONAL = ("latency", "memory", "accuracy", "exactness")


def _with(path: str, value: Any) -> dict[str, Any]:
    """Return the report with one key changed, or without it for a value of None."""
    made = copy.deepcopy(FULL)
    *way, last = path.split(".")
    part = made
    for key in way:
        part = part[key]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return made


def test_a_full_report_and_each_without_a_section() -> None:
    report.check(FULL)
    for name in OPTIONAL:
        report.check(_with(name, None))
    report.check({name: FULL[name] for name in FULL if name not in OPTIONAL})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", 2), ("target.where", "cloud"), ("target.class", "gpu"), ("target.cpu", 4), ("target.speed", 1),
        ("model.sha256", "ab"), ("model.sha256", "G" * 64), ("model.classes", 0), ("model.alpha", "0.25"),
        ("model.rho", 128.5), ("model.flops", 1), ("engine.threads", 0), ("latency.unit", "ms"), ("latency.n", 0),
        ("latency.median", -1), ("latency.p95", 1), ("memory.arena", -5), ("memory.arena", 1.5),
        ("memory.arena", "big"), ("accuracy.top1", 1.2), ("accuracy.top1", 90), ("accuracy.n", 0),
        ("exactness.equal", -1), ("exactness.n", "all"), ("energy", {"joules": 1}),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(path: str, value: Any) -> None:
    with pytest.raises(Error) as caught:
        report.check(_with(path, value))
    assert path.rpartition(".")[2] in str(caught.value)
    assert path.partition(".")[0] in str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["schema", "target", "model", "engine", "provenance", "target.where", "target.cpu", "model.name", "model.sha256",
     "engine.version", "latency.unit", "latency.median", "latency.p99", "accuracy.dataset", "accuracy.n",
     "exactness.oracle", "exactness.max_abs_diff", "provenance.created", "provenance.artifacts", "provenance.tools"],
)  # fmt: skip
def test_a_missing_key_is_named(path: str) -> None:
    with pytest.raises(Error, match=rf"'{path.rpartition('.')[2]}' is a required property"):
        report.check(_with(path, None))


def test_an_emulator_s_wall_time_is_refused() -> None:
    emulated = _with("target.where", "emulated")
    with pytest.raises(Error, match=r"latency\.unit: 'instructions' was expected"):
        report.check(emulated)
    emulated["latency"]["unit"] = "instructions"
    report.check(emulated)
    del emulated["latency"]
    report.check(emulated)


def test_a_count_of_equal_outputs_beyond_all_is_refused() -> None:
    with pytest.raises(Error, match="exactness"):
        report.check(_with("exactness.equal", 1001))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float, tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"latency\.mean"):
        report.write(_with("latency.mean", value), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_write_then_read(tmp_path: Path) -> None:
    path = report.write(FULL, tmp_path / "host" / "v1_025")
    assert path == tmp_path / "host" / "v1_025" / "report.json"
    assert report.read(path) == FULL
    assert sorted(p.name for p in path.parent.iterdir()) == ["report.json", "report.md"]


def test_a_wrong_report_and_a_full_disk_leave_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    path = report.write(FULL, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(Error):
        report.write(_with("schema", 2), tmp_path)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ConfigError, match="can't be written .*free disk space"):
        report.write(_with("accuracy.top1", 0.5), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert path.is_file()


def test_reading_what_is_not_there_or_damaged(tmp_path: Path) -> None:
    report.write(FULL, tmp_path / "host" / "v1_025")
    with pytest.raises(ConfigError, match=r"no report yet; did you mean host/v1_025\?; `inv deploy` writes it"):
        report.read(tmp_path / "hots" / "v1_025" / "report.json")
    with pytest.raises(ConfigError, match="no report yet; `inv deploy`"):
        report.read(tmp_path / "empty" / "a" / "b" / "report.json")
    bad = tmp_path / "host" / "v1_025" / "report.json"
    bad.write_text("{")
    with pytest.raises(ConfigError, match="not JSON .*; delete it and deploy again"):
        report.read(bad)
    bad.write_text(json.dumps(_with("model", None)))
    with pytest.raises(Error, match="'model' is a required property"):
        report.read(bad)


def test_rows_say_all_that_was_measured() -> None:
    found = dict(report.rows(FULL))
    text = "\n".join(found.values())
    for figure in ("1.500 ms median", "2.000 p90", "2.500 p99", "1.000 to 3.000 ms over 200 runs", "90.00 % top-1"):
        assert figure in text
    for figure in ("99.00 % top-5", "1,000 pictures of fashion_mnist", "998 of 1,000", "difference 2 of 256 steps"):
        assert figure in text
    for figure in ("host (some CPU), host", "α 0.25, ρ 128", "10 classes", "221,114 parameters", "13,316,608 MACs"):
        assert figure in text
    assert found["memory, model file"] == "312,456 bytes"
    assert "2 threads" in found["engine"]


@pytest.mark.parametrize("name", OPTIONAL)
def test_what_was_not_measured_has_no_row(name: str) -> None:
    word = {"latency": "latency", "memory": "memory, model file", "accuracy": "accuracy", "exactness": "exactness"}
    assert word[name] in dict(report.rows(FULL))
    assert word[name] not in dict(report.rows(_with(name, None)))


def test_an_emulator_shows_instructions_and_no_time() -> None:
    made = _with("target.where", "emulated")
    made["latency"] |= {"unit": "instructions", "median": 12_345_678}
    found = dict(report.rows(made))
    assert "latency" not in found
    assert found["instructions"].startswith("12,345,678 an inference")
    assert " ms" not in found["instructions"]


def test_what_broke_off_is_said() -> None:
    made = _with("provenance.interrupted", "after 5 of 10 pictures: gone")
    assert dict(report.rows(made))["broken off"] == "after 5 of 10 pictures: gone"


def test_markdown_has_every_row_and_all_of_the_provenance() -> None:
    made = _with("provenance.command", "./inv deploy --data 'npz:a|b'\n--x")
    text = report.markdown(made)
    assert text.startswith("# v1_025 on host\n")
    for label, value in report.rows(made):
        assert f"| {label} | {value} |" in text
    for name in ("created", "artifacts: int8", "tools: keras"):
        assert f"| {name} | `" in text
    assert "`./inv deploy --data 'npz:a\\|b' --x`" in text
    assert all(line.count("|") - line.count("\\|") == 3 for line in text.splitlines() if line.startswith("|"))
