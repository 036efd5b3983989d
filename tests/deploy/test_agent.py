"""The Linux agent as a process of its own: one bundle, real models, and the ways in which it ends."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from artifact import ROOT, sha256_of
from deploy.agents import AgentOptions, agent_arguments, local_agent
from deploy.bundle import MAIN, MODULES, build_agent
from deploy.device import device_for
from deploy.frames import Code
from deploy.links.process import ProcessLink
from deploy.request import Timeouts
from deploy.session import Refused, Session
from device_tests import tiny_model
from device_tests.support import artifact_of, host_target
from errors import DeployError, DeviceError, LinkError
from graph.oracle import Oracle, run_bytes, run_joined
from tests.compilers import several_inputs
from tests.deploy.test_links import is_running

REFERENCE = AgentOptions(kernels="reference")
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_agent(tmp_path_factory.mktemp("agent dir"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.dense(tmp_path_factory.mktemp("models") / "tiny model.tflite")


def link_to(agent: Path, model: Path, *more: str, before: tuple[str, ...] = ()) -> ProcessLink:
    arguments = agent_arguments("host", str(model), "rev1", REFERENCE)
    return ProcessLink([sys.executable, *before, str(agent), *arguments, *more], name="exec:agent")


@pytest.fixture(scope="module")
def session(agent: Path, model: Path) -> Iterator[Session]:
    with Session(link_to(agent, model)) as session:
        yield session


def reference(model: Path, data: bytes) -> bytes:
    (output,) = run_bytes(Oracle(model, "reference"), [data])
    return output


def test_bundle_has_the_same_bytes_each_time_and_is_named_by_them(agent: Path, tmp_path: Path) -> None:
    again = build_agent(tmp_path)
    assert again.name == agent.name == f"agent-{sha256_of(agent)[:12]}.pyz"
    assert again.read_bytes() == agent.read_bytes()


def test_damaged_bundle_is_built_again(tmp_path: Path) -> None:
    path = build_agent(tmp_path)
    good = path.read_bytes()
    path.write_bytes(b"half")
    assert build_agent(tmp_path).read_bytes() == good


@pytest.mark.parametrize("module", [*MODULES, MAIN])
def test_bundle_is_python_3_9_and_imports_only_what_a_device_has(module: str) -> None:
    tree = ast.parse((ROOT / module).read_text(), feature_version=(3, 9))
    names = set()
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Match)
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    for name in names:
        inside = name.replace(".", "/") + ".py" in MODULES or name in ("deploy", "graph")
        assert inside or name.split(".")[0] in {*sys.stdlib_module_names, "cobs"}, f"{module} imports {name}"


def test_info_describes_the_agent(session: Session, model: Path) -> None:
    info = session.info
    assert (info.board, info.engine, info.kernels, info.firmware) == ("host", "litert", "reference", "rev1")
    assert info.model_sha256 == sha256_of(model)
    assert info.memory["model_file"] == model.stat().st_size
    assert info.counter.rate_hz == 10**9
    assert info.input_preserved
    assert [spec.shape for spec in info.inputs] == [(1, 16, 16, 3)]
    assert "agent: litert" in session.log[0]


def test_outputs_are_the_references(session: Session, model: Path) -> None:
    for seed in range(5):
        data = np.random.default_rng(seed).bytes(768)
        result = session.infer(data)
        assert result.output_bytes == reference(model, data)
        assert 0 < result.ticks < 10**9


def test_stats_count_and_measure(session: Session) -> None:
    before = session.stats()
    session.infer(bytes(768))
    session.run(3)
    after = session.stats()
    assert after.inferences == before.inferences + 4
    assert after.damaged_frames == 0
    assert after.load_ns
    assert after.first_inference_ns
    assert after.peak_rss
    assert 10**7 < after.peak_rss < 10**9


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_any_dtype(agent: Path, tmp_path: Path, dtype: str) -> None:
    path = tiny_model.dense(tmp_path / "m.tflite", dtype)
    data = np.random.default_rng(1).random((1, 16, 16, 3), np.float32)
    raw = data.tobytes() if dtype == "float32" else (data * 100).astype(dtype).tobytes()
    with Session(link_to(agent, path)) as session:
        assert session.info.inputs[0].dtype == dtype
        assert session.info.inputs[0].nbytes == len(raw)
        assert session.infer(raw).output_bytes == reference(path, raw)


def test_several_inputs_are_written_one_after_another(agent: Path, tmp_path: Path) -> None:
    path = several_inputs.sum_of_two(tmp_path / "sum.tflite")
    oracle = Oracle(path)
    for arguments in ([], ["--tflm-arena", "20000"]):
        with Session(link_to(agent, path, *arguments)) as session:
            assert [spec.nbytes for spec in session.info.inputs] == list(several_inputs.BYTES)
            for seed in range(3):
                data = several_inputs.example(seed)
                assert session.infer(data).output_bytes == run_joined(oracle, data)[0].tobytes()
            with pytest.raises(ValueError, match="2 inputs: expected 64 bytes, got 63"):
                session.infer(bytes(63))
            session.write_input(bytes(32))  # the other one is that of an earlier example
            with pytest.raises(Refused, match="input 1 is not whole"):
                session.run()


def test_without_the_cobs_package_it_speaks_the_same(agent: Path, model: Path) -> None:
    code = f"import sys, runpy; sys.modules['cobs'] = None; sys.argv[0] = {str(agent)!r}; runpy.run_path(sys.argv[0])"
    arguments = agent_arguments("host", str(model), "rev1", REFERENCE)
    with Session(ProcessLink([sys.executable, "-c", code, *arguments])) as session:
        data = bytes(700) + b"\x01\xff" * 34
        assert session.infer(data).output_bytes == reference(model, data)


def test_reset_starts_it_again_in_the_same_process(agent: Path, model: Path) -> None:
    link = link_to(agent, model)
    with Session(link) as session:
        pid = link.pid
        session.infer(bytes(768))
        session.reset()
        assert session.stats().inferences == 0
        assert link.pid == pid
        with pytest.raises(Refused, match="INPUT"):
            session.run()
        assert session.infer(bytes(768)).output_bytes == reference(model, bytes(768))


def test_error_of_a_failed_run_has_the_runtimes_message(agent: Path, tmp_path: Path) -> None:
    with Session(link_to(agent, tiny_model.failing(tmp_path / "gather.tflite"))) as session:
        with pytest.raises(Refused, match=r"ENGINE: gather index out of bounds.*GATHER") as refused:
            session.infer(np.array([9], np.int32).tobytes())
        assert refused.value.code == Code.ENGINE
        assert session.infer(np.array([3], np.int32).tobytes()).output_bytes == np.float32(3).tobytes()
        assert session.stats().inferences == 1


def test_error_of_a_model_that_cannot_be_loaded_has_the_runtimes_message(agent: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"not a model")
    with pytest.raises(LinkError, match=r"exit code 1; last output: agent: .*bad.tflite: litert can't load it"):
        Session(link_to(agent, tmp_path / "bad.tflite")).__enter__()


def test_error_of_an_unknown_operator_has_the_runtimes_message(agent: Path) -> None:
    path = DATA / "coral_model_invoking_error.tflite"
    if not path.exists():
        pytest.skip(f"needs {path.name} in ../shared/data")
    with pytest.raises(LinkError, match="fake-op-double"):
        Session(link_to(agent, path)).__enter__()


def test_missing_model_is_an_error(agent: Path, tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"none.tflite: can't be read \(No such file"):
        Session(link_to(agent, tmp_path / "none.tflite")).__enter__()


def test_missing_runtime_names_what_to_install(agent: Path, model: Path) -> None:
    code = (
        "import sys, runpy; sys.modules['ai_edge_litert'] = sys.modules['tflite_runtime'] = None; "
        f"sys.argv[0] = {str(agent)!r}; runpy.run_path(sys.argv[0])"
    )
    link = ProcessLink([sys.executable, "-c", code, *agent_arguments("host", str(model), "r")])
    with pytest.raises(LinkError, match=r"no runtime on the device .* install ai-edge-litert or tflite-runtime"):
        Session(link).__enter__()


def test_what_libraries_print_does_not_reach_the_line(agent: Path, model: Path) -> None:
    code = (
        "import sys, runpy, os, threading, time\n"
        "print('hello from a library', flush=True); os.write(1, bytes(range(256)))\n"
        "def chatter():\n"
        "    while True: print('noise', flush=True); time.sleep(0.01)\n"
        f"sys.argv[0] = {str(agent)!r}\n"
        "threading.Timer(1.0, chatter).start()\n"
        "runpy.run_path(sys.argv[0])"
    )
    link = ProcessLink([sys.executable, "-c", code, *agent_arguments("host", str(model), "r", REFERENCE)])
    with Session(link) as session:
        expected, limit = reference(model, bytes(768)), time.monotonic() + 120
        while list(link.stderr).count("noise") < 20 and time.monotonic() < limit:
            assert session.infer(bytes(768)).output_bytes == expected
        assert "hello from a library" in session.log
        assert "noise" in link.stderr
        assert "noise" not in session.log
        os.kill(link.pid or 0, signal.SIGKILL)


def test_error_of_an_agent_killed_in_mid_run_has_its_progress(agent: Path, model: Path) -> None:
    link = link_to(agent, model)
    with Session(link) as session:
        session.infer(bytes(768))
        killer = threading.Timer(0.3, lambda: os.kill(link.pid or 0, signal.SIGKILL))
        killer.start()
        with pytest.raises(LinkError, match=r"was killed by SIGKILL.*\(during RUN, after \d+ inferences\)"):
            session.run(10**7)
        killer.join()


def test_ctrl_c_leaves_it_alone_and_the_end_of_its_input_ends_it(
    agent: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.links.process.CLOSE_TIMEOUT_S", 60)  # it is killed after that
    link = link_to(agent, model)
    with Session(link) as session:
        os.kill(link.pid or 0, signal.SIGINT)
        assert session.infer(bytes(768)).ticks > 0
        process = link._process
    assert process is not None
    assert process.returncode == 0


def test_it_ends_with_its_owner_even_while_computing(agent: Path, tmp_path: Path) -> None:
    model = tiny_model.dense(tmp_path / "slow.tflite", shape=(1, 64, 64, 3), classes=400)  # 8,000 runs take a minute
    owner = (
        "import sys, time\nfrom deploy.frames import Frame, encode\nfrom deploy.session import Session\n"
        "from deploy.links.process import ProcessLink\n"
        "link = ProcessLink(sys.argv[1:])\nsession = Session(link).__enter__()\nsession.write_input(bytes(12288))\n"
        "link.write(encode(Frame(4, session.exchange.next_seq(), (8000).to_bytes(2, 'little'))))\n"
        "print(link.pid, flush=True)\ntime.sleep(60)\n"
    )
    argv = [sys.executable, str(agent), *agent_arguments("host", str(model), "r", REFERENCE)]
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen([sys.executable, "-c", owner, *argv], stdout=subprocess.PIPE, cwd=root)
    with process:
        assert process.stdout is not None
        agents_pid = int(process.stdout.readline())
        process.kill()
    limit = time.monotonic() + 30
    while is_running(agents_pid) and time.monotonic() < limit:
        time.sleep(0.1)
    assert not is_running(agents_pid)


def test_a_session_of_a_device_serves_an_artifact_and_refuses_another(model: Path, tmp_path: Path) -> None:
    artifact = artifact_of(model)
    with device_for(host_target(), artifact, agent=AgentOptions(2, "builtin")).session() as session:
        assert session.info.kernels == "builtin"
        assert session.stats().threads == 2
    other = artifact_of(tiny_model.dense(tmp_path / "other.tflite", "uint8"))
    with pytest.raises(DeviceError, match="holds model"):
        device_for(host_target(), other, local_agent("host", artifact)).session().__enter__()


@pytest.mark.parametrize(
    ("option", "value", "message"), [("kernels", "fast", "expected xnnpack"), ("threads", 0, "or more")]
)
def test_wrong_options_are_refused_before_anything_starts(option: str, value: object, message: str) -> None:
    with pytest.raises(DeployError, match=message):
        AgentOptions(**{option: value})  # type: ignore[arg-type]


def test_a_silent_agent_is_abandoned(tmp_path: Path) -> None:
    link = ProcessLink([sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(LinkError, match="no answer in"):
        Session(link, Timeouts(handshake_s=0.5)).__enter__()


def test_the_bundle_holds_no_more_than_it_needs(agent: Path) -> None:
    with zipfile.ZipFile(agent) as bundle:
        assert sorted(bundle.namelist()) == sorted(["__main__.py", *MODULES])
