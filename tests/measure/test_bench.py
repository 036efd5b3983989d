"""The verbs of a measurement, over a device that computes with LiteRT here and can be lost in mid-run."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from artifact import Artifact
from calibration import convert
from calibration.convert import Int8Facts
from datasets import Dataset
from deploy.info import Counter
from device_tests import tiny_model
from errors import ConfigError, DeviceError, LinkError
from measure import bench, layout, report_file
from measure.setup import prepare_pictures
from tests.measure.device import PICTURES, SETTINGS, Device, set_up


@pytest.fixture
def int8(tmp_path: Path, data: Dataset) -> Artifact[Int8Facts]:
    return convert.adopt(tiny_model.dense(tmp_path / "tiny.tflite", classes=4), data.class_names, None)


def test_a_whole_measurement(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    result = bench.measure(set_up(int8, data, "rpi4"), ["latency", "accuracy"], "./inv deploy")
    made = result.report
    report_file.check(made)
    assert made.exactness is not None
    assert (made.exactness.n, made.exactness.equal, made.exactness.max_abs_diff) == (PICTURES, PICTURES, 0)
    assert made.accuracy is not None
    assert made.accuracy.top1 == made.accuracy.host_top1
    assert made.latency is not None
    assert (made.latency.unit, made.latency.median, made.latency.n) == ("us", 2000.0, 200)
    assert made.memory == {"model_file": 7, "arena": 9, "stack_used": 5}
    assert made.linux is not None
    assert (made.linux.machine, made.linux.cores) == ("Raspberry Pi 4 Model B Rev 1.5", 2)
    assert made.engine.threads == 1
    assert made.provenance.artifacts["int8"] == int8.sha256
    assert device.is_closed


@pytest.mark.parametrize(("parts", "expected"), [(["latency"], (True, False)), (["accuracy"], (False, True))])
def test_only_what_was_asked_for_is_measured(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, parts: list[bench.Part], expected: tuple[bool, bool]
) -> None:
    made = bench.measure(set_up(int8, data, "rpi4"), parts, "").report
    assert (made.latency is not None, made.accuracy is not None) == expected
    assert (made.provenance.pictures is not None) == expected[1]


@pytest.mark.parametrize("name", ["rpi4", "qemu-m4"])
@pytest.mark.parametrize("is_wrong", [False, True])
def test_the_output_that_is_timed_is_compared(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, name: str, is_wrong: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    device.unit = "instructions" if name == "qemu-m4" else "ticks"
    device.__post_init__()
    if is_wrong:
        device.change = lambda answer: bytes([answer[0] ^ 1]) + answer[1:]
    setup = set_up(int8, data, name)
    made = bench.measure(replace(setup, settings=replace(setup.settings, fresh=True)), ["latency"], "").report
    report_file.check(made)
    assert made.exactness is not None
    assert (made.exactness.n, made.exactness.equal) == (1, 0 if is_wrong else 1)
    assert made.no_accuracy is None
    assert f"exactness  {made.exactness.equal} of 1 outputs equal to the reference" in capsys.readouterr().out
    assert bench.measure(setup, ["latency"], "").report.exactness == made.exactness, "also where counts are reused"


def test_a_timed_output_of_another_size_is_refused(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    device.change = lambda answer: answer[1:]
    with pytest.raises(DeviceError, match="the device answered 3 bytes, expected 4"):
        bench.measure(set_up(int8, data, "rpi4"), ["latency"], "")


@pytest.mark.parametrize(("end", "reason"), [(LinkError("gone"), "gone"), (KeyboardInterrupt(), "stopped by the user")])
def test_answers_before_the_end_are_kept(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, end: BaseException, reason: str
) -> None:
    device.lives, device.end = 5, end
    result = bench.measure(set_up(int8, data, "rpi4"), ["accuracy"], "")
    made = result.report
    report_file.check(made)
    assert made.exactness is not None
    assert (made.exactness.n, made.exactness.equal) == (5, 5)
    assert result.measurement.interrupted == f"after 5 of {PICTURES} pictures: {reason}"
    assert made.provenance.interrupted == result.measurement.interrupted
    assert "stack_used" not in made.memory


def test_the_next_run_goes_on_where_one_was_cut_short(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = set_up(int8, data, "rpi4")
    device.lives = 5
    bench.measure(setup, ["accuracy"], "").measurement.forget()
    device.lives, device.is_lost = 10**9, False
    result = bench.measure(setup, ["accuracy"], "")
    assert device.inferences == PICTURES, "no picture is measured twice"
    assert result.report.exactness is not None
    assert result.report.exactness.equal == PICTURES
    assert result.report.provenance.resumed_pictures == 5
    assert ("resumed", "5 pictures are from earlier, interrupted runs") in layout.rows(result.report)
    assert f"goes on behind 5 of {PICTURES} pictures" in capsys.readouterr().out
    again = bench.measure(setup, ["accuracy"], "")
    assert again.report.provenance.resumed_pictures == PICTURES, "until the report is written"
    again.measurement.forget()
    assert bench.measure(setup, ["accuracy"], "").report.provenance.resumed_pictures is None
    assert device.inferences == 2 * PICTURES


def test_a_changed_model_or_data_set_begins_again_and_says_what_differs(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = set_up(int8, data, "rpi4")
    device.lives = 5
    bench.measure(setup, ["accuracy"], "")
    other = replace(setup, compiled=replace(setup.compiled, sha256="ef" * 32), settings=replace(SETTINGS, seed=1))
    device.lives, device.is_lost = 10**9, False
    assert bench.measure(other, ["accuracy"], "").report.provenance.resumed_pictures is None
    text = " ".join(capsys.readouterr().out.split())
    assert "a run that was cut short measured something else (firmware " in text
    assert "efefefefefef now; data " in text


def test_a_device_that_comes_back_ends_the_run_with_a_full_report(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = set_up(int8, data, "rpi4")
    setup = replace(setup, settings=replace(SETTINGS, give_up_s=60))
    device.comes_back_with = 4
    device.lives = 4
    made = bench.measure(setup, ["accuracy"], "").report
    assert made.exactness is not None
    assert made.exactness.equal == PICTURES == device.inferences
    assert made.provenance.reconnects == 2
    assert made.provenance.interrupted is None
    assert ("reconnected", "the device was lost 2 times and came back") in layout.rows(made)
    text = " ".join(capsys.readouterr().out.split())
    assert "device lost (gone); waits for it for up to 60 s" in text
    assert "device is back after" in text


def test_another_device_that_comes_back_is_refused(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    setup = set_up(int8, data, "rpi4")
    setup = replace(setup, settings=replace(SETTINGS, give_up_s=60))
    device.lives, device.comes_back_with, device.comes_back_as = 4, 100, {"unit": "b2"}
    result = bench.measure(setup, ["accuracy"], "")
    expected = "another device is there now (unit None before, b2 now); connect the first one again"
    assert expected in result.measurement.interrupted
    assert len(result.measurement.outputs.raw) == 4  # type: ignore[union-attr]


def test_a_device_that_is_lost_before_any_answer_raises(
    int8: Artifact[Int8Facts], data: Dataset, device: Device
) -> None:
    device.lives = 0
    with pytest.raises(LinkError, match="gone"):
        bench.measure(set_up(int8, data, "rpi4"), ["accuracy"], "")


@pytest.mark.parametrize(("name", "is_reused"), [("qemu-rpi4", True), ("host", True), ("rpi4", False)])
def test_outputs_are_reused_where_they_must_be_equal(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, name: str, is_reused: bool
) -> None:
    setup = set_up(int8, data, name)
    first = bench.measure(setup, ["accuracy"], "")
    first.measurement.forget()
    before = device.inferences
    second = bench.measure(setup, ["accuracy"], "")
    assert (device.inferences == before) == is_reused
    assert second.measurement.outputs is not None
    assert second.measurement.outputs.is_reused == is_reused
    assert second.report.exactness == first.report.exactness
    again = bench.measure(replace(setup, settings=replace(setup.settings, fresh=True)), ["accuracy"], "")
    assert again.measurement.outputs is not None
    assert not again.measurement.outputs.is_reused


def test_the_time_of_an_emulated_linux_board_is_not_reported(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    made = bench.measure(set_up(int8, data, "qemu-rpi4"), ["latency"], "").report
    report_file.check(made)
    assert made.latency is None
    assert "no latency: the time of qemu-rpi4 is its emulator's" in capsys.readouterr().out
    device.unit = "instructions"
    device.__post_init__()
    counted = bench.measure(set_up(int8, data, "qemu-m4"), ["latency"], "").report
    assert counted.latency is not None
    assert (counted.latency.unit, counted.linux, counted.engine.threads) == ("instructions", None, None)


def test_the_fastest_number_of_threads_is_chosen(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    made = bench.measure(set_up(int8, data, "rpi4", threads=0), ["latency"], "").report
    assert device.opened == [1, 2, 2]
    assert made.engine.threads == 2
    assert made.linux is not None
    assert [trial.median_us for trial in made.linux.threads_tried or ()] == [2000.0, 1000.0]
    with pytest.raises(ConfigError, match="--threads auto: an emulator's time says nothing"):
        bench.measure(set_up(int8, data, "qemu-rpi4", threads=0), ["latency"], "")


def test_pictures_are_the_same_each_time_and_all_of_them_for_zero(int8: Artifact[Int8Facts], data: Dataset) -> None:
    setup = set_up(int8, data, "rpi4")
    first, second = prepare_pictures(setup), prepare_pictures(setup)
    assert first.digest == second.digest
    assert len(first.inputs) == PICTURES
    assert first.inputs.dtype.name == "int8"
    assert first.truth is not None
    everything = prepare_pictures(replace(setup, settings=replace(SETTINGS, images=0)))
    assert len(everything.inputs) == len(data.test)


@pytest.mark.parametrize(("name", "unit", "is_reused"), [("qemu-m4", "instructions", True), ("rpi4", "ticks", False)])
def test_counts_of_an_emulator_are_reused_and_times_are_not(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, home: Path, name: str, unit: str, is_reused: bool
) -> None:
    shutil.rmtree(home / "build" / "counts", ignore_errors=True)
    device.info = replace(device.info, counter=Counter("timer", 25_000_000, unit))
    device.stack_used = 7
    setup = set_up(int8, data, name)
    first = bench.measure(setup, ["latency"], "")
    before, device.stack_used = device.runs, 3
    second = bench.measure(setup, ["latency"], "")
    assert (device.runs == before) == is_reused
    assert (second.measurement.stats.stack_used == 7) == is_reused, "an idle device has used less of its stack"
    assert second.report.latency == first.report.latency
    bench.measure(replace(setup, settings=replace(setup.settings, fresh=True)), ["latency"], "")
    assert device.runs > before
