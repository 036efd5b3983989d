"""The launcher makes and repairs the environment of Python; a machine without Python or venv."""

from __future__ import annotations

import hashlib

from tests.launcher import Copy, copy, warm

__all__ = ["copy", "warm"]  # fixtures


def test_the_first_run_makes_the_environment_and_runs_the_tasks(copy: Copy) -> None:
    done = copy.run("models", "--json", "a b", "")
    assert done.returncode == 0
    assert done.stdout == f"<{copy.root}/tasks.py><models><--json><a b><>"
    assert len(copy.called("-m venv")) == 1
    assert len(copy.called(f"install --require-hashes --only-binary :all: -r {copy.root / 'requirements.lock'}")) == 1
    stamp = (copy.root / ".venv" / "lock.sha256").read_text().strip()
    assert stamp == hashlib.sha256((copy.root / "requirements.lock").read_bytes()).hexdigest()


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
    assert done.stderr.endswith("run: sudo apt-get install -y python3.11-venv\n")
