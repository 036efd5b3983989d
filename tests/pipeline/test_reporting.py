"""Which of the reports of a model on a target `inv report` prints."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from errors import ConfigError
from measure import report_file
from pipeline import reporting
from pipeline.task_options import ReportOptions

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report_file, "REPORTS_DIR", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("engine", "ages", "expected"),
    [
        (None, {"v1_025": 9, "v1_025-aot": 1}, "v1_025"),
        ("litert", {"v1_025": 9, "v1_025-aot": 1}, "v1_025"),
        ("aot", {"v1_025": 1, "v1_025-aot": 9}, "v1_025-aot"),
        ("auto", {"v1_025": 9, "v1_025-aot": 1}, "v1_025-aot"),
        ("auto", {"v1_025": 1, "v1_025-aot": 9}, "v1_025"),
        ("auto", {"v1_025-aot": 9}, "v1_025-aot"),
    ],
)
def test_auto_is_the_engine_that_measured_last(
    engine: str | None, ages: dict[str, int], expected: str, reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "data" / "reports" / "full.report.json").read_text()
    for name, age in ages.items():
        path = reports / "rpi4" / name / "report.json"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        os.utime(path, (10_000 - age, 10_000 - age))
    reporting.show_last(ReportOptions(model="v1_025", target="rpi4", engine=engine))
    printed = "".join(capsys.readouterr().out.split())
    assert printed.endswith(f"rpi4/{expected}/report.json")


@pytest.mark.parametrize("engine", [None, "auto"])
def test_without_a_report_the_usual_path_is_named(engine: str | None, reports: Path) -> None:
    with pytest.raises(ConfigError, match=r"rpi4/v1_025/report\.json: no report yet; `inv deploy` writes it"):
        reporting.show_last(ReportOptions(model="v1_025", target="rpi4", engine=engine))
