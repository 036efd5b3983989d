"""An initial RAM disk: a static busybox, the kernel modules that the disk and the network need, and one script."""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Iterable
from pathlib import Path

from errors import DeployError

MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "ext4")
_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")
_FOLDERS = ("bin", "dev", "modules", "new", "proc", "sys")


def write_initrd(path: Path, root: Path, init: Path) -> None:
    """Write the RAM disk for the kernel under `root`, a Debian root file system; `init` is its first process.

    Raises DeployError if a module is neither there nor built into the kernel.
    """
    modules = find_modules(root, MODULES)
    archive = _Archive()
    for folder in _FOLDERS:
        archive.add(folder, b"", 0o040755)
    archive.add("init", init.read_bytes(), 0o100755)
    archive.add("bin/busybox", _busybox(root).read_bytes(), 0o100755)
    for name, content in modules.items():
        archive.add(f"modules/{name}.ko", content, 0o100644)
    archive.add("modules/order", "".join(f"{name}.ko\n" for name in modules).encode(), 0o100644)
    path.write_bytes(gzip.compress(archive.end(), compresslevel=6, mtime=0))


def find_modules(root: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return modules and what they depend on by name, in the order in which they can be loaded."""
    home = next((root / "lib/modules").iterdir())
    files = {file.name.split(".ko")[0].replace("-", "_"): file for file in home.rglob("*.ko*")}
    built_in = {Path(line).stem.replace("-", "_") for line in (home / "modules.builtin").read_text().splitlines()}
    modules: dict[str, bytes] = {}

    def visit(name: str) -> None:
        if name in modules or name in built_in:
            return
        if name not in files:
            raise DeployError(f"kernel {home.name}: no module {name}; choose another kernel package")
        file = files[name]
        content = lzma.decompress(file.read_bytes()) if file.suffix == ".xz" else file.read_bytes()
        depends = _DEPENDS.search(content)
        for other in (depends[1].decode() if depends else "").split(","):
            if other:
                visit(other.replace("-", "_"))
        modules[name] = content

    for name in names:
        visit(name)
    return modules


def _busybox(root: Path) -> Path:
    for place in ("usr/bin/busybox", "bin/busybox"):
        if (root / place).is_file():
            return root / place
    raise DeployError(f"{root}: no busybox; it belongs to package busybox-static")


class _Archive:
    """A cpio archive in the format that the kernel unpacks ("newc"; linux/Documentation/driver-api/early-userspace)."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._number = 0

    def add(self, name: str, content: bytes, mode: int) -> None:
        """Append an entry that belongs to root."""
        self._number += 1
        links = 2 if mode & 0o040000 else 1
        fields = (self._number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        self._parts += [_padded(head), _padded(content)]

    def end(self) -> bytes:
        """Return the whole archive."""
        self.add("TRAILER!!!", b"", 0)
        return b"".join(self._parts)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
