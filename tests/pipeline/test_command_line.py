"""`inv` as a user runs it: what each mistake gets, and that nothing is left half-written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from artifact import Artifact
from calibration.convert import Int8Facts
from models import checkpoint
from tests.pipeline.small import (
    CLASSES,
    PRESET,
    SHARED_DATA,
    call_inv,
    inv,
    leftovers,
    one_line,
    options,
    report_of,
    save_folder,
)
from tests.schemas import checked

T = TypeVar("T")
VWW = SHARED_DATA / "mlperf_vww_96_int8.tflite"
needs_vww = pytest.mark.skipif(not VWW.is_file(), reason="needs ../shared/data/mlperf_vww_96_int8.tflite")


# Mistakes that are reported before anything slow is done


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["deploy", "--model", "v1_25"], ["--model v1_25", "did you mean v1_025"]),
        (["deploy", "--model", "v1_900"], ["alpha of v1 is 0.1 to 1.0, got 9.0"]),
        (["explain", "--model", "v2_035_100"], ["rho is a multiple of 32 from 32 to 320", "got 100"]),
        (["models", "--rho", "33"], ["rho is a multiple of 32", "got 33"]),
        (["models", "--rho", "big"], ["--rho big"]),
        (["deploy", "--target", "hots"], ["hots", "did you mean host"]),
        (["deploy", "--data", "fashion_minst"], ["--data fashion_minst", "did you mean fashion_mnist"]),
        (["deploy", "--data", "folder:/nowhere"], ["folder:/nowhere"]),
        (["deploy", "--data", "npz:/nowhere.npz"], ["npz:/nowhere.npz"]),
        (["deploy", "--model", "nowhere.tflite"], ["--model nowhere.tflite: no such file"]),
        (["deploy", "--model", "nowhere.keras"], ["--model nowhere.keras: no such file"]),
        (["build", "--weights", "nowhere.h5"], ["--weights nowhere.h5: no such file"]),
        (["deploy", "--images", "none"], ["--images none"]),
        (["deploy", "--images", "0"], ["--images 0"]),
        (["deploy", "--target", "qemu-m4", "--optimize", "sped"], ["--optimize sped", "did you mean speed"]),
        (
            ["deploy", "--target", "host", "--optimize", "speed"],
            ["--optimize speed: host (litert) does not use it; it is for --engine aot; leave --optimize out"],
        ),
        (["calibrate", "--calibration-images", "0"], ["--calibration-images 0"]),
        (["report", "--model", "v9"], ["no report yet"]),
        (["train", "--stages", "x"], ["--stages x"]),
        (["build", "--input-range", "1,nan"], ["--input-range 1,nan"]),
        (["build", "--labels", "nowhere.txt"], ["--labels nowhere.txt: no such file"]),
        (["build", "--labels", "a,a"], ["--labels a,a"]),
        (["build", "--labels", "n" * 300 + "," + "m" * 300, "--model", "v0_100"], ["--model v0_100"]),
    ],
    ids=lambda v: " ".join(v)[:40],
)
def test_a_mistake_is_one_line(home: Path, npz: Path, arguments: list[str], expected: list[str]) -> None:
    if "--data" not in arguments and arguments[0] in ("deploy", "calibrate", "build", "train"):
        arguments = [*arguments, "--data", f"npz:{npz}"]
    if arguments[0] == "build" and "--weights" not in arguments:
        arguments = [*arguments, "--weights", "random"]
    one_line(call_inv(home, *arguments), *expected)
    assert leftovers(home) == []


@needs_vww
@pytest.mark.slow
def test_fit_tells_each_aim_apart(home: Path) -> None:
    arguments = ["fit", "--model", VWW, "--labels", "person,none", "--target", "qemu-m4"]
    done = call_inv(home, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    aims = checked("fit", done.stdout)["qemu-m4"]
    assert list(aims) == [f"{aim}{rows}" for rows in ("", " --stream-input") for aim in ("size", "speed", "ram")]
    assert aims["size"]["weights_bytes"] < aims["speed"]["weights_bytes"]
    assert aims["ram"]["arena_bytes"] <= min(aims["size"]["arena_bytes"], aims["speed"]["arena_bytes"])
    streamed = aims["size --stream-input"]
    assert aims["ram --stream-input"]["arena_bytes"] < streamed["arena_bytes"] < aims["size"]["arena_bytes"]
    assert aims["ram --stream-input"]["macs"] > streamed["macs"]
    assert aims["size"]["fits"]
    shown = call_inv(home, *arguments).stdout
    assert f"{aims['speed']['weights_bytes']:,}" in shown
    one_line(
        call_inv(home, "fit", "--model", VWW, "--labels", "person,none", "--target", "rpi4"),
        "rpi4: is not a microcontroller",
    )


@pytest.mark.parametrize("task", ["models", "explain", "targets"])
def test_listings_are_whole_and_import_no_tensorflow(task: str, home: Path) -> None:
    done = inv(home, task, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0, done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pipeline.command_line" in imported
    assert not imported & {"tensorflow", "keras", "invoke"}
    plain = checked(task, call_inv(home, task, "--json").stdout)
    assert len(plain["rows"] if task == "explain" else plain) > 5


def test_an_empty_folder_and_one_without_pictures(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "cat").mkdir(parents=True)
    for name in ("empty", "hollow"):
        one_line(call_inv(home, "deploy", "--weights", "random", "--data", f"folder:{tmp_path / name}"), name)


def test_a_folder_with_one_picture_a_class(home: Path, tmp_path: Path) -> None:
    """All of them are for testing then, and nothing is left to calibrate with."""
    root = save_folder(tmp_path / "scant", count=1)
    done = call_inv(home, "deploy", "--model", PRESET, "--weights", "random", "--plain", "--data", f"folder:{root}")
    one_line(done, "has 0 to train", "give at least 2 for each class")


def test_weights_of_another_network(home: Path, tmp_path: Path, npz: Path) -> None:
    facts = checkpoint.CheckpointFacts("v1_050_32", 4, 3, CLASSES, (-1.0, 1.0), "npz:four.npz")
    checkpoint.save(tmp_path / "other.npz", {"conv1/kernel": np.zeros((3, 3, 3, 16), np.float32)}, facts)
    arguments = ["build", "--model", PRESET, "--data", f"npz:{npz}", "--weights", tmp_path / "other.npz"]
    one_line(call_inv(home, *arguments), "weights are of v1_050_32, not of v1_025_32")

    # One that says it is of this network and is not
    checkpoint.save(
        tmp_path / "liar.npz", {"conv1/kernel": np.zeros((3, 3, 3, 16), np.float32)}, replace(facts, preset=PRESET)
    )
    one_line(call_inv(home, *arguments[:-1], tmp_path / "liar.npz"), "not of v1_025_32", "conv1/kernel has shape")
    assert leftovers(home) == []


def test_imagenet_weights_without_a_network(
    home: Path, npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name resolves and nothing is cached: as on a machine that is off the net."""
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    monkeypatch.setattr("urllib.request._opener", None)  # it would go on with the proxies of an earlier request
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"class {i}\n" for i in range(1000)))
    done = call_inv(
        home, "build", "--model", "v1_025", "--weights", "imagenet", "--data", f"npz:{npz}", "--labels", labels,
        HTTPS_PROXY="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9",
    )  # fmt: skip
    one_line(done, "--weights imagenet: Keras could not download them", "try again with a network")
    assert leftovers(home) == []


# The whole way


def test_deploy_measures_and_the_second_run_reuses(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    arguments = ["deploy", *options(npz), "--images", "40"]
    first = call_inv(home, *arguments)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    report = report_of(home, PRESET)
    assert report["target"]["measured_on"] == "host"
    assert report["model"]["sha256"] == int8.sha256
    assert report["latency"]["n"] == 200
    assert report["accuracy"]["n"] == report["exactness"]["n"] == 40
    assert report["exactness"]["equal"] == 40
    assert report["accuracy"]["top1"] == report["accuracy"]["host_top1"]
    assert "interrupted" not in report["provenance"]

    second = inv(home, *arguments, PYTHONPROFILEIMPORTTIME="1")
    assert second.returncode == 0
    steps: dict[str, str] = {}
    for line in filter(str.strip, second.stdout.splitlines()):
        steps.setdefault(line.split()[0], line)
    for step in ("build", "calibrate", "compile", "reference", "accuracy"):
        assert steps[step].endswith("reused"), steps[step]
    imported = {line.rpartition("|")[2].strip() for line in second.stderr.splitlines()}
    assert not imported & {"tensorflow", "keras"}

    shown = call_inv(home, "report", "--model", PRESET)
    assert "top-1" in shown.stdout
    assert checked("report", call_inv(home, "report", "--model", PRESET, "--json").stdout) == report_of(home, PRESET)
    one_line(call_inv(home, "report", "--model", "v1_025_23"), "did you mean host/v1_025_32?")


def test_json_is_the_report_and_nothing_else_on_its_last_line(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    done = call_inv(home, "deploy", *options(npz), "--json")
    report = checked("deploy", done.stdout)
    assert "latency" in report
    assert "accuracy" in report


def test_one_corrupt_picture_among_many(home: Path, mine: Path, tmp_path: Path) -> None:
    root = save_folder(tmp_path / "photos", suffix=".jpg")
    broken = root / "left" / "005.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    arguments = ["--model", mine, "--input-range=-1,1", "--calibration-images", "16", "--plain"]
    done = call_inv(home, "deploy", *arguments, "--data", f"folder:{root}", "--images", "all")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    note = next(line for line in done.stdout.splitlines() if line.startswith("note"))
    assert "1 picture" in note
    assert "005.jpg" in note
    assert report_of(home, "mine")["provenance"]["damaged_pictures"] == 1


@needs_vww
def test_an_int8_model_of_others_with_pictures_of_one_s_own(home: Path, tmp_path: Path) -> None:
    root = save_folder(tmp_path / "people", count=10, classes=("non_person", "person"))
    done = call_inv(home, "deploy", "--model", VWW, "--data", f"folder:{root}", "--images", "all")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = report_of(home, VWW.stem)
    assert report["accuracy"]["n"] == report["exactness"]["equal"] == 4
    assert "parameters" not in report["model"]


def test_a_tflite_is_no_keras_network_and_has_its_own_weights(home: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    arguments = ["--model", int8.path, "--data", f"npz:{npz}", "--input-range=-1,1"]
    one_line(call_inv(home, "build", *arguments), "has no Keras network")
    one_line(call_inv(home, "calibrate", *arguments, "--layers"), "has no Keras network")
    one_line(call_inv(home, "deploy", *arguments, "--weights", "random"), "has its own")


@pytest.mark.skipif(not (SHARED_DATA / "coral_model_invoking_error.tflite").is_file(), reason="needs ../shared/data")
def test_a_model_that_can_t_be_invoked(home: Path, npz: Path) -> None:
    one_line(
        call_inv(home, "deploy", "--model", SHARED_DATA / "coral_model_invoking_error.tflite", "--data", f"npz:{npz}")
    )


def test_a_tflite_that_is_none_or_cut(home: Path, tmp_path: Path, npz: Path, int8: Artifact[Int8Facts]) -> None:
    raw = int8.path.read_bytes()
    for name, content, expected in (
        ("text", b"hello", "not a .tflite"),
        ("empty", b"", "not a .tflite"),
        ("cut", raw[: len(raw) // 2], "cut.tflite"),
        ("head", raw[:64], "head.tflite"),
    ):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(content)
        one_line(call_inv(home, "deploy", "--model", path, "--data", f"npz:{npz}"), expected)
    assert leftovers(home) == []
