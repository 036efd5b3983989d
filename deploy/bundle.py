"""The agent as one file to copy: a zip that Python runs, named by its own sha256."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from artifact import BUILD_DIR, write_atomic

HERE = Path(__file__).resolve().parent
MODULES = (
    "__init__.py",
    "agent/__init__.py",
    "agent/edgetpu.py",
    "agent/engine.py",
    "agent/linux.py",
    "agent/main.py",
    "agent/recording.py",
    "agent/server.py",
    "agent/supervise.py",
    "agent/text_mode.py",
    "agent/tflm.py",
    "cobs_py.py",
    "frames.py",
)


def build_agent(folder: Path | None = None) -> Path:
    """Return `agent-<12 hex digits of its sha256>.pyz` in `folder`, made if it is not there.

    The same sources give the same bytes on every machine: stored without compression, in a fixed order and date.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        _add(bundle, "__main__.py", HERE / "agent" / "__main__.py")
        for module in MODULES:
            _add(bundle, f"deploy/{module}", HERE / module)
    content = buffer.getvalue()
    path = (folder or BUILD_DIR / "agent") / f"agent-{hashlib.sha256(content).hexdigest()[:12]}.pyz"
    if not path.exists() or path.read_bytes() != content:
        write_atomic(path, content)
    return path


def _add(bundle: zipfile.ZipFile, name: str, source: Path) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    bundle.writestr(entry, source.read_bytes())
