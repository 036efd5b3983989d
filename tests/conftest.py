"""What all tests on this machine share."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from compilers import aot
from compilers.aot.planner import Layout
from compilers.aot.steps import Step
from graph.types import Graph
from tests import shipped, untraced

# TensorFlow reads these when it is imported: no GPU, and errors only.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# What ccache keeps of the tests' builds stays in the checkout, whatever home folder a test sets.
os.environ.setdefault("CCACHE_DIR", str(Path(__file__).resolve().parents[1] / "build" / "ccache"))
# What a source includes is what the compiler says in a build, and not what a second run of the preprocessor says.
os.environ.setdefault("CCACHE_DEPEND", "1")

# Processes that tests start find our modules compiled, as on a person's machine.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell's background jobs ignore Ctrl-C and so would the processes that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# TensorFlow and Hypothesis keep many objects: looking for cycles as often as usual takes a tenth of the time.
gc.set_threshold(500_000, 20, 100)

untraced.install()

# No test may depend on how busy the machine is.
hypothesis.settings.register_profile(
    "everywhere",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("everywhere")


def pytest_configure() -> None:
    """Give each process of pytest-xdist its own CPUs, so that what it starts does not slow down the others."""
    worker, count = os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if worker and sys.platform == "linux":
        cpus = sorted(os.sched_getaffinity(0))
        own = cpus[int(worker.removeprefix("gw")) :: count]
        if own:
            os.sched_setaffinity(0, own)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that take minutes start first: with several processes the others run meanwhile.

    The slow ones and those of Hypothesis are left out of the measure of coverage, which doubles their time; short ones
    pass through the same lines once.
    """
    for item in items:
        if item.get_closest_marker("slow") or getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("no_cover")
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Leave out of the measure what is marked so.

    In a process of pytest-xdist, pytest-cov 7 measures twice, and stops one of the two for a test marked `no_cover`.
    """
    tracer, of_threads = sys.gettrace(), threading.gettrace()
    is_measured = item.get_closest_marker("no_cover") is None
    if not is_measured:
        sys.settrace(None)
        threading.settrace(None)
    try:
        yield
    finally:
        if not is_measured:
            threading.settrace(of_threads)
            sys.settrace(tracer)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the root of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _shipped_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with shipped.shared(tmp_path_factory):
        yield


Planned = tuple[tuple[Step, ...], Layout]


@pytest.fixture(scope="session", autouse=True)
def _plan_once() -> Iterator[None]:
    """Plan a network once per kernel set and form, by the bytes of its file: it takes up to some seconds.

    What is proved of a plan is proved of all networks with these bytes.
    """
    plans: dict[tuple[str, str, str, bool], Planned] = {}
    planned = aot.planned

    def remembered(graph: Graph, kernels: str, optimize: str, stream_input: bool) -> Planned:
        key = (graph.sha256, kernels, optimize, stream_input)
        if not graph.sha256:
            return planned(graph, kernels, optimize, stream_input)
        if key not in plans:
            plans[key] = planned(graph, kernels, optimize, stream_input)
        return plans[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aot, "planned", remembered)
        yield
