"""What was flashed where last: so that the same image is not flashed again when the device answers with it."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import artifact
from deploy.links import Link
from deploy.request import Timeouts
from deploy.session import Session
from errors import Error

ANSWER_S = 2.0
"""How long a device may take to say what it runs, before it is flashed anyway."""


def store() -> Path:
    """Return the file that keeps the digests of images by the line of their board."""
    return artifact.BUILD_DIR / "flashed.json"


def remember(uri: str, image: Path | None) -> None:
    """Keep the digest of the image that a board was flashed with; with None, that its content is not known."""
    known = _load()
    known.pop(uri, None)
    if image is not None:
        known[uri] = _digest(image)
    artifact.write_atomic(store(), json.dumps(known, indent=1, sort_keys=True))


def is_there(uri: str, link: Link, image: Path) -> bool:
    """Whether a board was flashed with this very image last, and answers with its firmware and model now."""
    if _load().get(uri) != _digest(image):
        return False
    return answers_with(link, image)


def answers_with(link: Link, image: Path) -> bool:
    """Whether a device answers with the firmware and the model whose digests are in an image."""
    data = image.read_bytes()
    with contextlib.suppress(Error), Session(link, Timeouts(handshake_s=ANSWER_S)) as session:
        return session.info.firmware.encode() in data and session.info.model_sha256.encode() in data
    return False


def _load() -> dict[str, str]:
    try:
        known = json.loads(store().read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _digest(image: Path) -> str:
    return hashlib.sha256(image.read_bytes()).hexdigest()
