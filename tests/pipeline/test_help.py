"""`./inv` alone, `--help`, nearest names, positional words, and docs/options.md: all from the options' fields."""

from __future__ import annotations

import dataclasses
import inspect
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import tasks  # noqa: F401  # makes the commands
from calibration import convert
from deploy import agents
from deploy.agent import engine
from deploy.remote import runtime
from errors import ConfigError
from graph.kernels import KERNELS
from pipeline import help as pages
from pipeline.command_line import COMMANDS, main, parse
from pipeline.options import fields_of, read
from pipeline.request import ENGINES_OF, Request
from target import ENGINES

WIDTH = 80


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err.rstrip()


# Help


def test_alone_it_lists_the_tasks_in_groups_one_on_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys)
    assert text == printed(capsys, "--list") == printed(capsys, "--help")
    lines = text.splitlines()
    assert all(len(line) <= WIDTH for line in lines)
    listed = [line.split()[0] for line in lines[2:] if line.startswith("  ")]
    assert listed == list(COMMANDS)
    assert listed.index("build") < listed.index("calibrate") < listed.index("compile") < listed.index("deploy")


@pytest.mark.parametrize("arguments", [["--help", "deploy"], ["deploy", "--help"], ["deploy", "v1_025", "-h"]])
def test_help_of_a_task_is_grouped_and_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    text = printed(capsys, *arguments)
    assert text == pages.task_page(COMMANDS["deploy"], WIDTH)
    lines = text.splitlines()
    assert all(len(line) <= WIDTH for line in lines)
    assert lines[0] == "usage: ./inv deploy [MODEL] [TARGET] [options]"
    groups = [line for line in lines[2:] if line and not line.startswith(" ") and len(line) < 60][1:]
    assert [group.partition(" (")[0] for group in groups[-7:]] == [
        "data", "calibration", "target", "Edge TPU", "device", "measurement", "output",
    ]  # fmt: skip
    assert "[default" not in text
    assert "xnnpack, builtin or reference" in text
    assert "--threads N" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_help_and_a_value(name: str) -> None:
    command = COMMANDS[name]
    assert command.summary.endswith(".")
    for field in command.fields.values():
        assert field.option.help
        assert bool(field.option.value) == (field.kind is not bool), field.name
        assert all(len(line) <= WIDTH for line in pages.task_page(command, WIDTH).splitlines())


def test_the_options_page_is_current(checkout: Path) -> None:
    text = (checkout / "docs/options.md").read_text()
    assert text == pages.markdown(COMMANDS.values()), "run: ./inv --options > docs/options.md"
    for name in COMMANDS:
        assert f"`{name}`" in text


def test_the_choices_are_those_of_the_packages_that_read_them() -> None:
    from compilers.aot import OPTIMIZE, compile_model

    fields = fields_of(Request)
    assert KERNELS == engine.KERNELS, "the agent is a program of its own, so it has a table of its own"
    assert set(fields["runtime"].option.choices) == set(runtime.RUNTIMES)
    assert fields["optimize"].option.choices == OPTIMIZE
    assert {engine for engines in ENGINES_OF.values() for engine in engines} == set(ENGINES)
    assert fields["calibration_images"].default == convert.Settings().pictures
    assert fields["seed"].default == convert.Settings().seed
    for name in ("threads", "kernels", "runtime", "accept_new"):
        assert fields[name].default == getattr(agents.DEFAULT_OPTIONS, name)
    assert fields["optimize"].default == inspect.signature(compile_model).parameters["optimize"].default


# Nearest names


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        (["deploi"], "did you mean deploy?"),
        (["compare_engine"], "did you mean compare-engines?"),
        (["deploy", "--tagret", "x"], "did you mean --target?"),
        (["deploy", "--modle=v1_025"], "did you mean --model?"),
        (["build", "--target", "host"], "it is an option of fit, sweep, compile, deploy"),
        (["deploy", "v1_25"], "did you mean v1_025?"),
        (["deploy", "qemu-m"], "did you mean qemu-m"),
        (["--help", "deploi"], "did you mean deploy?"),
        (["--tagret"], "run ./inv --help"),
        (["deploy", "--zzz"], "./inv deploy --help lists them"),
        (["zzz"], "./inv lists them"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_name_ends_with_the_nearest(
    capsys: pytest.CaptureFixture[str], arguments: list[str], ending: str
) -> None:
    assert ending in error_of(capsys, *arguments).partition("; ")[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["deploy", "--target"], "--target: a value is missing; expected --target NAME"),
        (["deploy", "--target", "--fresh"], "--target: a value is missing"),
        (["deploy", "--fresh=yes"], "--fresh takes no value"),
        (["deploy", "--seed", "one"], "--seed one: expected a whole number, 0 or more"),
        (["deploy", "--seed=-1"], "--seed -1: expected a whole number, 0 or more"),
        (["deploy", "--threads", "0"], "--threads 0: expected a whole number, 1 to 1024, or `auto`"),
        (["deploy", "--images", "none"], "--images none: expected a whole number, 1 or more, or `all`"),
        (
            ["deploy", "--kernels", "xnpack"],
            "--kernels xnpack: expected xnnpack, builtin or reference; did you mean xnnpack?",
        ),
        (["deploy", "--input-range", "1,nan"], "--input-range 1,nan: expected two finite numbers, LOW below HIGH"),
        (["deploy", "--input-range", "1"], "--input-range 1: expected LOW,HIGH such as"),
        (["train", "--learning-rate", "x"], "--learning-rate x: expected a number, 0 or more"),
        (["doctor", "v1_025"], "v1_025: doctor takes options only"),
        (["deploy", "v1_025", "v2_035"], "v2_035: there is a model already, v1_025"),
        (["deploy", "--target", "host", "qemu-m4"], "qemu-m4: there is a target already, host"),
        (["explain", "qemu-m4"], "qemu-m4: not a model"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_value_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert message in error_of(capsys, *arguments)


# Reading


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("4", 4), ("auto", 0)])
def test_threads(text: str, number: int) -> None:
    assert fields_of(Request)["threads"].read(text) == number


@pytest.mark.parametrize("text", ["", "0", "-1", "many", "1.5", "99999999999", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_threads_that_are_not_a_number(text: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a whole number, 1 to 1024, or `auto`"):
        fields_of(Request)["threads"].read(text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["v1_025", "qemu-m4"], {"model": "v1_025", "target": "qemu-m4"}),
        (["qemu-m4", "v1_025"], {"model": "v1_025", "target": "qemu-m4"}),
        (["rpi4,rpi5"], {"target": "rpi4,rpi5"}),
        (["some/path.tflite", "--fresh", "host"], {"model": "some/path.tflite", "fresh": True, "target": "host"}),
        (["--input-range", "-1,1"], {"input_range": "-1,1"}),
        (["--input-range=-1,1"], {"input_range": "-1,1"}),
        (["--calibration_images=3"], {"calibration_images": "3"}),
        (["--with", "v2_035", "--labels="], {"with_": "v2_035", "labels": ""}),
    ],
)
def test_words_become_options(arguments: list[str], words: dict[str, str | bool]) -> None:
    ((command, typed),) = parse(["deploy", *arguments])
    assert command.name == "deploy"
    assert typed == words


def test_several_tasks_run_one_after_the_other() -> None:
    runs = parse(["build", "v1_025", "deploy", "--target", "host", "report"])
    assert [(command.name, dict(words)) for command, words in runs] == [
        ("build", {"model": "v1_025"}),
        ("deploy", {"target": "host"}),
        ("report", {}),
    ]


def test_a_word_that_is_a_model_and_a_target_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("target.names", lambda: ["v1_025"])
    with pytest.raises(ConfigError, match=r"v1_025: is a model and a target; say --model v1_025 or --target v1_025"):
        parse(["deploy", "v1_025"])


def test_typed_values_have_the_types_of_the_fields() -> None:
    words = {"threads": "auto", "images": "all", "with_": "a, b", "compiled": "x.tflite", "input_range": "-1,1"}
    request = read(Request, words)
    assert (request.threads, request.images, request.with_) == (0, 0, ("a", "b"))
    assert request.compiled == Path("x.tflite")
    assert request.input_range == (-1.0, 1.0)
    assert request.typed == words
    assert dataclasses.replace(request, typed={}) == Request(
        threads=0, images=0, with_=("a", "b"), compiled=Path("x.tflite"), input_range=(-1.0, 1.0)
    )


def test_ctrl_c_ends_with_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(as_json: bool, more: Sequence[object]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("console.doctor.print_doctor", interrupt)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "stopped; what was finished is kept\n"


# Plain invoke, and a shell's completion


def test_plain_invoke_runs_the_tasks_too(checkout: Path, tmp_path: Path) -> None:
    def invoke(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "invoke", "--search-root", str(checkout), *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=240, check=False)

    assert len(json.loads(invoke("targets", "--json").stdout)) > 5
    failed = invoke("explain", "--model", "v1_25")
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert failed.stderr.startswith("error: --model v1_25: expected a preset")
