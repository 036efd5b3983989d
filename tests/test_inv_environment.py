"""The launcher makes and repairs the environment of Python; a machine without Python or venv."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.launcher import Copy, copy, warm

__all__ = ["copy", "warm"]  # fixtures


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
    return [line.rpartition("/")[2] for line in copy.called("install --require-hashes")]


@pytest.mark.parametrize(("task", "lock"), [("train", ""), ("test", ""), ("models", "keras")])
def test_keras_comes_with_one_call_of_pip_where_it_is_needed(copy: Copy, task: str, lock: str) -> None:
    done = copy.run(task, "--data=cifar10", ALPHARHO_LOCK=lock)
    assert installs(copy) == ["requirements-keras.lock"]
    assert "with TensorFlow and Keras" in done.stderr
    assert stamp_of(copy) == [digest_of(copy, "requirements-keras.lock"), "keras"]


def test_keras_is_added_to_a_light_environment_and_stays(warm: Copy) -> None:
    warm.run("deploy", "x.tflite", ALPHARHO_LOCK="keras")
    assert installs(warm) == ["requirements-keras.lock"]
    assert not warm.called("-m venv")
    warm.run("deploy", "x.tflite")
    assert installs(warm) == []


def test_an_environment_from_before_the_light_lock_keeps_keras(warm: Copy) -> None:
    (warm.root / ".venv" / "lock.sha256").write_text("0" * 64 + "\n")
    warm.run("--list")
    assert installs(warm) == ["requirements-keras.lock"]


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
