"""The agent as one file to copy: a zip that Python runs, named by its own sha256."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from artifact import BUILD_DIR, ROOT, write_atomic, write_zip

MAIN = "deploy/agent/__main__.py"
MODULES = (
    "deploy/__init__.py",
    "deploy/agent/__init__.py",
    "deploy/agent/edgetpu.py",
    "deploy/agent/engine.py",
    "deploy/agent/inputs.py",
    "deploy/agent/interface.py",
    "deploy/agent/linux.py",
    "deploy/agent/main.py",
    "deploy/agent/payloads.py",
    "deploy/agent/profiler.py",
    "deploy/agent/server.py",
    "deploy/agent/supervise.py",
    "deploy/agent/text_mode.py",
    "deploy/agent/tflm.py",
    "deploy/agent/unanswered.py",
    "deploy/agent/writes.py",
    "deploy/cobs_py.py",
    "deploy/coding.py",
    "deploy/frame_rows.py",
    "deploy/frames.py",
    "deploy/parity.py",
    "deploy/parity_rows.py",
    "errors.py",
    "graph/__init__.py",
    "graph/kernels.py",
    "graph/litert_c.py",
    "graph/litert_profiler.py",
    "graph/tflm_recording.py",
)


def build_agent(folder: Path | None = None) -> Path:
    """Return `agent-<12 hex digits of its sha256>.pyz` in `folder`, written if it is not there.

    The same sources give the same bytes on every machine: stored without compression, in a fixed order and date.
    """
    files = {"__main__.py": MAIN} | {module: module for module in MODULES}
    buffer = io.BytesIO()
    write_zip(buffer, ((name, (ROOT / source).read_bytes()) for name, source in files.items()), mode=0o644)
    content = buffer.getvalue()
    path = (folder or BUILD_DIR / "agent") / f"agent-{hashlib.sha256(content).hexdigest()[:12]}.pyz"
    if not path.exists() or path.read_bytes() != content:
        write_atomic(path, content)
    return path
