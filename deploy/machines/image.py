"""The disk, kernel and initial RAM disk of an emulated Raspberry Pi: Debian for arm64, built from its packages."""

from __future__ import annotations

import compileall
import json
import os
import py_compile
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import process
from artifact import Artifact, produce, sha256_of
from deploy.machines.initrd import write_initrd
from errors import DeployError
from fields import Json

SUITE = "bookworm"  # Raspberry Pi OS was based on it when it had Python 3.11, for which tflite-runtime exists
PACKAGES = (
    "base-files", "base-passwd", "bash", "busybox-static", "coreutils", "dash", "libc-bin", "libstdc++6",
    "linux-image-cloud-arm64", "openssh-server", "python3",
)  # fmt: skip
DISK_BYTES = 3 << 29
GUEST = Path(__file__).parent / "guest"
INDEX, DISK, KERNEL, INITRD, CLIENT_KEY, HOST_KEY = "image.json", "disk.img", "kernel", "initrd", "key", "host_key.pub"
PROGRAMS = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "ssh-keygen": "openssh-client"}
BUILD_TIMEOUT_S = 1800
LOG = "mmdebstrap.log"
TELLING = r"^(E:|Err|mke2fs)"
# Half of the disk, and nothing that runs.
NOT_NEEDED = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/lib/apt", "var/cache", "boot")
Say = Callable[[str], None]


@dataclass(frozen=True)
class MachineFacts:
    """Facts of the machine's image: the file name of its kernel, and the versions of its packages by name."""

    kernel: str
    packages: Mapping[str, str]


def image(say: Say = lambda text: None, *, fresh: bool = False) -> Artifact[MachineFacts]:
    """Return the image's index; the other files are beside it. It is built once, in about two minutes, as root.

    Packages are only unpacked, not configured: their scripts would have to run under emulation for seven minutes, and
    what is needed of them is a few lines here. Raises DeployError if a program, a right or a package is missing.
    """

    def make(folder: Path) -> MachineFacts:
        check_programs()
        root = folder / "root"
        say(f"unpacking {len(PACKAGES)} packages of Debian {SUITE} for arm64, and what they need")
        _unpack(root, folder / LOG)
        kernel = next((root / "boot").glob("vmlinuz-*"))
        shutil.copyfile(kernel, folder / KERNEL)
        say("building the initial RAM disk and the disk")
        write_initrd(folder / INITRD, root, GUEST / "init")
        facts = MachineFacts(kernel.name, _installed(root))
        _keys(folder)
        configure(root, folder)
        size_kib = str(DISK_BYTES // 1024)
        _run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(root), str(folder / DISK), size_kib])
        shutil.rmtree(root)
        names = (DISK, KERNEL, INITRD, CLIENT_KEY, HOST_KEY)
        (folder / INDEX).write_text(json.dumps({name: (folder / name).stat().st_size for name in names}) + "\n")
        return facts

    inputs: dict[str, Json] = {
        "suite": SUITE,
        "packages": list(PACKAGES),
        "disk_bytes": DISK_BYTES,
        "files": _own_files(),
    }
    index = produce("machine", "raspberry-pi", INDEX, MachineFacts, make, parameters=inputs, fresh=fresh)
    if not _is_whole(index):
        index = produce("machine", "raspberry-pi", INDEX, MachineFacts, make, parameters=inputs, fresh=True)
    return index


def configure(root: Path, folder: Path) -> None:
    """Do what the packages' scripts would have done, as far as SSH and Python need it."""
    for name in NOT_NEEDED:
        shutil.rmtree(root / name, ignore_errors=True)
    etc, base = root / "etc", root / "usr/share/base-passwd"
    (etc / "passwd").write_text(
        (base / "passwd.master").read_text()
        + "sshd:*:100:65534::/run/sshd:/usr/sbin/nologin\n"
        + "pi:*:1000:1000::/home/pi:/bin/bash\n"
    )
    (etc / "group").write_text((base / "group.master").read_text() + "pi:*:1000:\n")
    (etc / "hostname").write_text("raspberrypi\n")
    (etc / "hosts").write_text("127.0.0.1 localhost raspberrypi\n")
    (etc / "machine").mkdir(exist_ok=True)
    _install(GUEST / "rc", etc / "machine/rc", 0o755)
    _install(GUEST / "inittab", etc / "inittab", 0o644)
    _install(GUEST / "sshd_config", etc / "ssh/sshd_config", 0o644)
    _install(folder / "host_key", etc / "ssh/ssh_host_ed25519_key", 0o600)
    (folder / "host_key").unlink()
    for home, owner in ((root / "root", 0), (root / "home/pi", 1000)):
        (home / ".ssh").mkdir(parents=True, exist_ok=True)
        _install(folder / f"{CLIENT_KEY}.pub", home / ".ssh/authorized_keys", 0o600)
        (home / ".ssh").chmod(0o700)
        for path in (home, home / ".ssh", home / ".ssh/authorized_keys"):
            os.chown(path, owner, owner)
    _compile_library(root)
    init = root / "sbin/init"
    init.unlink(missing_ok=True)
    init.symlink_to("/bin/busybox")
    for name in ("dev", "proc", "sys", "run", "tmp"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)


def _compile_library(root: Path) -> None:
    """Compile Python's own modules, else an emulated processor does it whenever one is imported.

    Only the Python of the image can do it: where this one is another, imports are slower.
    """
    for library in (root / "usr/lib").glob(f"python3.{sys.version_info.minor}"):
        compileall.compile_dir(
            library,
            quiet=2,
            stripdir=root,
            prependdir="/",
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


def apt_sources() -> list[Path]:
    """Return this machine's own lists of packages that are of the image's Debian; none on another system."""
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    own = []
    for path in places:
        text = path.read_text(errors="replace") if path.suffix in (".list", ".sources") and path.is_file() else ""
        if f"{SUITE}-security" in text or f"{SUITE}-updates" in text:
            own.append(path)
    return own


def _unpack(root: Path, log: Path) -> None:
    command = ["mmdebstrap", "--mode=root", "--variant=extract", "--architectures=arm64", "--skip=cleanup/apt"]
    command += [f"--include={','.join(PACKAGES)}", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]
    _run([*command, SUITE, str(root), *map(str, apt_sources())], log)


def _installed(root: Path) -> dict[str, str]:
    """Return the versions of PACKAGES."""
    versions: dict[str, str] = {}
    for archive in (root / "var/cache/apt/archives").glob("*.deb"):
        name, version, _ = archive.name.split("_", 2)
        if name in PACKAGES:
            versions[name] = version.replace("%3a", ":")
    return versions


def _keys(folder: Path) -> None:
    """Generate the host key of the machine and the key to log in with, for this image alone."""
    for name in ("host_key", CLIENT_KEY):
        _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "emulated board", "-f", str(folder / name)])


def check_programs() -> None:
    """Raise DeployError naming what an image can't be made without: a program's package, or root."""
    for program, package in PROGRAMS.items():
        process.find(program, DeployError, package)
    if os.geteuid() != 0:
        raise DeployError("the image's files belong to several users, which needs root once; run this with sudo")


def _install(source: Path, place: Path, mode: int) -> None:
    shutil.copyfile(source, place)
    place.chmod(mode)


def _run(command: list[str], log: Path | None = None) -> None:
    finished = process.run(
        command, error=DeployError, timeout_s=BUILD_TIMEOUT_S, is_merged=True, check=False,
        hint="check that the package archive is reached",
    )  # fmt: skip
    if log:
        log.write_text(finished.stdout)
    if finished.exit_code:
        raise DeployError(f"{command[0]}: {finished.last_line(TELLING)}")


def _own_files() -> dict[str, str]:
    files = [Path(__file__), Path(__file__).with_name("initrd.py"), *sorted(GUEST.iterdir())]
    return {path.name: sha256_of(path) for path in files}


def _is_whole(index: Artifact[object]) -> bool:
    """Whether the other files have the sizes they were built with; hashing the disk would take too long."""
    sizes = json.loads(index.path.read_text())
    files = {name: index.path.with_name(name) for name in sizes}
    return all(file.is_file() and file.stat().st_size == sizes[name] for name, file in files.items())
