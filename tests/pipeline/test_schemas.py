"""Each task with --json has a schema, which a test compares with what the task prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

import tasks  # noqa: F401  # makes the commands
from artifact import ROOT, SCHEMAS_DIR
from pipeline import schemas
from pipeline.command_line import COMMANDS, main
from tests.schemas import checked

TASKS = [name for name, command in COMMANDS.items() if "json" in command.fields]
HERE = [["models"], ["explain", "v3s_075"], ["explain", "v2_035_96"], ["targets"]]


def test_each_task_with_json_has_a_schema_and_each_schema_a_task() -> None:
    assert {schemas.path_of(name) for name in TASKS} == set(SCHEMAS_DIR.iterdir())
    for path in SCHEMAS_DIR.iterdir():
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))


def test_what_each_task_prints_is_compared_with_its_schema() -> None:
    calls = re.compile(r'checked\("([a-z-]+)", ')
    tests = Path(__file__).parents[1].glob("*/test_*.py")
    compared = {task for path in tests for task in calls.findall(path.read_text())}
    assert compared | {words[0] for words in HERE} == set(TASKS)


@pytest.mark.parametrize("words", HERE)
def test_listings_are_of_their_schemas(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--json"]) == 0
    checked(words[0], capsys.readouterr().out)


def test_a_page_lists_the_schema_of_each_task() -> None:
    page = (ROOT / "docs" / "reports.md").read_text()
    rows = re.findall(r"^\| (`.*?) \| \[schemas/(\S+)\.schema\.json\]", page, re.MULTILINE)
    listed = {task: name for names, name in rows for task in re.findall(r"`([a-z-]+)`", names)}
    assert listed == {task: schemas.path_of(task).name.removesuffix(".schema.json") for task in TASKS}
