"""The agent with an Edge TPU: real LiteRT, the delegate's real interface, and a stand-in behind it.

No hardware is meant: what a real TPU computes is not tested, what is said when it is missing, busy or pulled out is.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import target
from artifact import Artifact, ImageFacts, sha256_of
from deploy.agents import AgentOptions, agent_arguments
from deploy.bundle import build_agent
from deploy.device import device_for
from deploy.links.process import ProcessLink
from deploy.remote import runtime
from deploy.session import Refused, Session
from errors import DeployError, LinkError
from tests.compilers import edgetpu_files
from tests.deploy.edgetpu_host import CORAL_USB, INPUT, Tpu
from tests.deploy.test_agent import reference
from tests.deploy.test_ssh_runtime import BOTH, FakeBoard


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_agent(tmp_path_factory.mktemp("agent"))


def link_to(agent: Path, model: Path, device: str = "usb:0") -> ProcessLink:
    arguments = agent_arguments("coral-usb", str(model), "rev1", AgentOptions(kernels="reference"))
    return ProcessLink([sys.executable, str(agent), *arguments, "--device", device], name="exec:agent")


def stands_for(data: bytes, size: int) -> bytes:
    """What the stand-in answers."""
    return bytes(data[i % len(data)] ^ 0x5A for i in range(size))


def test_the_delegate_runs_the_compiled_part_and_names_its_tpu(tpu: Tpu, agent: Path, model: Path) -> None:
    with Session(link_to(agent, model)) as session:
        assert session.info.kernels == "edgetpu"
        assert session.info.model_sha256 == sha256_of(model)
        assert session.infer(INPUT).output_bytes == stands_for(INPUT, 10)
        board = session.board()
        assert (board.tpu, board.tpu_path) == ("usb:0", str(tpu.usb))
        assert board.tpu_runtime == "BuildLabel(STAND_IN), RuntimeVersion(14)"
        assert any(f"Edge TPU usb:0 at {tpu.usb}" in line for line in session.log)
        session.reset()
        assert session.infer(INPUT[::-1]).output_bytes == stands_for(INPUT[::-1], 10)


def test_what_is_left_runs_on_the_cpu_and_the_kernels_say_so(tpu: Tpu, agent: Path, tmp_path: Path) -> None:
    from tests.compilers.edgetpu_networks import network

    source = network(tmp_path, "RELU", "HARD_SWISH", width=4)
    path = edgetpu_files.write(tmp_path / "part.tflite", edgetpu_files.compiled(source.path.read_bytes(), kept=1))
    with Session(link_to(agent, path)) as session:
        assert session.info.kernels == "edgetpu+reference"
        data = np.random.default_rng(3).bytes(48)
        inner = network(tmp_path, "HARD_SWISH", width=4, name="rest")
        assert session.infer(data).output_bytes == reference(inner.path, stands_for(data, 48))


@pytest.mark.parametrize(
    ("device", "found"), [("usb", "usb:0"), (":0", "usb:0"), (":1", "pci:0"), ("pci", "pci:0"), ("pci:0", "pci:0")]
)
def test_which_tpu_is_meant(tpu: Tpu, agent: Path, model: Path, device: str, found: str) -> None:
    tpu.pci.touch()
    with Session(link_to(agent, model, device)) as session:
        assert session.board().tpu == found
        assert session.infer(INPUT).output_bytes == stands_for(INPUT, 10)


def opening_says(agent: Path, model: Path, device: str = "usb:0") -> str:
    with pytest.raises(LinkError, match="exit code 1; last output: agent: ") as caught:
        Session(link_to(agent, model, device)).__enter__()
    assert "\n" not in str(caught.value)
    return str(caught.value).partition("last output: agent: ")[2]


def test_no_library(tpu: Tpu, agent: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH")
    said = opening_says(agent, model)
    assert "library can't be loaded (libedgetpu.so.1: cannot open shared object file" in said
    assert "libedgetpu1-std" in said


def test_another_library_of_that_name(
    tpu: Tpu, agent: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "libedgetpu.so.1"
    subprocess.run(["gcc", "-shared", "-x", "c", "-o", str(other), "/dev/null"], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert "undefined symbol: edgetpu_list_devices" in opening_says(agent, model)


def test_no_tpu_is_plugged_in(tpu: Tpu, agent: Path, model: Path) -> None:
    tpu.usb.unlink()
    assert opening_says(agent, model).startswith("no Edge TPU found; plug it in; on USB it is 1a6e:089a or 18d1:9302")


@pytest.mark.parametrize("device", ["usb:1", "pci", ":1"])
def test_not_that_tpu(tpu: Tpu, agent: Path, model: Path, device: str) -> None:
    assert opening_says(agent, model, device).startswith(
        f"--device {device}: no such Edge TPU; there is usb:0 at {tpu.usb}"
    )


def test_a_tpu_that_another_program_has(tpu: Tpu, agent: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_BUSY", "1")
    said = opening_says(agent, model)
    assert said.startswith(f"Edge TPU usb:0 at {tpu.usb} can't be opened (Failed to load delegate")
    assert "no other program uses it" in said


def test_a_model_that_was_not_compiled_for_it(tpu: Tpu, agent: Path, plain: Path) -> None:
    said = opening_says(agent, plain)
    assert said.startswith(f"{plain}: holds no edgetpu-custom-op, so it was not compiled for the Edge TPU; compile it")


def test_a_compiled_model_without_a_tpu(agent: Path, model: Path) -> None:
    arguments = agent_arguments("host", str(model), "rev1", AgentOptions(kernels="reference"))
    with pytest.raises(LinkError, match="unresolved custom op: edgetpu-custom-op"):
        Session(ProcessLink([sys.executable, str(agent), *arguments])).__enter__()


def test_pulled_out_in_mid_run_and_the_driver_reports_it(tpu: Tpu, agent: Path, model: Path) -> None:
    with Session(link_to(agent, model)) as session:
        session.infer(INPUT)
        tpu.usb.unlink()
        with pytest.raises(Refused, match=rf"ENGINE: Edge TPU usb:0 at {tpu.usb} is gone .*plug it in again"):
            session.run(5)


def test_pulled_out_in_mid_run_and_the_driver_aborts(
    tpu: Tpu, agent: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN_ABORTS", "1")
    with Session(link_to(agent, model)) as session:
        session.infer(INPUT)
        killer = threading.Timer(0.3, tpu.usb.unlink)
        killer.start()
        with pytest.raises(LinkError, match=rf"exit code 1; last output: agent: Edge TPU usb:0 at {tpu.usb} is gone"):
            session.run(10**7)
        killer.join()


def test_error_of_an_agent_killed_otherwise_names_the_signal(tpu: Tpu, agent: Path, model: Path) -> None:
    link = link_to(agent, model)
    with Session(link) as session:
        session.infer(INPUT)
        children = Path(f"/proc/{link.pid}/task/{link.pid}/children").read_text().split()
        assert len(children) == 1
        killer = threading.Timer(0.3, lambda: subprocess.run(["kill", "-SEGV", children[0]]))
        killer.start()
        with pytest.raises(LinkError, match=r"exit code 1; last output: agent: was killed by SIGSEGV"):
            session.run(10**7)
        killer.join()


def test_it_ends_with_its_input(tpu: Tpu, agent: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.links.process.CLOSE_TIMEOUT_S", 60)  # it is killed after that
    link = link_to(agent, model)
    with Session(link) as session:
        session.infer(INPUT)
        process = link._process
    assert process is not None
    assert process.returncode == 0


@pytest.mark.parametrize("wanted", ["usb0", "gpu:0", "usb:0x", "usb:-1", "usb:123"])
def test_a_wrong_device_is_refused_before_anything_starts(model: Path, wanted: str) -> None:
    artifact = Artifact(model, "edgetpu", "tiny", digest := sha256_of(model), ImageFacts(digest, {}))
    with pytest.raises(DeployError, match=rf"--device {wanted}: expected usb:N, pci:N"):
        device_for(CORAL_USB, artifact, "ssh://board", AgentOptions(tpu=wanted)).session().__enter__()


@pytest.mark.parametrize("name", ["rpi4", "coral-usb"])
def test_a_device_for_what_runs_on_a_cpu(plain: Path, name: str) -> None:
    artifact = Artifact(plain, "litert", "tiny", digest := sha256_of(plain), ImageFacts(digest, {}))
    with pytest.raises(DeployError, match=r"--device usb:0: is for the Edge TPU of targets such as coral-usb"):
        device_for(target.load(name), artifact, "ssh://board", AgentOptions(tpu="usb:0")).session().__enter__()


@pytest.mark.parametrize(
    ("libraries", "python", "expected"),
    [
        (BOTH, "3.11.2", "tflite-runtime"),
        ({"ai_edge_litert": "2.3.0", "numpy": "2.1.0"}, "3.11.2", "ai-edge-litert"),
        ({}, "3.11.2", "installed tflite-runtime"),
        ({}, "3.13.1", "installed ai-edge-litert"),
    ],
)
def test_the_runtime_beside_libedgetpu(
    monkeypatch: pytest.MonkeyPatch, libraries: dict[str, str], python: str, expected: str
) -> None:
    monkeypatch.setattr(runtime, "_install", lambda board, name, say: runtime.Runtime(f"installed {name}", "/x"))
    board = FakeBoard(python, **libraries)
    assert runtime.bring(board, "auto", lambda text: None, for_edgetpu=True).distribution == expected  # type: ignore[arg-type]
