"""The parts that Python reads: an input near to a kept one must give a right value or one line of error."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

import target
from artifact import ROOT
from deploy import bench_file
from deploy.remote.answers import parse_entry, parse_facts, parse_listing
from errors import Error, LinkError
from fields import Source, load_json
from measure import layout, report_file
from tests.fuzz.mutations import near
from tests.fuzz.outcome import Outcome
from tests.fuzz.toml_text import toml_of

DATA = ROOT / "tests" / "data"
BATCH = 200
"""Inputs between two looks at the clock."""


@dataclass(frozen=True)
class Part:
    """`kept` are the inputs that others are made of; `check` reads one, and any exception but Error is a finding."""

    kept: list[Any]
    check: Callable[[Any], None]


def one_line(error: Error) -> None:
    """Check that an error is one short line that a terminal can show."""
    text = str(error)
    assert text
    assert "\n" not in text, text
    assert text.isprintable(), text
    assert len(text) < 2000, text[:2000]


def report(value: Any) -> None:
    """Read a report; one that is right is written as it was, and shown."""
    text = json.dumps(value)
    made = report_file.loads(text, Source("report.json"))
    assert report_file.loads(report_file.dumps(made), Source("report.json")) == made
    layout.markdown(made)


def helper_reply(value: Any) -> None:
    """Read what a helper on a board says, by each of its kinds."""
    source = Source("ssh://board", LinkError, "run again", is_json=True)
    for parse in (parse_facts, parse_entry, parse_listing):
        try:
            parse(load_json(json.dumps(value), source))
        except LinkError as e:
            one_line(e)


def board(value: Any, path: Path) -> None:
    """Read a target's TOML."""
    path.write_text(toml_of(value), encoding="utf-8")
    made = target.load_file(path)
    assert made.name == path.stem


def bench(value: Any, path: Path) -> None:
    """Read a bench.toml, each unit of it."""
    path.write_text(toml_of(value), encoding="utf-8")
    for name in [*(value if isinstance(value, dict) else ()), "rpi4"]:
        try:
            unit = bench_file.unit_of(name, path)
        except Error as e:
            one_line(e)
        else:
            assert all(isinstance(link, str) for link in unit.links)


def parts(folder: Path) -> dict[str, Part]:
    """Return all parts; files are written into a folder."""
    tomls = sorted((ROOT / "targets").glob("*.toml")) + sorted((DATA / "targets").glob("*.toml"))
    boards = [value for path in tomls if (value := _toml(path)) is not None]
    reports = [json.loads(path.read_text()) for path in sorted((DATA / "reports").glob("*.json"))]
    replies = [json.loads(line) for line in (DATA / "helper_replies.jsonl").read_text().splitlines()]
    return {
        "reports": Part(reports, report),
        "boards": Part(boards, partial(board, path=folder / "board.toml")),
        "bench files": Part([_toml(ROOT / "bench.example.toml")], partial(bench, path=folder / "bench.toml")),
        "helper replies": Part(replies, helper_reply),
    }


def _toml(path: Path) -> Any:
    with contextlib.suppress(ValueError):
        return tomllib.loads(path.read_text(encoding="utf-8"))
    return None


def run(name: str, seconds: float, seed: int) -> Outcome:
    """Try inputs of a part for a time; hypothesis makes a finding small."""
    started, inputs = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="alpharho-fuzz-") as folder:
        part = parts(Path(folder))[name]

        def check(value: Any) -> None:
            nonlocal inputs
            inputs += 1
            try:
                part.check(value)
            except Error as e:
                one_line(e)

        how = settings(
            max_examples=BATCH, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck), print_blob=False, report_multiple_bugs=False,
        )  # fmt: skip
        while time.monotonic() - started < seconds:
            seed += 1
            try:
                hypothesis.seed(seed)(how(given(near(part.kept))(check)))()
            except Exception as e:
                text = " ".join([f"{type(e).__name__}: {e}", *getattr(e, "__notes__", ())]).replace("\n", " ")
                return Outcome(inputs, time.monotonic() - started, f"FINDING: {text[:2000]}")
    return Outcome(inputs, time.monotonic() - started)


RUNNERS = {name: partial(run, name) for name in parts(Path(os.devnull))}
