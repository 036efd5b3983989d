"""Which of the reports of a model on a target `inv report` prints."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tasks  # noqa: F401  # makes the commands
from errors import ConfigError
from measure import report_file
from pipeline import reporting
from pipeline.command_line import main
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


def test_a_page_of_all_runs_or_of_one(reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "data" / "reports" / "full.report.json").read_text()
    for name in ("v1_025", "v2_035"):
        path = reports / "rpi4" / name / "report.json"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    page, markdown, csv = tmp_path / "page.html", tmp_path / "page.md", tmp_path / "page.csv"
    reporting.run(ReportOptions(html=page, markdown=markdown, csv=csv))
    assert [line for line in capsys.readouterr().out.splitlines() if line] == [str(page), str(markdown), str(csv)]
    assert "2 runs" in page.read_text()
    assert len(csv.read_text().splitlines()) == 3
    reporting.run(ReportOptions(model="v1_025", target="rpi4", html=page, typed={"model": "v1_025", "target": "rpi4"}))
    assert "1 run," in page.read_text()
    reporting.run(ReportOptions(html=page, runs=(str(reports / "rpi4" / "v2_035"),)))
    assert "v2_035 on rpi4" in page.read_text()
    for chosen, message in (
        (ReportOptions(runs=("a",)), "--runs: belongs to --html, --markdown or --csv"),
        (ReportOptions(html=page, json=True), "--json: prints one report; leave it out with --html"),
        (ReportOptions(html=Path("/proc/page.html")), "/proc: can't be written .*name another file with --html"),
        (ReportOptions(html=page, runs=("nowhere",)), "nowhere: no such report or folder of reports"),
        (ReportOptions(html=tmp_path), r"--html .*: is a folder, expected a file to write"),
        (ReportOptions(model="v9", html=page, typed={"model": "v9"}), "no report yet"),
    ):
        with pytest.raises(ConfigError, match=message):
            reporting.run(chosen)


def test_the_name_of_a_measured_file_is_enough(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As ./inv deploy mine.tflite --unit kitchen keeps it."""
    path = reports / "kitchen" / "mine" / "report.json"
    path.parent.mkdir(parents=True)
    path.write_text((ROOT / "data" / "reports" / "full.report.json").read_text())
    assert main(["report", "mine", "kitchen"]) == 0
    assert "".join(capsys.readouterr().out.split()).endswith("kitchen/mine/report.json")
    for words in (["report", "mine", "..", "kitchen"], ["report", "others"], ["deploy", "mine", "host"]):
        assert main(words) == 1
        assert "not a model or a target" in capsys.readouterr().err
