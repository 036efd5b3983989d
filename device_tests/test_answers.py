"""Inferences: the bytes that come out, for inputs written in every way that the protocol allows."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import numpy as np
import pytest

from deploy.frames import Code, Type
from deploy.session import Refused, Session
from device_tests.support import DeviceUnderTest, random_input


def corner_inputs(dtype: str, shape: tuple[int, ...], zero_point: int) -> dict[str, bytes]:
    size = int(np.prod(shape))
    if dtype == "float32":
        low, high, middle = -1.0, 1.0, 0.0
    else:
        info = np.iinfo(np.dtype(dtype))
        low, high, middle = float(info.min), float(info.max), float(zero_point)
    values = {
        "lowest": np.full(size, low),
        "highest": np.full(size, high),
        "zero": np.full(size, middle),
        "checker": np.where(np.arange(size) % 2, low, high),
        "ramp": np.linspace(low, high, size),
    }
    return {
        name: np.rint(v).astype(dtype).tobytes() if dtype != "float32" else v.astype(dtype).tobytes()
        for name, v in values.items()
    }


@pytest.mark.parametrize("name", ["lowest", "highest", "zero", "checker", "ramp", "random"])
def test_known_answers(device: DeviceUnderTest, name: str) -> None:
    spec = device.session.info.inputs[0]
    inputs = corner_inputs(spec.dtype, spec.shape, spec.zero_point)
    inputs["random"] = random_input(spec.dtype, spec.shape, 99).tobytes()
    assert device.session.infer(inputs[name]).output_bytes == device.reference(inputs[name])


def test_all_pictures_have_the_references_bytes(
    device: DeviceUnderTest, record_property: Callable[[str, object], None]
) -> None:
    inputs = device.inputs(device.count)
    outputs = [device.session.infer(data).output_bytes for data in inputs]
    equal = sum(output == device.reference(data) for output, data in zip(outputs, inputs, strict=True))
    record_property("equal", f"{equal} of {len(inputs)}")
    assert equal == len(inputs), f"{equal} of {len(inputs)} equal LiteRT's {device.oracle_kernels} kernels"
    assert len(set(outputs)) > 1 or len(inputs) == 1, "every picture has the same output: this compares nothing"


@pytest.mark.needs("labels")
def test_accuracy_is_the_references(device: DeviceUnderTest, record_property: Callable[[str, object], None]) -> None:
    labels = device.pictures.labels
    assert labels is not None
    dtype = np.dtype(device.session.info.outputs[0].dtype)
    assert len(device.session.info.outputs) == 1
    inputs = device.inputs(device.count)
    classes = [int(np.argmax(np.frombuffer(device.session.infer(data).output_bytes, dtype))) for data in inputs]
    expected = [int(np.argmax(np.frombuffer(device.reference(data), dtype))) for data in inputs]
    top1 = sum(a == b for a, b in zip(classes, labels, strict=True))
    record_property("top1", f"{top1} of {len(inputs)}")
    assert top1 == sum(a == b for a, b in zip(expected, labels, strict=True))


def test_the_same_input_gives_the_same_output(device: DeviceUnderTest) -> None:
    first, second = device.inputs(2)
    answers = [device.session.infer(data).output_bytes for data in (first, second, first, second)]
    assert answers[:2] == answers[2:]


def write(session: Session, offset: int, data: bytes) -> None:
    session.request(Type.WRITE, struct.pack("<BI", 0, offset) + data)


def chunks(data: bytes, step: int = 64) -> list[tuple[int, bytes]]:
    return [(at, data[at : at + step]) for at in range(0, len(data), step)]


def step_of(session: Session, data: bytes) -> int:
    """A step that makes some twenty chunks, so that slow lines stay usable."""
    most = (session.info.max_payload - 5) // 64 * 64
    return min(most, max(64, len(data) // 20 // 64 * 64))


@pytest.mark.parametrize("order", ["backwards", "shuffled", "each twice"])
def test_chunks_may_come_in_any_order_and_again(device: DeviceUnderTest, order: str) -> None:
    data = device.inputs(2)[1]
    parts = chunks(data, step_of(device.session, data))
    if order == "backwards":
        parts.reverse()
    elif order == "shuffled":
        random.Random(4).shuffle(parts)
    else:
        parts = [part for part in parts for _ in range(2)]
    for offset, chunk in parts:
        write(device.session, offset, chunk)
    device.session.run()
    assert device.session.read_outputs() == device.reference(data)


def test_a_later_write_replaces_an_earlier_one(device: DeviceUnderTest) -> None:
    first, second = device.inputs(2)
    device.session.write_input(first)
    device.session.write_input(second)
    device.session.run()
    assert device.session.read_outputs() == device.reference(second)


def test_a_hole_in_the_input_is_noticed(device: DeviceUnderTest) -> None:
    data = device.inputs(1)[0]
    parts = chunks(data, step_of(device.session, data))
    assert device.answers_right()
    missing = parts.pop(len(parts) // 2)
    for offset, chunk in parts:
        write(device.session, offset, chunk)
    with pytest.raises(Refused) as refused:
        device.session.run()
    assert refused.value.code == Code.INPUT
    write(device.session, *missing)
    device.session.run()
    assert device.session.read_outputs() == device.reference(data)


def test_the_output_can_be_read_in_parts_and_again(device: DeviceUnderTest) -> None:
    data = device.inputs(1)[0]
    device.session.infer(data)
    expected = device.reference(data)[: device.session.info.outputs[0].nbytes]
    for offset, size in ((0, 1), (1, len(expected) - 1), (len(expected) - 1, 1)):
        reply = device.session.request(Type.READ, struct.pack("<BIH", 0, offset, size))
        assert reply == struct.pack("<BI", 0, offset) + expected[offset : offset + size]
    assert device.session.read_output() == expected


@pytest.mark.needs("input_preserved")
def test_one_input_can_be_run_many_times(device: DeviceUnderTest) -> None:
    data = device.inputs(1)[0]
    device.session.write_input(data)
    assert len(device.session.run(5)) == 5
    assert device.session.read_outputs() == device.reference(data)
    device.session.run()
    assert device.session.read_outputs() == device.reference(data)


def test_an_engine_that_overwrites_its_input_needs_a_new_one(device: DeviceUnderTest) -> None:
    if device.session.info.input_preserved:
        pytest.skip(f"{device.target.name}: the engine keeps its input")
    device.session.infer(device.inputs(1)[0])
    with pytest.raises(Refused) as refused:
        device.session.run()
    assert refused.value.code == Code.INPUT
    assert device.answers_right()
