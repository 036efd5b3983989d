"""Programs run with limits: what they say, how they end, and that none is left when we are gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import process
from errors import CompileError, DeployError

ROOT = Path(__file__).resolve().parent.parent
PYTHON = [sys.executable, "-I", "-S", "-c"]


def run(code: str, **options: object) -> process.Finished:
    return process.run([*PYTHON, code], **({"error": CompileError, "timeout_s": 60} | options))  # type: ignore[arg-type]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def test_both_streams_and_the_exit_code_are_returned() -> None:
    finished = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)", check=False)
    assert (finished.exit_code, finished.stdout, finished.stderr) == (3, "out\n", "err\n")
    assert finished.lines == ["out", "err"]


def test_merged_streams_are_one_and_keep_their_order() -> None:
    code = "import os; os.write(2, b'a\\n'); os.write(1, b'b\\n'); os.write(2, b'c\\n')"
    assert run(code, is_merged=True).stdout == "a\nb\nc\n"


def test_a_missing_program_names_the_package_or_the_next_step() -> None:
    with pytest.raises(CompileError, match=r"^no-such-tool: not found; install it with: apt install cmake$"):
        process.run(["no-such-tool"], error=CompileError, timeout_s=1, install="cmake")
    with pytest.raises(DeployError, match=r"^/no/tool: not found; set TOOL to its path$"):
        process.find("/no/tool", DeployError, "set TOOL to its path")
    with pytest.raises(DeployError, match=r"^no-such-tool: not found; install it, or correct its path$"):
        process.start(["no-such-tool"], error=DeployError)


def test_a_failure_shows_the_telling_line_or_the_last_or_how_it_ended() -> None:
    code = "import sys; print('E: the reason'); print('make: stopped'); sys.exit(1)"
    with pytest.raises(CompileError, match=r"^build: E: the reason$"):
        run(code, name="build", telling="^E:")
    with pytest.raises(CompileError, match=r"^build: make: stopped$"):
        run(code, name="build", telling="^F:")
    with pytest.raises(CompileError, match=r"^python[0-9.]*: exit code 4$"):
        run("raise SystemExit(4)")
    with pytest.raises(CompileError, match=r": killed by SIGSEGV$"):
        run("import os; os.kill(os.getpid(), 11)")
    with pytest.raises(CompileError) as caught:
        run("print('x' * 10000); raise SystemExit(1)")
    assert len(str(caught.value)) < 400


def test_a_program_over_its_time_is_killed_with_what_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[str] = []
    moment = [0.0]
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=lambda: moment[0]))

    def listen(line: str) -> None:
        pids.append(line)
        moment[0] = 61

    with pytest.raises(CompileError, match=r"^tool: did not end within 60 s; is it hung\?$"):
        process.run(
            ["sh", "-c", "sleep 600 & echo $!; wait"],
            error=CompileError, timeout_s=60, name="tool", hint="is it hung?", on_line=listen,
        )  # fmt: skip
    assert wait_until_gone(int(pids[0]))


def test_a_silent_program_that_closed_its_output_is_still_timed() -> None:
    with pytest.raises(CompileError, match="did not end within"):
        run("import os, time; os.close(1); os.close(2); time.sleep(60)", timeout_s=1)


def test_a_grandchild_that_holds_the_pipe_open_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "END_S", 0.3)
    code = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        " start_new_session=True).pid)"
    )
    grandchild = int(run(code, timeout_s=300).stdout)
    assert is_running(grandchild)
    os.kill(grandchild, signal.SIGKILL)


def test_lines_arrive_as_they_are_printed(tmp_path: Path) -> None:
    seen, lines = tmp_path / "seen", []

    def listen(line: str) -> None:
        lines.append(line)
        seen.touch()

    code = (
        "import os, time; print('a', flush=True)\n"
        f"while not os.path.exists({str(seen)!r}): time.sleep(0.01)\n"
        "print('b\\r'); print('c', end='')"
    )
    run(code, on_line=listen)
    assert lines == ["a", "b", "c"]


def test_the_end_of_a_long_output_is_kept() -> None:
    finished = run("print('x' * 1_000_000 + 'end')", kept_bytes=1000)
    assert len(finished.stdout) == 1000
    assert finished.stdout.endswith("xend\n")


def test_input_environment_and_folder_are_the_callers(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.stdin.read(), os.environ.get('A'), os.environ.get('HOME'), os.getcwd())"
    finished = run(code, stdin=b"x" * 200_000, environment={"A": "1"}, folder=tmp_path)
    assert finished.stdout.split() == ["x" * 200_000, "1", "None", str(tmp_path.resolve())]
    assert run("import sys; print(repr(sys.stdin.read()))").stdout == "''\n"


def test_an_error_of_the_listener_kills_the_program() -> None:
    pids: list[int] = []

    def listen(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("import os, time; print(os.getpid(), flush=True); time.sleep(60)", on_line=listen)
    assert wait_until_gone(pids[0])


def pid_after_owner_is_killed(child: str, pid_file: Path) -> int:
    """Kill a process that runs the Python code `child`, and return the process that the code wrote into the file."""
    owner = (
        f"import process, errors, sys; process.run([sys.executable, '-c', {child!r}], error=errors.Error, timeout_s=60)"
    )
    with subprocess.Popen([sys.executable, "-c", owner], cwd=ROOT) as running:
        deadline = time.monotonic() + 60
        while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        pid = int(pid_file.read_text())
        assert is_running(pid)
        os.kill(running.pid, signal.SIGKILL)
    return pid


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv")
def test_a_program_ends_when_we_are_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    assert wait_until_gone(pid_after_owner_is_killed(child, pid_file))


def test_what_a_program_started_ends_when_we_are_killed(tmp_path: Path) -> None:
    """A compiler's driver is killed by the kernel; the compiler that it started is not."""
    pid_file = tmp_path / "pid"
    grandchild = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    assert wait_until_gone(pid_after_owner_is_killed(child, pid_file))


def test_the_reaper_leaves_programs_alone_that_have_ended_or_were_stopped(tmp_path: Path) -> None:
    owner = (
        "import process, errors, subprocess, sys\n"
        "from process import reaper\n"
        "process.run([sys.executable, '-c', ''], error=errors.Error, timeout_s=60)\n"
        "child = process.start([sys.executable, '-c', ''], error=errors.Error)\n"
        "process.stop(child, 20)\n"
        "print(reaper.is_running())"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", owner], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", ""), done


def test_show_leaves_the_output_alone_and_returns_the_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    assert process.show([*PYTHON, "print('seen'); raise SystemExit(5)"], error=CompileError) == 5
    assert capfd.readouterr().out == "seen\n"


def test_a_started_program_is_stopped_after_its_grace() -> None:
    child = process.start([*PYTHON, "import time; time.sleep(60)"], error=DeployError)
    process.stop(child, 0.1)
    assert child.returncode == -signal.SIGKILL
