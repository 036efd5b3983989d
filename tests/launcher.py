"""A copy of the launcher with stand-ins for Python, apt-get and sudo."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# All that the launcher may start besides Python, apt-get and sudo.
PROGRAMS = ("sh", "sha256sum", "readlink", "rm", "env", "flock", "mkdir", "cp", "chmod", "uname", "awk", "sleep")
FILES = ("inv", "requirements.lock", "requirements-keras.lock", "requirements-cmake.lock", "other_systems.txt")
FAKE_PYTHON = """#!/bin/sh
printf '%s\\n' "python $*" >>"$FAKE_LOG"
case "$*" in
    *"sys.exit(not"*) exit "${FAKE_IS_OLD:-0}" ;;
    *"import ensurepip"*) exit "${FAKE_NO_ENSUREPIP:-0}" ;;
    *platform.python_version*) echo "python3 is 3.9.2" ;;
    *version_info*) echo 3.11 ;;
    "-m venv -- "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
    *"install --require-hashes"*)
        for last; do :; done
        case $last in */lock-*) cp "$last" "$FAKE_LOG.${last##*/}" ;; esac
        case $last in *"${FAKE_SLOW:-nothing}") exec sleep 600 ;; esac
        case $last in *"${FAKE_FAILS:-}") exit "${FAKE_PIP:-0}" ;; esac
        ;;
    *'/tasks.py --before-install'*) exit "${FAKE_BEFORE:-3}" ;;
    *'/tasks.py'*) for argument; do printf '<%s>' "$argument"; done ;;
esac
"""
FAKE_APT = """#!/bin/sh
printf '%s\\n' "apt-get $*" >>"$FAKE_LOG"
case "$*" in
    *update*) touch_update=yes; : >"$FAKE_LOG.updated" ;;
    *install*) [ -z "$FAKE_STALE" ] || [ -e "$FAKE_LOG.updated" ] ;;
esac
"""


class Copy:
    """A copy of the launcher, and what was called."""

    def __init__(self, folder: Path) -> None:
        self.root, self.bin, self.log = folder / "a checkout", folder / "bin", folder / "log"
        self.root.mkdir()
        self.bin.mkdir()
        for name in FILES:
            shutil.copy(ROOT / name, self.root / name)
        table = (ROOT / "system_packages.txt").read_text().replace(" /usr/", " /not/there/usr/")
        (self.root / "system_packages.txt").write_text(table)
        for name in PROGRAMS:
            path = shutil.which(name)
            if path:
                (self.bin / name).symlink_to(path)
        shutil.copytree(ROOT / "targets", self.root / "targets")
        self.program("python3", FAKE_PYTHON)
        self.program("apt-get", FAKE_APT)
        self.program("id", "#!/bin/sh\necho 0\n")
        (folder / "debian").write_text("ID=debian\n")
        self.os_release = folder / "debian"

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def be(self, name: str, os_release: str) -> None:
        """Make the copy run as a user without root on another system."""
        self.os_release = self.log.with_name(name)
        self.os_release.write_text(os_release)
        self.program("id", "#!/bin/sh\necho 1000\n")

    def run(self, *arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the launcher and forget what was called before."""
        self.log.write_text("")
        return subprocess.run(
            [self.root / "inv", *arguments],
            env={**self.environment, **environment},
            cwd=cwd or self.root.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": str(self.bin),
            "FAKE_LOG": str(self.log),
            "FAKE_STALE": "",
            "OS_RELEASE": str(self.os_release),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the launcher, and forget what was called before."""
        self.log.write_text("")
        return subprocess.Popen(
            [self.root / "inv", *arguments], env=self.environment, cwd=self.root.parent, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def called(self, word: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if word in line]

    def installed(self) -> list[str]:
        """Return the packages that apt-get was called for."""
        return sorted({name for line in self.called("install -y") for name in line.split("recommends ")[1].split()})


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


@pytest.fixture
def warm(copy: Copy) -> Copy:
    assert copy.run("--list").returncode == 0
    return copy
