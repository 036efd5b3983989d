"""The launcher, from a copy of it in a path with a space, with programs that only write down how they were called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from deploy.flash_tool import FlashTool
from target.sections import flashers
from tests.launcher import FAKE_PYTHON, ROOT, Copy, copy, warm

__all__ = ["copy", "warm"]  # fixtures


def packages_of_tests() -> list[str]:
    rows = [line.split() for line in (ROOT / "system_packages.txt").read_text().splitlines() if line[:1] != "#"]
    return sorted({row[2] for row in rows if row[:2] == ["task", "test"]})


@pytest.mark.parametrize(
    ("arguments", "packages"),
    [
        (["--list"], []),
        (["models"], []),
        (["--help", "deploy"], []),
        (["deploy", "--target=qemu-m4", "--help"], []),
        (["--complete", "--", "deploy", "v1_025", "qemu-m4", ""], []),
        (["deploy"], ["dataset-fashion-mnist"]),
        (["deploy", "--target", "host", "--model", "v1_025"], ["dataset-fashion-mnist"]),
        (["deploy", "--data", "folder:pets"], []),
        (["deploy", "--data=npz:test"], []),
        (["deploy", "--data", "cifar10", "v1_025"], []),
        (["deploy", "--data", "fashion_mnist"], ["dataset-fashion-mnist"]),
        (["explain", "--model", "test"], []),
        (["deploy", "v1_025"], ["dataset-fashion-mnist"]),
        (
            ["deploy", "--data=cifar10", "--target=qemu-m4"],
            ["cmake", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "ninja-build", "qemu-system-arm"],
        ),
        (["deploy", "--data", "cifar10", "--target", "host-fw"], ["cmake", "gcc", "libc6-dev", "ninja-build"]),
        (["deploy", "--data", "cifar10", "--target", "rpi4"], ["openssh-client"]),
        (["deploy", "--data", "cifar10", "--target", "qemu-rpi4"], ["mmdebstrap", "openssh-client", "qemu-system-arm"]),
        (
            ["deploy", "--data", "cifar10", "--target", "host-fw", "--engine", "tflm"],
            ["cmake", "g++", "gcc", "libc6-dev", "ninja-build"],
        ),
        (["deploy", "--data", "cifar10", "--target", "no-such-target"], []),
        (["deploy", "--data=cifar10", "v1_025", "host-fw"], ["cmake", "gcc", "libc6-dev", "ninja-build"]),
        (["deploy", "--data=cifar10", "--fresh", "host-fw"], ["cmake", "gcc", "libc6-dev", "ninja-build"]),
        (["deploy", "--data=cifar10", "host,host-fw"], ["cmake", "gcc", "libc6-dev", "ninja-build"]),
        (
            ["deploy", "--data=cifar10", "--target", "rpi4,host-fw"],
            ["cmake", "gcc", "libc6-dev", "ninja-build", "openssh-client"],
        ),
        (["fit", "mine.tflite", "qemu-m4"], []),  # which builds nothing
        (
            ["fit", "mine.tflite", "qemu-m4", "--measure"],
            ["cmake", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "ninja-build", "qemu-system-arm"],
        ),
        (["compile", "--data=cifar10", "mine.tflite", "host-fw"], ["cmake", "gcc", "libc6-dev", "ninja-build"]),
        (
            ["compile", "--data=cifar10", "mine.tflite", "qemu-m4"],
            ["cmake", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "ninja-build"],
        ),
        (["compare", "mine.tflite", "nucleo-f446re"], []),
        (["report", "--data=cifar10", "mine.tflite", "nucleo-f446re"], []),
        (["test"], packages_of_tests()),
    ],
)
def test_the_packages_of_the_task_are_installed(warm: Copy, arguments: list[str], packages: list[str]) -> None:
    done = warm.run(*arguments)
    assert done.returncode == 0
    assert warm.installed() == packages
    assert len(warm.called("apt-get")) == bool(packages)
    assert "/tasks.py>" in done.stdout


def test_what_is_there_is_not_installed(warm: Copy) -> None:
    for name in ("cmake", "gcc", "ninja"):
        warm.program(name, "#!/bin/sh\n")
    warm.run("deploy", "--data=cifar10", "--target=host-fw")
    assert warm.installed() == ["libc6-dev"]


NUCLEO = ("deploy", "--target", "nucleo-f446re")
PICO = ("deploy", "--target=pico-serial")
BENCH = '[rpi4]\nlink = "ssh://pi@rpi4"\nflasher = "bossac"\n\n[nucleo-f446re]\nflasher = "stlink" # as usual here\n'


@pytest.mark.parametrize(
    ("arguments", "there", "bench", "flasher"),
    [
        (NUCLEO, "", "", {"openocd"}),
        (NUCLEO, "st-flash", "", set()),
        (NUCLEO, "STM32_Programmer_CLI", "", set()),
        (NUCLEO, "pyocd", "", set()),
        (NUCLEO, "bossac", "", {"openocd"}),  # not one of its flashers
        ((*NUCLEO, "--flasher", "openocd"), "st-flash", "", {"openocd"}),
        ((*NUCLEO, "--flasher=stlink"), "pyocd", "", {"stlink-tools"}),
        ((*NUCLEO, "--flasher=pyocd"), "", "", set()),  # not Debian's
        (NUCLEO, "openocd", BENCH, {"stlink-tools"}),
        ((*NUCLEO, "--flasher=openocd"), "", BENCH, {"openocd"}),
        (PICO, "picotool", "", set()),
        (PICO, "", BENCH, {"openocd"}),
        (("compile", *NUCLEO[1:]), "", "", set()),
        (("deploy", "--target=teensy41"), "", "", set()),  # the user's SDK brings what it calls
    ],
)
def test_a_flasher_is_installed_only_if_the_target_has_none(
    warm: Copy, arguments: tuple[str, ...], there: str, bench: str, flasher: set[str]
) -> None:
    if there:
        warm.program(there, "#!/bin/sh\n")
    (warm.root / "bench.toml").write_text(bench)
    warm.run(*arguments)
    flashers = {"openocd", "stlink-tools", "dfu-util", "bossa-cli", "teensy-loader-cli"}
    assert flashers & set(warm.installed()) == flasher


def test_the_launcher_knows_the_program_of_each_flasher() -> None:
    text = (ROOT / "inv").read_text()
    for name in flashers():
        tool = import_module(f"deploy.flashers.{name.replace('-', '_')}").FLASHER
        if issubclass(tool, FlashTool) and tool.program not in ("", name):
            assert f"{name}) name={tool.program} ;;" in text


def test_stale_package_lists_are_fetched_once(warm: Copy) -> None:
    warm.run("deploy", FAKE_STALE="yes")
    assert [line.split()[-1] for line in warm.called("apt-get")] == [
        "dataset-fashion-mnist",
        "update",
        "dataset-fashion-mnist",
    ]


def test_without_root_a_missing_package_is_named_before_python_is_installed(copy: Copy) -> None:
    copy.program("id", "#!/bin/sh\necho 1000\n")
    done = copy.run("deploy", "--target=host-fw", "--data=cifar10")
    assert done.returncode == 1
    packages = "cmake ninja-build gcc libc6-dev"
    assert f"inv: deploy needs {packages}; run: sudo apt-get install -y {packages}\n" in done.stderr
    assert "what needs no package of the system: --target host; and host-fw" in done.stderr
    assert not copy.called("venv")
    assert not (copy.root / ".venv").exists()


def test_what_is_to_be_fetched_is_named_with_its_size_before_it_is(copy: Copy) -> None:
    done = copy.run("deploy", "--target=host-fw", "--data=cifar10")
    first = done.stderr.splitlines()[0]
    assert first.startswith("inv: to be fetched: Debian's cmake ninja-build gcc libc6-dev; and ")
    assert first.endswith("; without TensorFlow and Keras, which are installed when a task needs them")


def test_without_root_pip_brings_cmake_where_there_is_any_c_compiler(copy: Copy) -> None:
    copy.be("debian", "ID=debian\n")
    copy.program("clang", "#!/bin/sh\n")
    table = copy.root / "system_packages.txt"
    table.write_text(table.read_text().replace("/not/there/usr/include/stdio.h", "/"))
    done = copy.run("deploy", "x.tflite", "--target=host-fw", "--data=cifar10")
    assert done.returncode == 0
    locks = [line.rpartition("/")[2] for line in copy.called("install --require-hashes")]
    assert locks == ["requirements.lock", "requirements-cmake.lock"]
    for name in ("cmake", "ninja"):
        (copy.root / ".venv" / "bin" / name).symlink_to("python")
    assert copy.run("deploy", "x.tflite", "--target=host-fw", "--data=cifar10").stderr == ""


@pytest.mark.parametrize(
    ("os_release", "command"),
    [
        ("ID=fedora\n", "sudo dnf install cmake ninja-build arm-none-eabi-gcc-cs qemu-system-arm"),
        (
            'ID=rocky\nID_LIKE="rhel centos fedora"\n',
            "sudo dnf install cmake ninja-build arm-none-eabi-gcc-cs qemu",
        ),
        ("ID=manjaro\nID_LIKE=arch\n", "sudo pacman -S --needed cmake ninja arm-none-eabi-gcc qemu-system-arm"),
        ("ID=void\n", "install it with your system's package manager"),
    ],
)
def test_other_systems_get_their_own_words(copy: Copy, os_release: str, command: str) -> None:
    copy.be("other", os_release)
    if "void" in os_release:
        (copy.bin / "apt-get").unlink()
    done = copy.run("deploy", "--target=qemu-m4", "--data=cifar10")
    assert done.returncode == 1
    assert command in done.stderr
    assert "apt" not in done.stderr
    assert not copy.called("apt-get")


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        ("Darwin", "run: brew install cmake ninja gcc-arm-embedded qemu\n"),
        ("MINGW64_NT-10.0", "Windows has no POSIX system for this; install WSL (wsl --install)"),
    ],
)
def test_mac_and_windows_get_their_own_words(copy: Copy, kernel: str, words: str) -> None:
    (copy.bin / "uname").unlink()
    copy.program("uname", f"#!/bin/sh\necho {kernel}\n")
    done = copy.run("deploy", "--target=qemu-m4", "--data=cifar10")
    assert done.returncode == 1
    assert words in done.stderr
    assert not copy.called("apt-get")


def test_every_package_has_a_name_on_other_systems() -> None:
    rows = [line.split() for line in (ROOT / "other_systems.txt").read_text().splitlines() if line[:1] != "#"]
    assert all(len(row) == 4 for row in rows)
    packages = {line.split()[2] for line in (ROOT / "system_packages.txt").read_text().splitlines() if line[:1] != "#"}
    assert {row[0] for row in rows} == packages


def test_without_root_a_data_set_that_can_be_downloaded_stops_nothing(copy: Copy) -> None:
    copy.program("id", "#!/bin/sh\necho 1000\n")
    assert copy.run("deploy").returncode == 0
    assert len(copy.called("install --require-hashes")) == 1


def test_packages_are_installed_before_python_s(copy: Copy) -> None:
    copy.run("deploy")
    apt, pip = (copy.log.read_text().index(word) for word in ("apt-get", "--require-hashes"))
    assert apt < pip


def test_without_root_the_command_is_printed_and_the_task_runs(warm: Copy) -> None:
    warm.program("id", "#!/bin/sh\necho 1000\n")
    done = warm.run("deploy")
    assert done.stderr.startswith(
        "inv: deploy needs dataset-fashion-mnist; run: sudo apt-get install -y dataset-fashion-mnist\n"
    )
    assert done.returncode == 0
    assert not warm.called("apt-get")
    assert "<deploy>" in done.stdout


def test_sudo_without_a_password_is_used(warm: Copy) -> None:
    warm.program("id", "#!/bin/sh\necho 1000\n")
    warm.program("sudo", '#!/bin/sh\n[ "$1" = -n ] && shift && { [ "$1" = true ] || exec "$@"; }\n')
    warm.run("deploy")
    assert warm.installed() == ["dataset-fashion-mnist"]


def test_it_runs_through_a_symbolic_link(warm: Copy, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "inv"
    link.symlink_to(warm.root / "inv")
    environment = {"PATH": str(warm.bin), "FAKE_LOG": str(warm.log), "OS_RELEASE": str(warm.os_release)}
    done = subprocess.run([link, "x"], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert f"<{warm.root}/tasks.py><x>" in done.stdout


def test_the_tasks_run_from_any_folder_and_import_nothing_of_it(copy: Copy, tmp_path: Path) -> None:
    """With the real Python: a folder that holds an `invoke` and an `errors` of its own does not get in the way."""
    real = f'case $1 in */tasks.py) exec "{sys.executable}" "$@" ;; esac'
    copy.program("python3", f"#!/bin/sh\n{real}\n{FAKE_PYTHON}")
    (copy.root / "errors.py").write_text("NAME = 'ours'\n")
    (copy.root / "tasks.py").write_text(
        "import os, sys\n\nif sys.argv[1] == '--before-install':\n    sys.exit(3)\n"
        "import errors, invoke\n\nprint(errors.NAME, invoke.__name__, *sys.argv[1:], os.getcwd())\n"
    )
    trap = tmp_path / "user's folder"
    trap.mkdir()
    for name in ("invoke", "errors", "tasks"):
        (trap / f"{name}.py").write_text("raise SystemExit('taken from the wrong folder')\n")
    for environment in ({}, {"PYTHONSAFEPATH": "1"}):
        done = copy.run("say", "a b", cwd=trap, **environment)
        assert done.stderr.count("wrong") == 0
        assert done.stdout == f"ours invoke say a b {trap}\n"


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="needs apt install shellcheck")
def test_shellcheck_has_nothing_to_say() -> None:
    guest = ROOT / "deploy" / "machines" / "guest"
    ours, of_busybox = [ROOT / "inv", ROOT / ".ci" / "run"], ["--shell=dash", guest / "init", guest / "rc"]
    for arguments in (ours, of_busybox):
        done = subprocess.run(["shellcheck", *arguments], capture_output=True, text=True, check=False, env=os.environ)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
