"""The launcher makes and repairs the environment of Python; a machine without Python or venv."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launcher import ROOT, Copy, copy, warm

__all__ = ["copy", "warm"]  # fixtures
PARTS = ["lock-pip.txt", "lock-rest.txt", "lock-tensorflow.txt"]


def test_the_first_run_makes_the_environment_and_runs_the_tasks(copy: Copy) -> None:
    done = copy.run("models", "--json", "a b", "")
    assert done.returncode == 0
    assert done.stdout == f"<{copy.root}/tasks.py><models><--json><a b><>"
    assert len(copy.called("-m venv")) == 1
    assert len(copy.called(f"install --require-hashes --only-binary :all: -r {copy.root / 'requirements.lock'}")) == 1
    assert stamp_of(copy) == [digest_of(copy, "requirements.lock"), "light"]
    assert "inv: installing the Python packages of requirements.lock into .venv: " in done.stderr
    assert "without TensorFlow and Keras" in done.stderr


def stamp_of(copy: Copy) -> list[str]:
    return (copy.root / ".venv" / "lock.sha256").read_text().split()


def digest_of(copy: Copy, lock: str) -> str:
    return hashlib.sha256((copy.root / lock).read_bytes()).hexdigest()


def installs(copy: Copy) -> list[str]:
    return sorted(line.rpartition("/")[2] for line in copy.called("install --require-hashes"))


@pytest.mark.parametrize(("task", "lock"), [("train", ""), ("test", ""), ("models", "keras")])
def test_keras_comes_where_it_is_needed(copy: Copy, task: str, lock: str) -> None:
    done = copy.run(task, "--data=cifar10", ALPHARHO_LOCK=lock)
    assert installs(copy) == PARTS
    assert "with TensorFlow and Keras" in done.stderr
    assert stamp_of(copy) == [digest_of(copy, "requirements-keras.lock"), "keras"]


def test_tensorflow_is_installed_beside_the_rest(copy: Copy) -> None:
    copy.run("train", "--data=cifar10")
    parts = [copy.log.with_name(f"{copy.log.name}.{name}").read_text() for name in PARTS]
    lock = (ROOT / "requirements-keras.lock").read_text()
    assert sorted("".join(parts).splitlines()) == sorted(lock[lock.index("\nabsl-py==") + 1 :].splitlines())
    assert [part.count("==") for part in (parts[0], parts[2])] == [1, 1]
    assert (parts[0].startswith("pip=="), parts[2].startswith("tensorflow==")) == (True, True)
    assert copy.called("--no-deps -r")[-1].endswith("lock-pip.txt"), "while it runs it is not replaced"
    assert not [path for path in (copy.root / ".venv").iterdir() if path.name in PARTS]


@pytest.mark.parametrize("part", PARTS)
def test_any_part_that_fails_is_an_error_and_stops_the_other(copy: Copy, part: str) -> None:
    slow = "lock-tensorflow.txt" if part == "lock-rest.txt" else "nothing"  # what runs beside is stopped
    failed = copy.run("train", "--data=cifar10", FAKE_PIP="1", FAKE_FAILS=part, FAKE_SLOW=slow)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("inv: the packages could not be installed")
    assert not (copy.root / ".venv" / "lock.sha256").exists()
    assert copy.run("train", "--data=cifar10").returncode == 0


def test_keras_is_added_to_a_light_environment_and_stays(warm: Copy) -> None:
    warm.run("deploy", "x.tflite", ALPHARHO_LOCK="keras")
    assert installs(warm) == PARTS
    assert not warm.called("-m venv")
    warm.run("deploy", "x.tflite")
    assert installs(warm) == []


def test_an_environment_from_before_the_light_lock_keeps_keras(warm: Copy) -> None:
    (warm.root / ".venv" / "lock.sha256").write_text("0" * 64 + "\n")
    warm.run("--list")
    assert installs(warm) == PARTS


def test_a_warm_run_starts_python_once(warm: Copy) -> None:
    done = warm.run("--list")
    assert done.stderr == ""
    assert len(warm.log.read_text().splitlines()) == 1


def test_a_changed_lock_installs_again_into_the_same_environment(warm: Copy) -> None:
    with (warm.root / "requirements.lock").open("a") as file:
        file.write("# changed\n")
    warm.run("--list")
    assert len(warm.called("install --require-hashes")) == 1
    assert not warm.called("-m venv")
    warm.run("--list")
    assert not warm.called("install --require-hashes")


def test_a_failed_install_is_redone_from_the_start(copy: Copy) -> None:
    failed = copy.run("--list", FAKE_PIP="1")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("inv: the packages could not be installed")
    assert not (copy.root / ".venv" / "lock.sha256").exists()
    (copy.root / ".venv" / "half a package").write_text("")
    assert copy.run("--list").returncode == 0
    assert len(copy.called("-m venv")) == 1
    assert not (copy.root / ".venv" / "half a package").exists()


def test_an_environment_without_python_is_made_again(warm: Copy) -> None:
    (warm.root / ".venv" / "bin" / "python").unlink()
    assert warm.run("--list").returncode == 0
    assert len(warm.called("-m venv")) == 1


def test_an_environment_of_the_user_is_never_deleted(warm: Copy) -> None:
    (warm.root / ".venv" / "made-by-inv").unlink()
    (warm.root / ".venv" / "mine").write_text("")
    (warm.root / ".venv" / "unfinished").write_text("")
    assert warm.run("--list").returncode == 0
    assert len(warm.called("--force-reinstall")) == 1
    (warm.root / ".venv" / "bin" / "python").unlink()
    done = warm.run("--list")
    assert done.returncode == 1
    assert done.stderr.endswith("was not made by ./inv and has no Python 3.11 to 3.13 with pip; move it away\n")
    assert (warm.root / ".venv" / "mine").exists()


def test_a_linked_environment_is_never_deleted(warm: Copy, tmp_path: Path) -> None:
    (warm.root / ".venv").rename(tmp_path / "shared")
    (warm.root / ".venv").symlink_to(tmp_path / "shared")
    (tmp_path / "shared" / "unfinished").write_text("")
    assert warm.run("--list").returncode == 0
    assert (warm.root / ".venv").is_symlink()


def test_an_environment_made_by_hand_is_used(warm: Copy) -> None:
    (warm.root / ".venv" / "lock.sha256").unlink()
    assert warm.run("--list").returncode == 0
    assert not warm.called("-m venv")
    assert len(warm.called("install --require-hashes")) == 1


def test_an_old_python_is_one_line(copy: Copy) -> None:
    done = copy.run("--list", FAKE_IS_OLD="1")
    assert done.returncode == 1
    assert done.stderr == (
        "inv: Python 3.11, 3.12 or 3.13 is needed; python3 is 3.9.2. Install one and put it on the PATH\n"
    )


def test_no_python_is_one_line(copy: Copy) -> None:
    (copy.bin / "python3").unlink()
    assert "there is no python3" in copy.run("--list").stderr


def test_a_newer_python_beside_an_old_python3_is_found(copy: Copy) -> None:
    (copy.bin / "python3").rename(copy.bin / "python3.12")
    assert copy.run("--list").returncode == 0


def test_python_without_venv_gets_the_package(copy: Copy) -> None:
    copy.run("--list", FAKE_NO_ENSUREPIP="1")
    assert copy.installed() == ["python3.11-venv"]


def test_python_without_venv_and_without_root_says_the_command(copy: Copy) -> None:
    copy.program("id", "#!/bin/sh\necho 1000\n")
    done = copy.run("--list", FAKE_NO_ENSUREPIP="1")
    assert done.returncode == 1
    assert "run: sudo apt-get install -y python3.11-venv\n" in done.stderr


@pytest.mark.parametrize("code", [0, 1])
def test_help_and_mistakes_are_answered_before_anything_is_installed(code: int, copy: Copy) -> None:
    done = copy.run("deploy", "--target=qemu-m4", FAKE_BEFORE=str(code))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    assert copy.called("--before-install") == [
        f"python {copy.root / 'tasks.py'} --before-install deploy --target=qemu-m4"
    ]
    assert not (copy.root / ".venv").exists()
    assert not copy.called("apt-get")


def test_a_mistake_is_answered_before_a_package_of_the_system_is_installed(warm: Copy) -> None:
    assert warm.run("deploy", "--targt=qemu-m4", FAKE_BEFORE="1").returncode == 1
    assert not warm.called("apt-get")


BARE = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
import tasks

answers = []
for arguments in json.loads(sys.argv[2]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = tasks.main(["--before-install", *arguments])
    answers.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""
"""The real tasks as the launcher runs them before the first install."""


def test_help_and_mistakes_need_no_package_but_pythons_library() -> None:
    cases: list[tuple[list[str], int, str]] = [
        ([], 0, "usage: ./inv TASK"),
        (["--version"], 0, "Alpharho "),
        (["deploy", "--help"], 0, "usage: ./inv deploy"),
        (["--complete", "--", "deploy", "v1_025", "qemu-m5"], 0, "qemu-m55\n"),
        (["deplyo", "v1_025"], 1, "error: deplyo: no such task; did you mean deploy?\n"),
        (["deploy", "qemu-m4\x1b[2J"], 1, r"error: qemu-m4\x1b[2J: not a model or a target; did you mean qemu-m4"),
        (["deploy", "v1_025", "qemu-m4", "--images=few"], 1, "error: --images few: expected a whole number"),
        (["deploy", "no-such-file.tflite", "qemu-m4"], 3, ""),
        (["report", "v1_025", "qemu-m4"], 3, ""),
    ]
    typed = json.dumps([arguments for arguments, _, _ in cases])
    command = [sys.executable, "-S", "-c", BARE, str(ROOT), typed]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240, env=environment)
    for (arguments, code, words), (ours, out, err) in zip(cases, json.loads(done.stdout), strict=True):
        assert ours == code, arguments
        assert (err if code == 1 else out).startswith(words), arguments
        assert (out if code == 1 else err) == "", arguments
        assert out + err or code == 3
        assert code != 1 or err.count("\n") == 1, arguments


@pytest.mark.parametrize("is_linked", [False, True])
def test_installs_into_one_environment_wait_for_each_other(is_linked: bool, copy: Copy, tmp_path: Path) -> None:
    """Also those of several checkouts, which share it by a link."""
    owner = copy.root
    if is_linked:
        owner = tmp_path / "another checkout"
        owner.mkdir()
        (copy.root / ".venv").symlink_to(owner / ".venv")
    held = os.open(owner, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    begun = copy.start("models")
    assert begun.stderr is not None
    while "another ./inv is installing; waiting for it" not in (line := begun.stderr.readline()):
        assert line, "it did not wait"
    assert not copy.called("install --require-hashes")
    fcntl.flock(held, fcntl.LOCK_UN)
    assert begun.wait(240) == 0
    begun.stderr.close()
    os.close(held)
    assert installs(copy) == ["requirements.lock"]
    assert (owner / ".venv" / "lock.sha256").is_file()
