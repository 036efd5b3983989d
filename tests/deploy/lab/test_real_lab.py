"""A lab of labgrid's own services: each kind of line gives equal outputs, and no place stays taken."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

import target
from artifact import ROOT, Artifact, ImageFacts
from calibration import convert
from calibration.convert import Int8Facts
from compilers import litert
from compilers.image import microcontroller
from datasets import Dataset, load
from deploy.lab import held as labs
from deploy.lab.address import COORDINATOR, parse
from deploy.lab.coordinator import Coordinator
from deploy.lab.held import Held, PlaceLost
from deploy.lab.messages import MESSAGES
from deploy.links import make_link
from deploy.request import Timeouts
from deploy.session import Session
from device_tests import tiny_model
from errors import LinkError
from measure import bench
from measure.setup import Setup, in_place
from pipeline.measuring import settings_of
from pipeline.request import Request
from tests.deploy.lab.real import LOADED_S, RealLab, labgrid_programs, real_lab, set_up_ssh
from tests.deploy.sshd import Sshd, wait_until
from tests.pipeline import small

pytestmark = pytest.mark.slow
NEEDED = {"qemu-system-arm": "qemu-system-arm", "ser2net": "ser2net", "setpriv": "util-linux"}
HOLD = """
import sys
sys.path.insert(0, {root!r})
import target
from deploy.lab import held
from deploy.lab.address import parse
with held.hold(parse({uri!r}), target.load("host-fw"), 0, print, print):
    print("held", flush=True)
    sys.stdin.read()
"""


class Images:
    """The network of the tests, in int8 and as each board of the lab runs it, and pictures for it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.data: Dataset = load(f"npz:{small.save_npz(folder / 'four.npz')}")
        self.int8: Artifact[Int8Facts] = convert.adopt(
            tiny_model.dense(folder / "tiny.tflite", classes=4), self.data.class_names, None
        )
        self.of: dict[str, Artifact[ImageFacts]] = {
            "host-fw": microcontroller.compile_for(self.int8, target.load("host-fw"), "size", False),
            "qemu-m4": microcontroller.compile_for(self.int8, target.load("qemu-m4"), "size", False),
            "rpi4": litert.compile_for(self.int8, target.load("rpi4")),
        }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    folder = tmp_path_factory.mktemp("lab-images")
    with small.at_home(folder):
        yield Images(folder)


@pytest.fixture(scope="module")
def make_lab(
    tmp_path_factory: pytest.TempPathFactory, ssh_server: Sshd, built: Images
) -> Iterator[Callable[[], RealLab]]:
    """Return what gives the lab, started again if a test has stopped a part of it."""
    for program, package in NEEDED.items():
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            pytest.skip(f"needs {program}: apt install {package}")
    programs = labgrid_programs()
    page = (ROOT / "docs/labs.md").read_text()
    wrapper = page[page.index("#!/bin/bash") : page.index("```", page.index("#!/bin/bash"))]
    home = tmp_path_factory.mktemp("lab-home")
    set_up_ssh(home, ssh_server)
    stack = ExitStack()
    there: list[RealLab] = []

    def make() -> RealLab:
        if not there or not there[-1].is_whole:
            stack.close()
            folder, images = tmp_path_factory.mktemp("lab"), (built.of["host-fw"].path, built.of["qemu-m4"].path)
            there.append(stack.enter_context(real_lab(folder, programs, ssh_server, *images, wrapper)))
        return there[-1]

    with stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        yield make


@pytest.fixture
def lab(make_lab: Callable[[], RealLab], monkeypatch: pytest.MonkeyPatch) -> RealLab:
    one = make_lab()
    monkeypatch.setenv(COORDINATOR, one.coordinator)
    return one


def measured(images: Images, name: str, uri: str, pictures: int) -> str:
    """Measure a board of the lab, and return what was equal, and where."""
    request = Request(images=pictures, link=uri, allow_mismatch=True, give_up_after=0, fresh=True)
    setup = Setup(target.load(name), images.of[name], images.int8, images.data, settings_of(request))
    with labs.hold(parse(uri), setup.target, LOADED_S, pytest.fail, pytest.fail) as held:
        result = bench.measure(in_place(setup, held), ["accuracy"], "")
    result.measurement.forget()
    made = result.report
    assert made.exactness is not None
    assert made.device is not None
    assert made.device.lab is not None
    return f"{made.device.lab.place}: {made.exactness.equal} of {made.exactness.n}"


def test_the_table_of_messages_is_labgrid_s_own() -> None:
    code = (
        "import json\n"
        "from labgrid.remote.generated import labgrid_coordinator_pb2 as p\n"
        "def of(m):\n"
        "    one = lambda f: f.containing_oneof and f.containing_oneof.name\n"
        "    yield m.name, {f.name: [f.number, f.type, one(f)] for f in m.fields}\n"
        "    for n in m.nested_types: yield from of(n)\n"
        "print(json.dumps(dict(x for m in p.DESCRIPTOR.message_types_by_name.values() for x in of(m))))"
    )
    python = str(labgrid_programs() / "python")
    theirs = json.loads(subprocess.run([python, "-c", code], stdout=subprocess.PIPE, check=True).stdout)
    for name, made in MESSAGES.items():
        for field in made.DESCRIPTOR.fields if name != "Empty" else ():
            one = field.containing_oneof
            assert theirs[name][field.name] == [field.number, field.type, one and one.name], f"{name}.{field.name}"


def test_two_sessions_of_one_process_are_two(lab: RealLab) -> None:
    with (
        Coordinator(lab.coordinator, lab.coordinator, "here/one") as one,
        Coordinator(lab.coordinator, lab.coordinator, "here/two") as two,
    ):
        one.acquire("raw-1")
        with pytest.raises(LinkError, match="coordinator .*: Place raw-1 is already acquired"):
            two.acquire("raw-1")
        two.release("raw-1")
        assert not is_free(lab, "raw-1")  # it is the other's
        one.release("raw-1")


def test_every_kind_of_line_gives_equal_outputs(lab: RealLab, built: Images) -> None:
    with small.at_home(built.folder):
        got = [
            measured(built, "host-fw", "labgrid://raw-1", 20),
            measured(built, "host-fw", "labgrid://tty-1", 20),
            measured(built, "host-fw", "labgrid://iso-1", 20),
            measured(built, "host-fw", "labgrid://iso-tty", 20),
            measured(built, "host-fw", "labgrid://?board=host_fw", 20),
            measured(built, "qemu-m4", "labgrid://qemu-1", 3),
            measured(built, "qemu-m4", "labgrid://?board=qemu_m4", 3),  # after another user
            measured(built, "rpi4", "labgrid://pi-1", 20),
        ]
    assert got.pop(4) in ("raw-1: 20 of 20", "tty-1: 20 of 20")
    hosts = [f"{place}: 20 of 20" for place in ("raw-1", "tty-1", "iso-1", "iso-tty")]
    assert got == [*hosts, "qemu-1: 3 of 3", "qemu-1: 3 of 3", "pi-1: 20 of 20"]
    assert lab.taken() == ""


def test_the_line_of_a_secure_lab_is_on_the_loopback_alone(lab: RealLab) -> None:
    with hold("labgrid://tty-1") as held:
        port = f":{held.line.port:04X}"
        ends = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        assert [local for local, _, state in ends if local.endswith(port) and state == "0A"] == [f"0100007F{port}"]
        assert port not in Path("/proc/net/tcp6").read_text()


def test_a_coordinator_behind_ssh(lab: RealLab) -> None:
    uri = f"labgrid://raw-1?coordinator=ssh://lab-host/{lab.coordinator.rpartition(':')[2]}"
    with hold(uri) as held:
        assert held.uri == f"tcp://127.0.0.1:{lab.ports['raw']}?via=lab-host"
        with Session(make_link(held.uri), Timeouts(handshake_s=LOADED_S)) as session:
            assert session.info.board == "host-fw"
        assert parse(held.link).coordinator == parse(uri).coordinator
    assert is_free(lab, "raw-1")


def hold(uri: str, seconds: float = 0, waits: Callable[[str], None] = pytest.fail) -> AbstractContextManager[Held]:
    return labs.hold(parse(uri), target.load("host-fw"), seconds, waits, pytest.fail)


def is_lost(held: Held) -> bool:
    try:
        held.check()
    except PlaceLost:
        return True
    return False


def is_all_free(lab: RealLab) -> bool:
    return not any(place.owner or place.reservation for place in labs.look(parse("labgrid://raw-1")).places)


def is_free(lab: RealLab, place: str) -> bool:
    return next(one.owner == "" for one in labs.look(parse(f"labgrid://{place}")).places if one.name == place)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_killed_gives_its_place_back(lab: RealLab, end: signal.Signals) -> None:
    code = HOLD.format(root=str(ROOT), uri="labgrid://tty-1")
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert run.stdout is not None
    assert run.stdout.readline() == b"held\n"
    with pytest.raises(LinkError, match="place tty-1 is taken by .* since 20.*; ask them"), hold("labgrid://tty-1"):
        pass
    run.send_signal(end)
    run.wait()
    assert wait_until(lambda: is_free(lab, "tty-1"), LOADED_S)
    for pipe in (run.stdin, run.stdout):
        if pipe:
            pipe.close()


def test_a_holder_that_is_killed_leaves_no_lock(lab: RealLab) -> None:
    with hold("labgrid://raw-1") as held:
        held._program.kill()
        held._program.wait()
        with pytest.raises(PlaceLost, match="the program that holds the place ended"):
            held.check()
        assert not is_free(lab, "raw-1")
    assert is_free(lab, "raw-1")
    # The host lost power, and the run with it: the next run here sees that the process is gone.
    with hold("labgrid://raw-1") as held:
        held._program.kill()
        held._program.wait()
        notes: list[str] = []
        with labs.hold(parse("labgrid://raw-1"), target.load("host-fw"), 0, pytest.fail, notes.append):
            assert "was still taken by" in notes[0]
        held._holding = None


def test_a_place_that_another_takes_ends_the_run(lab: RealLab, monkeypatch: pytest.MonkeyPatch) -> None:
    with hold("labgrid://raw-1") as held:
        labs.release(parse("labgrid://raw-1"), "raw-1", held.holding.owner)  # what --kick of labgrid-client does
        assert wait_until(lambda: is_lost(held), LOADED_S)
        with pytest.raises(PlaceLost, match="place raw-1 was taken from us; ask who works there"):
            held.check()
        monkeypatch.setenv("LG_USERNAME", "eve")
        with hold("labgrid://raw-1") as other:
            monkeypatch.delenv("LG_USERNAME")
            held.close()
            assert not is_free(lab, "raw-1")  # it is the other's, and was not given back for them
            message = "no free place in 0 s for a place with board=host_fw: .*raw-1 is taken by .*/eve"
            with hold("labgrid://tty-1"), pytest.raises(LinkError, match=message), hold("labgrid://?board=host_fw"):
                pass
            other.check()
    assert is_all_free(lab)


def test_runs_of_one_user_wait_for_each_other(lab: RealLab) -> None:
    said: list[str] = []
    with hold("labgrid://?board=host_fw") as first, hold("labgrid://?board=host_fw") as second:
        assert {first.holding.place, second.holding.place} == {"raw-1", "tty-1"}

        def waits(text: str) -> None:
            said.append(text)
            first.close()

        with hold("labgrid://?board=host_fw", LOADED_S, waits) as third:
            assert third.holding.place == first.holding.place
        assert re.search("waits for a place with board=host_fw: .*raw-1 is taken by .*, tty-1 is taken by", said[0])
    assert is_all_free(lab)


def test_an_exporter_and_a_coordinator_that_are_killed(lab: RealLab) -> None:
    with labs.hold(parse("labgrid://pi-1"), target.load("rpi4"), 0, pytest.fail, pytest.fail) as held:
        lab.stop("exporter_b")
        assert wait_until(lambda: not held.holding.resources, LOADED_S)
        held.check()
        with pytest.raises(LinkError, match="nothing of it is exported any more; see whether its exporter runs"):
            assert held.uri
    with pytest.raises(LinkError, match="place qemu-1: nothing exports lab-b/board_qemu/"), hold("labgrid://qemu-1"):
        pass
    assert is_all_free(lab)
    with hold("labgrid://raw-1") as held:
        lab.stop("coordinator")
        assert wait_until(lambda: is_lost(held), LOADED_S)
        with pytest.raises(PlaceLost, match="coordinator .*; it may give place raw-1 to another now"):
            held.check()
    with pytest.raises(LinkError, match=r"coordinator 127.*: not reached \(Connection refused\); start labgrid-coord"):
        labs.look(parse("labgrid://raw-1"))
