"""Inferences: the bytes that come out, for inputs written in every way that the protocol allows."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import numpy as np
import pytest

from deploy.frames import CHUNK, GRANULE, MAP, MAP_BEFORE, STORED, WITH_MAP, Code, Type
from deploy.session import Refused, Session
from device_tests.inputs import CORNERS, corner_example
from device_tests.support import DeviceUnderTest


@pytest.mark.parametrize("name", CORNERS)
def test_known_answers(device: DeviceUnderTest, name: str) -> None:
    data = corner_example(device.session.info.inputs, name)
    assert device.session.infer(data).output_bytes == device.reference(data)


def test_all_pictures_have_the_references_bytes(
    device: DeviceUnderTest, record_property: Callable[[str, object], None]
) -> None:
    inputs = device.inputs(device.count)
    outputs = [device.session.infer(data).output_bytes for data in inputs]
    equal = sum(output == device.reference(data) for output, data in zip(outputs, inputs, strict=True))
    record_property("equal", f"{equal} of {len(inputs)}")
    whose = f"LiteRT's {device.oracle_kernels} kernels" if device.is_exact else "the first answers"
    assert equal == len(inputs), f"{equal} of {len(inputs)} equal {whose}"
    assert len(set(outputs)) > 1 or len(inputs) == 1, "every picture has the same output: this compares nothing"


@pytest.mark.needs("host reference")
def test_each_answer_is_nearest_to_the_references_of_its_picture(device: DeviceUnderTest) -> None:
    """No bound on a difference is assumed: an Edge TPU rounds as it does. A wrong network or picture is far off."""
    if device.is_exact:
        pytest.skip(f"{device.target.name}: every byte is compared")
    dtype = np.dtype(device.session.info.outputs[0].dtype)
    inputs = device.inputs(device.count)
    expected = np.stack([np.frombuffer(device.host_reference(data), dtype).astype(np.float64) for data in inputs])
    for number, data in enumerate(inputs):
        output = np.frombuffer(device.session.infer(data).output_bytes, dtype).astype(np.float64)
        distances = np.abs(expected - output).sum(axis=1)
        assert distances[number] == distances.min(), f"answer {number} is nearer to that of {distances.argmin()}"


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


def write(session: Session, part: tuple[int, int, bytes]) -> None:
    tensor, offset, data = part
    session.request(Type.WRITE, struct.pack("<BI", tensor, offset) + data)


def chunks(device: DeviceUnderTest, data: bytes) -> list[tuple[int, int, bytes]]:
    """Return tensor, offset and bytes of each chunk: some twenty for an input, so that slow lines stay usable."""
    parts = []
    for tensor, whole in enumerate(device.tensors(data)):
        most = (device.session.info.max_payload - 5) // 64 * 64
        step = min(most, max(64, len(whole) // 20 // 64 * 64))
        parts += [(tensor, at, whole[at : at + step]) for at in range(0, len(whole), step)]
    return parts


@pytest.mark.needs("whole input")
@pytest.mark.parametrize("order", ["backwards", "shuffled", "each twice"])
def test_chunks_may_come_in_any_order_and_again(device: DeviceUnderTest, order: str) -> None:
    data = device.inputs(2)[1]
    expected = device.reference(data)
    parts = chunks(device, data)
    if order == "backwards":
        parts.reverse()
    elif order == "shuffled":
        random.Random(4).shuffle(parts)
    else:
        parts = [part for part in parts for _ in range(2)]
    for part in parts:
        write(device.session, part)
    device.session.run()
    assert device.session.read_outputs() == expected


@pytest.mark.needs("streamed input")
def test_a_streamed_input_may_be_begun_again(device: DeviceUnderTest) -> None:
    first, second = device.inputs(2)
    expected = device.reference(second)
    for part in chunks(device, first)[:-1]:
        write(device.session, part)
    for part in chunks(device, second):
        write(device.session, part)
    device.session.run()
    assert device.session.read_outputs() == expected


def test_a_write_answers_what_else_is_stored(device: DeviceUnderTest) -> None:
    session, data = device.session, device.inputs(1)[0]
    granules = -(-len(data) // GRANULE)
    if not session.info.write_map or session.info.input_streamed or granules < 4:
        pytest.skip("needs write_map in INFO, and an input of 4 granules that is not streamed")
    device.answers_right()
    written = sorted(random.Random(5).sample(range(granules), min(granules - 1, 40)))
    for granule in written:
        begin = granule * GRANULE
        chunk = data[begin : begin + GRANULE]
        reply = session.request(Type.WRITE, CHUNK.pack(WITH_MAP, begin) + chunk)
        first = max(0, granule - MAP_BEFORE)
        stored = [g for g in written if first <= g <= granule]
        expected = sum(1 << (g - first) for g in stored)
        assert reply == STORED.pack(WITH_MAP, begin, len(chunk)) + MAP.pack(expected)


def test_a_later_write_replaces_an_earlier_one(device: DeviceUnderTest) -> None:
    first, second = device.inputs(2)
    expected = device.reference(second)
    device.session.write_inputs(first)
    device.session.write_inputs(second)
    device.session.run()
    assert device.session.read_outputs() == expected


@pytest.mark.needs("whole input")
def test_a_hole_in_the_input_is_noticed(device: DeviceUnderTest) -> None:
    data = device.inputs(1)[0]
    expected = device.reference(data)
    parts = chunks(device, data)
    assert device.answers_right()
    missing = parts.pop(len(parts) // 2)
    for part in parts:
        write(device.session, part)
    with pytest.raises(Refused) as refused:
        device.session.run()
    assert refused.value.code == Code.INPUT
    write(device.session, missing)
    device.session.run()
    assert device.session.read_outputs() == expected


def test_the_output_can_be_read_in_parts_and_again(device: DeviceUnderTest) -> None:
    data = device.inputs(1)[0]
    expected = device.reference(data)[: device.session.info.outputs[0].nbytes]
    device.session.infer(data)
    for offset, size in ((0, 1), (1, len(expected) - 1), (len(expected) - 1, 1)):
        reply = device.session.request(Type.READ, struct.pack("<BIH", 0, offset, size))
        assert reply == struct.pack("<BI", 0, offset) + expected[offset : offset + size]
    assert device.session.read_output() == expected


@pytest.mark.needs("input_preserved")
def test_one_input_can_be_run_many_times(device: DeviceUnderTest) -> None:
    data = device.inputs(1)[0]
    expected = device.reference(data)
    device.session.write_inputs(data)
    assert len(device.session.run(5)) == 5
    assert device.session.read_outputs() == expected
    device.session.run()
    assert device.session.read_outputs() == expected


def test_an_engine_that_overwrites_its_input_needs_a_new_one(device: DeviceUnderTest) -> None:
    if device.session.info.input_preserved:
        pytest.skip(f"{device.target.name}: the engine keeps its input")
    device.session.infer(device.inputs(1)[0])
    with pytest.raises(Refused) as refused:
        device.session.run()
    assert refused.value.code == Code.INPUT
    assert device.answers_right()
