"""report.json: what its schema lets through, what errors name, and that a report is written whole or not at all."""

from __future__ import annotations

import copy
import dataclasses
import errno
import json
import os
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import ConfigError, Error
from measure import report_file
from measure.report import Report
from tests.measure.report_example import EXAMPLE_PATH, FULL, SOURCE, changed, parsed

SCHEMA: dict[str, Any] = json.loads(report_file.SCHEMA_PATH.read_text())
OPTIONAL = ("latency", "memory", "accuracy", "auc", "no_accuracy", "exactness", "device", "linux", "tpu")


def test_the_example_is_of_the_schema_and_comes_back_byte_for_byte() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(FULL, SCHEMA)
    assert report_file.dumps(report_file.read(EXAMPLE_PATH)) == EXAMPLE_PATH.read_text()


def test_the_example_has_every_key() -> None:
    def missing(kind: type, form: dict[str, Any], path: str) -> list[str]:
        found = []
        for name, hint in get_type_hints(kind).items():
            if name not in form:
                found.append(f"{path}{name}")
            for part in (hint, *get_args(hint)):
                if isinstance(part, type) and is_dataclass(part) and isinstance(form.get(name), dict):
                    found += missing(part, form[name], f"{path}{name}.")
        return found

    assert missing(Report, FULL, "") == []


def test_the_schema_and_the_classes_have_the_same_keys() -> None:
    def compare(kind: type, schema: dict[str, Any], path: str) -> None:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        hints = get_type_hints(kind)
        assert set(schema["properties"]) == set(hints), path
        assert schema["additionalProperties"] is False, path
        required = {
            f.name
            for f in dataclasses.fields(kind)
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        }
        assert set(schema.get("required", [])) - {"schema"} == required, path
        for name, hint in hints.items():
            inner = schema["properties"][name]
            for part in (hint, *get_args(hint)):
                arguments = [part, *get_args(part)] if get_args(part) else [part]
                for kind_of_part in arguments:
                    if isinstance(kind_of_part, type) and is_dataclass(kind_of_part):
                        compare(kind_of_part, inner.get("items", inner), f"{path}{name}.")

    compare(Report, SCHEMA, "")


def test_a_report_without_a_section() -> None:
    for name in OPTIONAL:
        parsed(changed(name, None))
    parsed({name: FULL[name] for name in FULL if name not in OPTIONAL})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", 3), ("schema", True), ("target.measured_on", "cloud"), ("target.kind", "gpu"), ("target.cpu", 4),
        ("target.speed", 1), ("model.sha256", "ab"), ("model.sha256", "G" * 64), ("model.classes", 0),
        ("model.classes", True), ("model.alpha", "0.25"), ("model.rho", 128.5), ("model.flops", 1),
        ("engine.threads", 0), ("engine.threads", True), ("latency.unit", "ms"), ("latency.n", 0),
        ("latency.median", -1), ("latency.median", True), ("latency.p95", 1), ("memory.arena", -5),
        ("memory.arena", 1.5), ("memory.arena", "big"), ("memory.arena", False), ("accuracy.top1", 1.2),
        ("accuracy.top1", 90), ("accuracy.n", 0), ("exactness.equal", -1), ("exactness.n", "all"),
        ("energy", {"joules": 1}), ("linux.threads_tried", {"1": 2.0}), ("linux.before", []),
        ("provenance.calibration", {"n": "1"}), ("provenance.calibration.n", "1"), ("tpu.operators", 0),
        ("model", None), ("latency", 7), ("engine", []), ("target", "host"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_in_one_line(path: str, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(changed(path, value))
    said = str(caught.value)
    assert path.rpartition(".")[2] in said
    assert path.partition(".")[0] in said
    assert said.isprintable()
    assert len(said) < 300


def test_a_key_that_a_terminal_would_obey_is_shown_as_text() -> None:
    values = copy.deepcopy(FULL)
    values["provenance"]["artifacts"] = {"\x1b[31m\u200b": "rpi4"}
    with pytest.raises(ConfigError, match=r"key provenance\.artifacts\.\\x1b\[31m\\u200b: 'rpi4' does not match"):
        report_file.loads(json.dumps(values), SOURCE)


@pytest.mark.parametrize(
    "path",
    ["target", "model", "engine", "provenance", "target.measured_on", "target.cpu", "model.name", "model.sha256",
     "engine.version", "latency.unit", "latency.median", "latency.p99", "accuracy.dataset", "accuracy.n",
     "exactness.oracle", "auc.auc", "auc.n", "provenance.created", "provenance.artifacts", "provenance.tools"],
)  # fmt: skip
def test_a_missing_key_is_named(path: str) -> None:
    with pytest.raises(ConfigError, match=rf"report.json: key {path} is missing"):
        parsed(changed(path, None))


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "7", "null", "[" * 200_000, '{"a":' * 200_000, '{"schema": NaN}', '{"schema": 1e999}',
        '{"schema": ' + "9" * 5000 + "}", '{"schema": 2}', '{"schema": "2"}', '{"a\\nb": 1}', "\0", "\ufeff{}",
    ],
)  # fmt: skip
def test_what_is_not_a_report_is_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"report\.json: ") as caught:
        report_file.read(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300 + len(str(path))


def test_bytes_that_are_not_utf_8_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b'{"schema": "\xff\xfe"}')
    with pytest.raises(ConfigError, match="not JSON"):
        report_file.read(path)


@given(st.data())
def test_any_change_is_refused_in_one_line_or_comes_back(data: st.DataObject) -> None:
    form = copy.deepcopy(FULL)
    part = form
    while True:
        key = data.draw(st.sampled_from(sorted(part)))
        if not isinstance(part[key], dict) or not part[key] or data.draw(st.booleans()):
            break
        part = part[key]
    junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
    part[key] = data.draw(junk)
    try:
        again, said = parsed(form), ""
    except ConfigError as e:
        again, said = parsed(FULL), str(e)
    assert said.isprintable()
    assert parsed(json.loads(report_file.dumps(again))) == again


def test_a_report_of_the_first_schema_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema": 1, "target": {"name": "host", "class": "linux"}}))
    with pytest.raises(
        ConfigError, match=r"report\.json: schema 1, of an earlier .* reads 2: run \./inv deploy again$"
    ):
        report_file.read(path)


@pytest.mark.parametrize("schema", [3, 10**4000], ids=["3", "large"])
def test_a_report_of_a_newer_schema_names_both(schema: int, tmp_path: Path) -> None:
    """Not the first of its keys that is new."""
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema": schema, **changed("schema", None), "unknown": 1}))
    number = "3" if schema == 3 else "a number of 13288 bits"
    expected = rf"/report\.json: schema {number}, of a newer Alpharho; this one reads 2: update it$"
    with pytest.raises(ConfigError, match=expected):
        report_file.read(path)


@pytest.mark.parametrize("form", [{}, {"schema": 3, "cells": []}, {"schema": True, "target": {}}])
def test_a_file_that_may_not_be_a_report_is_not_said_to_be_of_another_version(
    form: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(form))
    with pytest.raises(ConfigError, match="key schema: expected 2, got .*; expected a report.json of `inv deploy`"):
        report_file.read(path)


def test_an_emulator_s_wall_time_is_refused() -> None:
    emulated = changed("target.measured_on", "emulated")
    del emulated["linux"]
    with pytest.raises(ConfigError, match=r"latency\.unit: 'us' is not one of \['instructions', 'rp2040js cycles'\]"):
        parsed(emulated)
    emulated["latency"]["unit"] = "instructions"
    with pytest.raises(ConfigError, match="key clock: an emulator has no such figure"):
        parsed(emulated)
    del emulated["clock"]
    parsed(emulated)
    del emulated["latency"]
    parsed(emulated)


def test_a_count_of_equal_outputs_beyond_all_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"key exactness\.equal: 1001 of 1000 is too many"):
        parsed(changed("exactness.equal", 1001))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_is_not_written(value: float, tmp_path: Path) -> None:
    full = parsed(FULL)
    assert full.latency is not None
    with pytest.raises(Error, match=r"latency\.mean: expected a finite number"):
        report_file.write(replace(full, latency=replace(full.latency, mean=value)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_write_then_read(tmp_path: Path) -> None:
    complete = changed("provenance.interrupted", None)
    path = report_file.write(parsed(complete), tmp_path / "host" / "v1_025")
    assert path == tmp_path / "host" / "v1_025" / "report.json"
    assert report_file.read(path) == parsed(complete)
    assert json.loads(path.read_text()) == complete
    assert sorted(p.name for p in path.parent.iterdir()) == ["report.json", "report.md"]


def test_the_report_of_an_interrupted_run_never_replaces_a_complete_one(tmp_path: Path) -> None:
    partial, complete = parsed(FULL), parsed(changed("provenance.interrupted", None))
    path = report_file.write(partial, tmp_path)
    assert path == report_file.last_path(tmp_path) == tmp_path / "report.partial.json"
    assert report_file.read(path) == partial
    assert report_file.last_path(tmp_path / "empty") == tmp_path / "empty" / "report.json"
    path = report_file.write(complete, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.json", "report.md"], "the partial one is out of date"
    report_file.write(partial, tmp_path)
    assert report_file.last_path(tmp_path) == path == tmp_path / "report.json"
    assert report_file.read(path) == complete
    names = ["report.json", "report.md", "report.partial.json", "report.partial.md"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names


def test_a_wrong_report_and_a_full_disk_leave_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = parsed(FULL)
    path = report_file.write(full, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(Error, match="schema"):
        report_file.write(replace(full, schema=3), tmp_path)

    def no_space(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(ConfigError, match=r"can't be written .*free disk space"):
        report_file.write(replace(full, memory={}), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert path.is_file()


def test_reading_what_is_not_there_or_damaged(tmp_path: Path) -> None:
    report_file.write(parsed(changed("provenance.interrupted", None)), tmp_path / "host" / "v1_025")
    with pytest.raises(ConfigError, match=r"no report yet; did you mean host/v1_025\?; `inv deploy` writes it"):
        report_file.read(tmp_path / "hots" / "v1_025" / "report.json")
    with pytest.raises(ConfigError, match="no report yet; `inv deploy`"):
        report_file.read(tmp_path / "empty" / "a" / "b" / "report.json")
    bad = tmp_path / "host" / "v1_025" / "report.json"
    bad.write_text("{")
    with pytest.raises(ConfigError, match=r"not JSON .*; expected a report.json of `inv deploy`"):
        report_file.read(bad)
    bad.write_text(json.dumps(changed("model", None)))
    with pytest.raises(ConfigError, match="key model is missing; expected a report.json of `inv deploy`"):
        report_file.read(bad)


@pytest.mark.parametrize("name", ["../..", "..", ".", "", "a/b", "/etc", "a\0b", "a\x1b[2J"])
def test_no_name_leads_out_of_the_reports(name: str) -> None:
    for target, model in ((name, "v1_025"), ("rpi4", name)):
        with pytest.raises(ConfigError, match="expected the name of a folder"):
            report_file.folder(target, model)


def test_a_report_of_many_brackets_is_one_line() -> None:
    for text in ("[" * 200_000, '{"a":' * 200_000, "[" * 200_000 + "]" * 200_000):
        with pytest.raises(ConfigError, match=r"^report.json: not JSON") as caught:
            report_file.loads(text, SOURCE)
        assert len(str(caught.value)) < 300
