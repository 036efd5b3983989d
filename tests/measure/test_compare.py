"""Comparing runs: the statistics against known values, what may be compared, where runs come from, and the gate."""

from __future__ import annotations

import itertools
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import artifact
from benchmarks import comparison as trials
from errors import ConfigError
from measure import report_file
from measure.compare import comparison, gate, junit, layout, sides, statistics
from measure.compare.comparison import Compared, Samples
from measure.report import Report
from tests.measure.report_example import changed, parsed

RUN = parsed(changed("provenance.interrupted", None))
GOOD = replace(RUN, device=None, auc=None, memory={"ram": 1000, "flash": 5000})


def counted(amount: float = 1000, **other: Any) -> Report:
    """Return a run of an emulator that counts instructions."""
    assert RUN.latency is not None
    latency = replace(RUN.latency, unit="instructions", counter="TIMER0", median=amount)
    target = replace(RUN.target, name="qemu-m4", kind="mcu", measured_on="emulated")
    return replace(GOOD, target=target, latency=latency, linux=None, clock=None, **other)


def compare(before: Report, after: Report, **other: Any) -> Compared:
    return comparison.compare(before, after, ("first", "second"), **other)


def verdicts(compared: Compared) -> dict[str, str]:
    return {change.figure: change.verdict for change in compared.changes}


def test_the_rank_test_equals_the_enumeration_of_all_signs() -> None:
    rng = np.random.default_rng(3)
    for size in (1, 4, 9):
        values = rng.integers(-4, 5, size).astype(float)  # with ties and zeros
        nonzero = values[values != 0]
        order = np.abs(nonzero)
        ranks = np.array([(order < v).sum() + ((order == v).sum() + 1) / 2 for v in order])
        ranks = np.minimum(ranks, (len(ranks) + 1) / 2)
        sums = [ranks[np.array(signs, bool)].sum() for signs in itertools.product((0, 1), repeat=len(ranks))]
        got = ranks[nonzero > 0].sum()
        tail = min(np.mean(np.array(sums) <= got), np.mean(np.array(sums) >= got))
        assert statistics.signed_rank_p(values) == pytest.approx(min(1.0, 2 * tail))
    assert statistics.signed_rank_p(np.zeros(30)) == 1.0
    assert statistics.signed_rank_p(np.ones(20)) == pytest.approx(2 / 2**20)


def test_the_interval_of_a_median_holds_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(40):
        low, high = statistics.median_interval(rng.normal(0, 1, 30))
        held += low <= 0 <= high
    assert held >= 38
    assert statistics.median_interval(np.full(30, 2.5)) == (2.5, 2.5)


def test_outliers_are_classified_by_tukey_s_fences() -> None:
    values = [*range(100, 120), 90, 131, 60, 170]
    assert statistics.outliers(values) == statistics.Outliers(low_severe=1, low_mild=0, high_mild=0, high_severe=1)
    assert statistics.outliers([*range(100, 120), 84, 135]).count == 2
    assert statistics.outliers([5.0] * 20).count == 0


@pytest.mark.parametrize("noise", [trials.independent, trials.heavy_tailed, trials.drifting])
def test_equal_programs_are_not_called_slower_and_a_slowdown_is_found(noise: trials.Noise) -> None:
    def draw(rng: np.random.Generator) -> Any:
        return noise(rng, 2 * trials.PAIRS)

    assert trials.shares(draw, 300, 1.0) == (0, 0)
    found, stopped = trials.shares(draw, 100, trials.SLOWER)
    assert found >= 99
    assert stopped >= 99


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="20 pairs"):
        statistics.difference([1.0] * 19, [1.0] * 19)
    with pytest.raises(ValueError, match="above 0"):
        statistics.difference([1.0] * 19 + [0.0], [1.0] * 20)


def test_counts_are_compared_exactly() -> None:
    same = compare(counted(), counted())
    assert set(verdicts(same).values()) == {"same"}
    slower = compare(counted(), counted(1001))
    assert verdicts(slower)["latency"] == "worse"
    assert slower.changes[0].change == pytest.approx(0.001)
    assert compare(counted(1001), counted()).changes[0].verdict == "better"
    assert layout.rows(slower)[0] == ["instructions", "1,000", "1,001", "+0.10 %", "worse"]
    assert RUN.accuracy is not None
    less = compare(counted(), counted(accuracy=replace(RUN.accuracy, top1=0.89)))
    assert verdicts(less)["accuracy"] == "worse"
    assert layout.rows(less)[1] == ["accuracy", "90.00 %", "89.00 %", "-1.00 pt", "worse"]


def test_times_of_separate_runs_are_not_judged_and_times_in_turn_are() -> None:
    assert verdicts(compare(GOOD, GOOD))["latency"] == "unknown"
    rng = np.random.default_rng(0)
    first = tuple(1500 * np.exp(rng.normal(0, 0.01, 30)))
    slower = compare(
        GOOD, GOOD, samples=Samples.of(first, tuple(1.05 * t * np.exp(rng.normal(0, 0.01)) for t in first))
    )
    latency = slower.of("latency")
    assert latency is not None
    assert latency.difference is not None
    assert latency.verdict == "worse"
    assert latency.difference.low < 0.05 < latency.difference.high
    assert "99 % confidence" in layout.notes(slower)
    equal = compare(GOOD, GOOD, samples=Samples.of(first, first[::-1]))
    assert verdicts(equal)["latency"] == "noise"
    assert layout.notes(compare(counted(), counted())) == ""


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("model.sha256", "cd" * 32, "model: v1_025 abababababab in the first, v1_025 cdcdcdcdcdcd in the second"),
        ("target.name", "rpi5", "target: rpi4 in the first, rpi5"),
        ("target.cpu", "other", "CPU: some CPU"),
        ("target.measured_on", "host", "measured on: hardware in the first, host"),
        ("latency.counter", "TIM2", "counter: us of CLOCK_MONOTONIC in the first, us of TIM2"),
        ("clock.rate_hz", 90_000_000, "clock: 180,000,000 Hz in the first, 90,000,000 Hz"),
        ("accuracy.dataset", "cifar10", "data: 1,000 of fashion_mnist"),
        ("accuracy.n", 20, "data: 1,000 of fashion_mnist"),
        ("provenance.pictures", "ee" * 32, "pictures 121212121212 in the first"),
        ("provenance.interrupted", "after 3", "the second is of a run that was interrupted"),
    ],
)  # fmt: skip
def test_what_can_not_be_compared_is_refused_in_one_line(path: str, value: Any, reason: str) -> None:
    other = changed(path, value)
    if path != "provenance.interrupted":
        del other["provenance"]["interrupted"]
    with pytest.raises(ConfigError, match="can't be compared: ") as caught:
        compare(GOOD, replace(parsed(other), device=None))
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_board_that_is_another_is_refused_and_networks_may_differ_on_purpose() -> None:
    with pytest.raises(ConfigError, match="the first was measured on another board than rpi4"):
        compare(RUN, GOOD)
    other = replace(counted(), model=replace(RUN.model, name="<b>other", sha256="cd" * 32))
    compared = compare(counted(), other, any_model=True)
    assert compared.model == "v1_025, then <b>other"
    assert "<b>" not in junit.xml([compared], [])


def test_a_missing_figure_is_said_and_fails_the_gate() -> None:
    half = compare(counted(), counted(accuracy=None, exactness=None))
    assert verdicts(half)["accuracy"] == "only before"
    (outcome,) = gate.apply(gate.read_limits("accuracy>1pt"), [half])
    assert outcome.failure == "accuracy is missing in the second run"
    with pytest.raises(ConfigError, match="--fail-on stack>0: no run has stack; measure it"):
        gate.apply(gate.read_limits("stack>0"), [half])
    nothing = replace(counted(), latency=None, accuracy=None, auc=None, exactness=None, memory={})
    with pytest.raises(ConfigError, match="no figure in common"):
        compare(nothing, counted())


def test_the_gate_of_times_needs_samples_in_turn() -> None:
    with pytest.raises(ConfigError, match="--fail-on latency>3%: two separate runs can't tell a change from noise"):
        gate.apply(gate.read_limits("latency>3%"), [compare(GOOD, GOOD)])


@pytest.mark.parametrize(
    ("limits", "amount", "failures"),
    [
        ("latency>3%", 1030, []),
        ("latency>3%", 1031, ["latency is worse by 3.1%, the limit is latency>3%"]),
        ("latency>3%", 500, []),
        ("latency>10", 1011, ["latency is worse by 11 instructions, the limit is latency>10"]),
        ("latency>0,ram>0", 1001, ["latency is worse by 1 instructions, the limit is latency>0"]),
    ],
)
def test_limits(limits: str, amount: int, failures: list[str]) -> None:
    outcomes = gate.apply(gate.read_limits(limits), [compare(counted(), counted(amount))])
    assert [outcome.failure for outcome in outcomes if outcome.failure] == failures
    assert f'failures="{len(failures)}"' in junit.xml([], outcomes)


def test_a_limit_of_points() -> None:
    assert RUN.accuracy is not None
    for top1, fails in ((0.895, False), (0.8949, True)):
        less = compare(counted(), counted(accuracy=replace(RUN.accuracy, top1=top1)))
        (outcome,) = gate.apply(gate.read_limits("accuracy>0.5pt"), [less])
        assert bool(outcome.failure) == fails


@pytest.mark.parametrize(
    "text", ["", "latency", "latency<3%", "latncy>3%", "accuracy>1%", "ram>1pt", "ram>-1", "ram>1e9"]
)
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(ValueError, match="limits such as latency>3%,accuracy>0.5pt,ram>0"):
        gate.read_limits(text)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a git repository with two reports, and the baseline's folder in it."""
    monkeypatch.setattr(artifact, "HOME", tmp_path)
    for model, amount in (("v1_025", 1000), ("other", 2000)):
        path = tmp_path / "reports" / "qemu-m4" / model / "report.json"
        artifact.write_atomic(path, report_file.dumps(counted(amount)))
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "runs"], ["tag", "v1"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)
    return tmp_path


def test_where_a_run_comes_from(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, file = runs / "reports", runs / "reports" / "qemu-m4" / "v1_025" / "report.json"
    report_file.write(counted(1100), file.parent)
    monkeypatch.chdir(runs)
    for before, after, amounts in (
        ("v1", str(file), [(1000, 1100)]),
        ("v1", str(file.parent), [(1000, 1100)]),
        ("v1", "reports", [(2000, 2000), (1000, 1100)]),
        ("v1:reports/qemu-m4/other/report.json", str(file), [(2000, 1100)]),
        (str(folder / "qemu-m4"), str(folder), [(2000, 2000), (1100, 1100)]),
    ):
        found = sides.pairs(sides.load(before, after), sides.load(after, before))
        got = [(one.latency.median, other.latency.median) for _, one, other in found if one.latency and other.latency]
        assert got == amounts, (before, after)
    with pytest.raises(ConfigError, match="no baseline yet; `inv compare RUN --save-baseline`"):
        sides.load("baseline", "reports")
    assert sides.save_baseline(sides.load("reports", "")) == runs / "baseline"
    assert len(sides.load("baseline", "reports").reports) == 2


def test_a_run_that_is_not_there_is_one_line(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)
    (runs / "empty").mkdir()
    for word, other, reason in (
        ("v2", "reports", "neither a report, a folder nor a git revision here"),
        ("-v", "reports", "expected report.json, a folder of reports, a git revision or `baseline`"),
        ("nowhere/report.json", "reports", "neither a report"),
        ("empty", "reports", "no report in this folder"),
        ("v1", "empty", "has no report at empty"),
    ):
        with pytest.raises(ConfigError) as caught:
            sides.load(word, other)
        assert reason in str(caught.value)
    (runs / "reports" / "qemu-m4" / "other" / "report.json").unlink()
    with pytest.raises(ConfigError, match="reports: no report of qemu-m4/other, which v1 has; measure it"):
        sides.pairs(sides.load("v1", "reports"), sides.load("reports", "v1"))
    old = runs / "old.json"
    old.write_text(json.dumps({"schema": 1, "target": {}}))
    with pytest.raises(ConfigError, match="schema 1, of an earlier Alpharho"):
        sides.load(str(old), "reports")
    old.write_text(json.dumps({**changed("schema", 7)}))
    with pytest.raises(ConfigError, match="schema"):
        sides.load(str(old), "reports")
