"""The agent as a process: its arguments, its streams, and when it ends."""

from __future__ import annotations

import argparse
import gc
import os
import select
import signal
import sys
import threading
import time

from deploy.agent.engine import KERNELS, EngineError, LiteRtEngine
from deploy.agent.linux import board_facts, sensors
from deploy.agent.server import Server
from deploy.agent.supervise import supervise
from deploy.agent.tflm import TflmEngine

READ_SIZE = 1 << 16
HANGUP_GRACE_S = 2.0
PARENT_CHECK_S = 5.0


def main() -> int:
    """Serve until standard input ends; return the exit code."""
    options = _arguments()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervisor = supervise() if options.device else None
    if isinstance(supervisor, int):
        return supervisor
    # Where it profiles, its input ends while it works: the host is gone when nobody reads its output.
    watched = 1 if options.profile else 0
    threading.Thread(target=_leave_with_owner, args=(os.getppid(), watched), daemon=True).start()
    if options.profile:
        import deploy.agent.profiler as profiler

        return profiler.main(options.model, options.threads, options.kernels, options.profile)
    line = _claim_stdout()
    try:
        engine = _engine(options)
    except EngineError as e:
        print(f"agent: {e}", file=sys.stderr, flush=True)
        return 1
    server = _server(engine, {"board": options.board, "firmware": options.firmware, "model": options.model_name}, line)
    tpu = engine.tpu if isinstance(engine, LiteRtEngine) else None
    if supervisor and tpu:
        supervisor(f"{tpu.path}\t{tpu.gone('libedgetpu aborted')}")
    server.log(f"agent: {engine.name} {engine.version}, kernels {engine.kernels}, {engine.threads} threads")
    if tpu:
        server.log(f"agent: Edge TPU {tpu.name} at {tpu.path}, {tpu.runtime}")
    gc.freeze()
    gc.disable()  # a collection during an inference would be measured with it
    try:
        while not server.reset_wanted:
            data = os.read(0, READ_SIZE)
            if not data:
                return 0
            server.receive(data)
            gc.collect(0)
    except BrokenPipeError:
        return 0
    os.dup2(line, 1)
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 (started without a shell)
    return 0


def _server(engine: LiteRtEngine | TflmEngine, identity: dict[str, str], line: int) -> Server:
    tpu = engine.tpu if isinstance(engine, LiteRtEngine) else None
    board = {**board_facts(), **(tpu.facts() if tpu else {})}
    return Server(
        engine,
        identity,
        lambda data: _write(line, data),
        lambda: {"peak_rss": peak_rss()},
        lambda: {**board, **sensors()},
    )


def peak_rss() -> int:
    """Return the most bytes of RAM this process had, from the kernel; getrusage's would include our parent's."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for row in file:
            if row.startswith("VmHWM:"):
                return int(row.split()[1]) * 1024
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="agent", description="Serves a .tflite over standard input and output.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--board", required=True)
    parser.add_argument("--firmware", default="unknown")
    parser.add_argument("--model-name", default="", help="what text mode calls the model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--kernels", choices=sorted(KERNELS), required=True)
    parser.add_argument("--device", default="", help="Edge TPU: usb:N, pci:N, usb, pci or :N")
    parser.add_argument("--tflm-arena", type=int, help="run TFLite-Micro in an arena of so many bytes")
    parser.add_argument("--profile", type=int, default=0, help="time each node in so many runs, and end (profiler.py)")
    parser.add_argument("--runtime", choices=("", "ai-edge-litert", "tflite-runtime"), default="")
    return parser.parse_args()


def _engine(options: argparse.Namespace) -> LiteRtEngine | TflmEngine:
    if options.tflm_arena is not None:
        return TflmEngine(options.model, options.tflm_arena)
    return LiteRtEngine(options.model, options.threads, options.kernels, options.runtime, options.device)


def _claim_stdout() -> int:
    """Keep the line for frames alone; the output of libraries goes to standard error."""
    line = os.dup(1)
    os.dup2(2, 1)
    return line


def _write(line: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(line, rest) :]


def _leave_with_owner(parent: int, stream: int) -> None:
    """End the process when the host is gone, even in the middle of an inference; `stream` is a descriptor to it."""
    poll = select.poll()
    poll.register(stream, 0)  # a hang-up is always reported
    while not poll.poll(PARENT_CHECK_S * 1000) and os.getppid() == parent:
        pass
    time.sleep(HANGUP_GRACE_S)  # The main loop leaves by itself if it is not computing.
    os._exit(0)
