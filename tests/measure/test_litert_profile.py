"""`inv profile` with LiteRT: nodes against the interpreter's own list, what its library may answer, and the profile."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from ctypes import c_ubyte
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tasks  # noqa: F401  # makes the commands
from deploy.agent import profiler
from deploy.agents import PROFILER
from device_tests import tiny_model
from device_tests.support import host_target
from errors import DeviceError, GraphError
from fields import Fields, Source, load_json
from fields.dataclass_json import to_json
from graph import litert_c
from graph.litert_c import DEFAULT, DELEGATED, OPERATOR, UNTOUCHED, Event, events_in
from graph.litert_profiler import Node, NodeTimes, inferences_in, means
from graph.oracle import Oracle
from graph.reader import read
from graph.types import Graph, Operator
from measure import litert_profile, profile_layout
from pipeline.command_line import main
from process import Finished
from tests.measure.test_trace import SIDE, network
from tests.pipeline.small import at_home
from tests.schemas import checked

HOST = host_target()
INPUT = bytes(SIDE * SIDE * 3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network(tmp_path_factory.mktemp("profiled") / "small.tflite")


@pytest.fixture(scope="module")
def graph(model: Path) -> Graph:
    return read(model)


def test_nodes_are_the_operators_of_the_interpreter_and_add_up_to_the_whole(model: Path, graph: Graph) -> None:
    times = profiler.measure(str(model), INPUT, 1, "builtin", profiler.BATCH)
    details = Oracle(model, "builtin")._interpreter._get_ops_details()
    assert [(node.index, node.name) for node in times.nodes] == [(d["index"], d["op_name"]) for d in details]
    made = litert_profile.profile_of(times, graph, HOST, "builtin")
    assert [layer.operator for layer in made.layers] == [*range(len(graph.operators)), None]
    assert [layer.macs for layer in made.layers[:-1]] == [graph.macs(operator) for operator in graph.operators]
    for layer, node in zip(made.layers, times.nodes, strict=False):
        assert layer.per_mac == (pytest.approx(node.us / layer.macs, abs=1e-9) if layer.macs else None)
    assert made.sum == pytest.approx(made.whole, rel=0.01)
    assert (made.runs, made.engine) == (profiler.BATCH, f"litert {metadata.version('ai-edge-litert')}")


def test_the_task_gives_the_profile_of_xnnpack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tiny_model.convolution(tmp_path / "two.tflite")
    with at_home(tmp_path):
        assert main(["profile", "--model", str(path), "--target", "host", "--json"]) == 0
    form = checked("profile", capsys.readouterr().out)
    (path,) = tmp_path.rglob("profile.json")
    assert json.loads(path.read_text()) == form
    assert form["sum"] == pytest.approx(form["whole"], rel=0.01)
    assert (form["kernels"], form["unit"], form["counter"]) == ("xnnpack", "us", PROFILER)
    assert form["ordinary"] > 0
    *nodes, rest = form["layers"]
    assert (rest["name"], rest["operator"]) == (litert_profile.OUTSIDE, None)
    assert all("(NHWC, QS8)" in node["name"] for node in nodes), "XNNPACK's own names"
    assert [node["operator"] for node in nodes] == [0, 1]
    overlay = json.loads(next(tmp_path.rglob("model_explorer.json")).read_text())
    assert set(overlay["results"]) == {"map8", "map4"}


def test_nodes_of_xnnpack_have_its_own_names(model: Path, graph: Graph) -> None:
    times = profiler.measure(str(model), INPUT, 1, "xnnpack", profiler.BATCH)
    made = litert_profile.profile_of(times, graph, HOST, "xnnpack")
    assert any("(NHWC, QC8)" in layer.name for layer in made.layers)
    assert made.sum == pytest.approx(made.whole, rel=0.01)


def test_bytes_of_another_size_than_the_inputs_are_refused(model: Path) -> None:
    with pytest.raises(GraphError, match=r"LiteRT's inputs: expected 432 bytes, got 431"):
        profiler.measure(str(model), INPUT[1:], 1, "xnnpack", 1)


def delegated(*names: str) -> list[Node]:
    return [Node(name, i, True, 1.0) for i, name in enumerate(names)]


CONV, DEEP = "Convolution (NHWC, QC8) IGEMM", "Convolution (NHWC, QC8) DWConv"
ONE, ADD = "Fully Connected (NC, QS8, QC8W) GEMM", "Add (ND)"


def names_of(graph: Graph) -> list[str]:
    """Return what XNNPACK would call the operators of the network."""
    depths = {"CONV_2D": CONV, "DEPTHWISE_CONV_2D": DEEP}
    return [depths.get(o.name, litert_profile.XNNPACK_NAMES.get(o.name, o.name) + " (ND)") for o in graph.operators]


def mixed(graph: Graph) -> list[Node]:
    """Return nodes of XNNPACK, and of LiteRT where XNNPACK has none for an operator."""
    return [
        Node(name if operator.name in litert_profile.XNNPACK_NAMES else operator.name, i,
             operator.name in litert_profile.XNNPACK_NAMES, 1.0)
        for i, (name, operator) in enumerate(zip(names_of(graph), graph.operators, strict=True))
    ]  # fmt: skip


def test_nodes_of_xnnpack_are_operators_only_where_all_names_agree(graph: Graph) -> None:
    nodes, count = mixed(graph), len(graph.operators)
    own = [None if node.is_delegated else i for i, node in enumerate(nodes)]
    assert any(index is not None for index in own)
    assert litert_profile.operators_of(nodes, graph) == list(range(count))
    added = [*nodes[:2], Node("Clamp (NC)", 2, True, 1.0), *nodes[2:]]
    assert litert_profile.operators_of(added, graph) == [0, 1, None, *range(2, count)]
    other = [*nodes[:1], Node("Surprise (ND)", 1, True, 1.0), *nodes[2:]]
    assert litert_profile.operators_of(other, graph) == own
    assert litert_profile.operators_of(nodes[1:], graph) == own[1:], "one is left over"
    assert litert_profile.operators_of([*nodes, Node("X", 99, False, 1.0)], graph) == [*own, None]


def test_nodes_that_run_in_another_order_are_not_known() -> None:
    operators = tuple(Operator(i, name, 1, (), ()) for i, name in enumerate(["ADD", "TANH", "ADD", "TANH"]))
    small = Graph((), operators, (), ())
    add, first, last = delegated(ADD)[0], Node("TANH", 1, False, 1.0), Node("TANH", 3, False, 1.0)
    assert litert_profile.operators_of([add, first, add, last], small) == [0, 1, 2, 3]
    assert litert_profile.operators_of([add, last, add, first], small) == [None, 3, None, 1]


def test_a_convolution_is_not_a_depthwise_one() -> None:
    assert litert_profile._is_made_of(delegated(DEEP)[0], "DEPTHWISE_CONV_2D")
    assert not litert_profile._is_made_of(delegated(DEEP)[0], "CONV_2D")
    assert not litert_profile._is_made_of(delegated(CONV)[0], "DEPTHWISE_CONV_2D")
    assert litert_profile._is_made_of(delegated(ONE)[0], "CONV_2D")
    assert not litert_profile._is_made_of(delegated(ADD)[0], "MUL")


def inference(whole: int, *nodes: int) -> list[Event]:
    """Return what the profiler records of an inference, with what is not counted around it."""
    inner = [Event(f"node {i}", DELEGATED if i else OPERATOR, i, us) for i, us in enumerate(nodes)]
    return [Event("LiteRT::Run[x]", DEFAULT, 0, 9), Event("Invoke", DEFAULT, 0, whole), *inner,
            Event("Invoke", 32, 1 << 60, 1 << 32), Event("sync", DEFAULT, 0, 7)]  # fmt: skip


def test_the_quieter_half_of_the_inferences_counts() -> None:
    events = [*inference(10, 4, 5), *inference(90, 80, 5), *inference(11, 4, 6), *inference(40, 4, 30)]
    found = means("2.3.0", inferences_in(events, 4), [8.0, 9.0, 99.0])
    assert [(node.name, node.is_delegated, node.us) for node in found.nodes] == [
        ("node 0", False, 4), ("node 1", True, 5.5),
    ]  # fmt: skip
    assert (found.whole_us, found.ordinary_us, found.runs) == (10.5, 8.5, 4)


def test_a_whole_of_nothing_is_refused() -> None:
    with pytest.raises(GraphError, match="less than the microsecond"):
        means("2.3.0", inferences_in(inference(0, 0), 1), [0.5])


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (inference(10, 4)[2:], "expected the begin of an inference, got node node 0"),
        (inference(10, 4), "expected 2 inferences, got 1"),
        ([*inference(10, 4), *inference(10, 4, 4)], "expected the same nodes"),
        ([*inference(10), *inference(10)], "expected the same nodes"),
        ([*inference(10, 4), *inference(3, 5)], "its nodes take longer than the whole inference of 3 us"),
    ],
)
def test_what_the_profiler_can_not_mean_is_refused(events: Sequence[Event], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        inferences_in(events, 2)


NAME = ctypes.create_string_buffer(b"Add\n\xff (ND)")


def room_with(**changed: int) -> Any:
    """Return the room of two records, of which the second is changed; `over` is written behind both."""
    room = (c_ubyte * (4 * ctypes.sizeof(litert_c._Record)))()
    ctypes.memset(room, UNTOUCHED, len(room))
    over = changed.pop("over", UNTOUCHED)
    records = (litert_c._Record * 2).from_buffer(room)
    usual = {"tag": ctypes.addressof(NAME), "type": 8, "elapsed_us": 7, "metadata1": 3, "source": 1}
    for key, value in usual.items():
        for record in records:
            setattr(record, key, value)
    for key, value in changed.items():
        setattr(records[1], key, value)
    room[2 * ctypes.sizeof(litert_c._Record)] = over
    return room


def test_records_are_read() -> None:
    assert events_in(room_with(), 2) == 2 * [Event("Add_\ufffd (ND)", DELEGATED, 3, 7)]
    assert events_in(room_with(type=32, elapsed_us=1 << 63), 2)[1].type == 32


@pytest.mark.parametrize(
    "changed", [{"tag": 0}, {"type": 3}, {"source": 3}, {"source": -1}, {"elapsed_us": 1 << 50}, {"over": 0}]
)
def test_no_address_is_followed_in_records_of_another_form(
    changed: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert_c, "_text", lambda address: pytest.fail("an address was followed"))
    with pytest.raises(GraphError, match="not of the form that ai-edge-litert 2.3 has"):
        events_in(room_with(**changed), 2)


@pytest.mark.parametrize("version", ["2.2.9", "2.30.0", "3.0"])
def test_another_version_of_the_package_is_not_called(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    monkeypatch.setattr("ctypes.CDLL", lambda path: pytest.fail("it was loaded"))
    with pytest.raises(GraphError, match=f"ai-edge-litert {version}: its profiler is known of 2.3 on 64 bits alone"):
        litert_c.Library()


def test_a_library_without_the_profiler_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(litert_c._FUNCTIONS, "LiteRtDance", ())
    with pytest.raises(GraphError, match=r"ai-edge-litert 2.3.\d+: libLiteRt.so has no LiteRtDance"):
        litert_c.Library()
    monkeypatch.setattr(litert_c, "LIBRARY", "libDance.so")
    with pytest.raises(GraphError, match=r"has no libDance.so, which has the profiler; use --engine aot"):
        litert_c.Library()


@pytest.mark.parametrize(
    ("done", "message"),
    [
        (Finished(-11, "INFO: all well"), "host: killed by SIGSEGV"),
        (Finished(1, "INFO: a\nlitert: it has no profiler\nINFO: b"), "host: it has no profiler"),
        (Finished(1, "litert: \x1b[31m" + 1000 * "x"), "host: .31mx{280,300}$"),
        (Finished(127, "sh: python3: not found"), "host: sh: python3: not found"),
        (Finished(0, "INFO: all well"), "host: INFO: all well"),
        (Finished(0, ""), "host: exit code 0"),
        (Finished(1, "alpharho:{}"), "host: alpharho:{}"),
        (Finished(0, "alpharho:{"), "host: LiteRT's profiler: not JSON"),
        (Finished(0, "alpharho:[]"), "host: LiteRT's profiler: expected a JSON object"),
        (Finished(0, "alpharho:{}"), "host: LiteRT's profiler: key board is missing"),
    ],
)
def test_a_process_that_fails_is_one_line(
    done: Finished, message: str, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert_profile, "run_profiler", lambda *words: done)
    settings = SimpleNamespace(threads=1, kernels="xnnpack", runtime="auto", accept_new=False, link=None)
    setup: Any = SimpleNamespace(target=HOST, compiled=None, settings=settings)
    with pytest.raises(DeviceError, match=message) as caught:
        litert_profile.measure(setup, graph, INPUT, print)
    assert "\n" not in str(caught.value)


NODE = {"name": "Add (ND)", "index": 0, "is_delegated": True, "us": 4.0}
TIMES = {"version": "2.3.0", "runs": 10, "whole_us": 9.0, "ordinary_us": 8.0, "nodes": [NODE]}


def answer(**changed: object) -> Fields:
    return load_json(json.dumps(TIMES | changed), Source("ssh://pi", DeviceError))


def test_the_last_line_of_times_is_read_whatever_is_around_it() -> None:
    text = f"INFO: alpharho\n\nalpharho:{json.dumps(TIMES)}\nW: over\n"
    assert litert_profile.answer_in(Finished(0, text), "host").values == TIMES
    assert litert_profile.times_of(answer()) == NodeTimes("2.3.0", 10, 9.0, 8.0, (Node("Add (ND)", 0, True, 4.0),))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"version": "2.3\n"}, "key version: expected 1 to 200 printable"),
        ({"version": "new"}, "key version: expected a version such as 2.3.0"),
        ({"runs": 0}, "key runs: expected an integer from 1"),
        ({"whole_us": 0}, "key whole_us: expected a number from 0.001"),
        ({"ordinary_us": -1}, "key ordinary_us: expected a number"),
        ({"whole_us": 1e300}, "key whole_us: expected a number from 0.001"),
        ({"nodes": []}, "key nodes: expected a list of 1 to"),
        ({"nodes": [NODE | {"name": "\x1b[2J"}]}, "key nodes.0..name: expected 1 to 200 printable"),
        ({"nodes": [NODE | {"index": -1}]}, "key nodes.0..index: expected an integer from 0"),
        ({"nodes": [NODE | {"us": -0.5}]}, "key nodes.0..us: expected a number"),
        ({"nodes": [NODE | {"us": 10.5}]}, "key nodes: expected at most the whole of 9 us together, got 10.5"),
    ],
)
def test_what_a_board_can_not_have_measured_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(DeviceError, match=f"^ssh://pi: {message}") as caught:
        litert_profile.times_of(answer(**changed))
    assert str(caught.value).isprintable()


def test_the_rest_is_a_row_and_the_summary_says_how_it_was_measured(graph: Graph) -> None:
    times = NodeTimes("2.3.0", 200, 12.0, 9.5, (Node("Odd (ND)", 0, True, 4.0), Node("Add (ND)", 1, True, 5.0)))
    made = litert_profile.profile_of(times, graph, HOST, "xnnpack")
    checked("profile", json.dumps(to_json(made)))
    assert [(layer.operator, layer.amount) for layer in made.layers] == [(None, 4.0), (None, 5.0), (None, 3.0)]
    assert profile_layout.table(made, 100).rows[2][:3] == ("", litert_profile.OUTSIDE, "")
    assert profile_layout.summary(made) == (
        "the runtime's own nodes and the rest 12.0, a whole inference 12.0 us (100.00 %); LiteRT's profiler, on this "
        "host, the mean of the quieter half of 200 runs; without the profiler 9.5 us"
    )
