"""The examples for CI services: they are YAML of the shape their service reads, and their commands are ours."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

import tasks  # noqa: F401  # its tasks are known to parse
from measure.compare import gate
from pipeline.command_line import parse

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "ci"


def scripts(form: Any) -> list[str]:
    """Return each text of a YAML file that is run by a shell."""
    if isinstance(form, list):
        return [text for item in form for text in scripts(item)]
    if not isinstance(form, dict):
        return []
    own = [form.get("run"), *form.get("script", []), *form.get("after_script", [])]
    return [text for text in own if text] + [text for item in form.values() for text in scripts(item)]


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
def test_the_commands_of_an_example_are_ours(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert "\t" not in text
    commands = [
        re.sub(r"\$\{\{ matrix\.target \}\}|\$TARGET", "qemu-m4", script) for script in scripts(yaml.safe_load(text))
    ]
    ran = []
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "./inv"
        ((task, typed),) = parse(words)
        ran.append(task.name)
        if task.name == "compare":
            assert [limit.figure for limit in gate.read_limits(str(typed["fail_on"]))] == [
                "latency", "exactness", "ram", "flash",
            ]  # fmt: skip
            assert (typed["before"], typed["after"]) == ("baseline/qemu-m4/mine", "reports/qemu-m4/mine")
    assert ran[:2] == ["deploy", "compare"]


def test_a_github_example_has_what_the_service_asks_for() -> None:
    form = yaml.safe_load((FOLDER / "github-actions.yml").read_text())
    assert set(form) == {"name", True, "permissions", "jobs"}, "YAML 1.1 reads `on` as true"
    for job in form["jobs"].values():
        assert {"runs-on", "steps", "timeout-minutes"} <= set(job)
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/checkout@v4"))


def test_a_gitlab_example_has_what_the_service_asks_for() -> None:
    form = yaml.safe_load((FOLDER / "gitlab-ci.yml").read_text())
    for job in form.values():
        assert {"image", "script", "artifacts"} <= set(job)
        assert job["artifacts"]["reports"] == {"junit": "gate.xml"}
