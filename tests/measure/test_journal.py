"""The journal of a run: what is whole on disk comes back, and nothing else does."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from measure.journal import KEPT, Journal
from measure.samples import Outputs
from tests.pipeline.small import CHECKOUT

FACTS = {"firmware": "ab" * 32, "data": "cd" * 32, "kernels": "portable"}
COUNT, SIZE = 20, 10
ROWS = np.random.default_rng(0).integers(0, 256, (COUNT, SIZE)).astype(np.uint8)
RECORD = 12 + SIZE + 4


def nothing() -> Outputs:
    return Outputs(np.zeros((COUNT, SIZE), np.uint8), [])


def answer(journal: Journal, outputs: Outputs, until: int) -> None:
    for i in range(outputs.done, until):
        outputs.raw[i], outputs.done = ROWS[i], i + 1
        outputs.times.append(i / 7)
        journal.add(outputs)


def written(folder: Path, until: int, facts: dict[str, str] = FACTS) -> Journal:
    journal = Journal("host-tiny", facts, folder)
    outputs = nothing()
    assert journal.open(outputs)
    answer(journal, outputs, until)
    journal.close()
    return journal


def read(folder: Path, facts: dict[str, str] = FACTS) -> Outputs:
    journal, outputs = Journal("host-tiny", facts, folder), nothing()
    assert journal.open(outputs)
    journal.close()
    return outputs


def check(outputs: Outputs, done: int) -> None:
    assert outputs.done == done == len(outputs.times)
    assert (outputs.raw[:done] == ROWS[:done]).all()
    assert not outputs.raw[done:].any()
    assert outputs.times == [i / 7 for i in range(done)]


def test_answers_come_back_and_more_are_added(tmp_path: Path) -> None:
    written(tmp_path, 7)
    check(read(tmp_path), 7)
    journal, outputs = Journal("host-tiny", FACTS, tmp_path), nothing()
    journal.open(outputs)
    answer(journal, outputs, COUNT)
    journal.close()
    check(read(tmp_path), COUNT)
    journal.discard()
    journal.discard()
    assert not list(tmp_path.iterdir())


def test_every_length_that_a_power_loss_may_leave(tmp_path: Path) -> None:
    path = written(tmp_path, 3).path
    whole = path.read_bytes()
    head = len(whole) - 3 * RECORD
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        check(read(tmp_path), max(0, length - head) // RECORD)
        assert path.stat().st_size % RECORD == head % RECORD, "what is half written is cut off"


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_bit_ends_what_comes_back(tmp_path: Path, seed: int) -> None:
    path = written(tmp_path, 5).path
    whole = path.read_bytes()
    head = len(whole) - 5 * RECORD
    rng = random.Random(seed)
    for _ in range(40):
        damaged = bytearray(whole)
        at = rng.randrange(len(whole))
        damaged[at] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        check(read(tmp_path), max(0, at - head) // RECORD if at >= head else 0)


def test_records_of_another_journal_do_not_count(tmp_path: Path) -> None:
    first, second = written(tmp_path, 5), written(tmp_path, 0, {**FACTS, "data": "ee" * 32})
    assert first.path != second.path
    with second.path.open("ab") as file:
        file.write(first.path.read_bytes()[-5 * RECORD :])
    check(read(tmp_path, {**FACTS, "data": "ee" * 32}), 0)


def test_what_differs_is_named(tmp_path: Path) -> None:
    written(tmp_path, 5)
    other = Journal("host-tiny", {**FACTS, "data": "ee" * 32, "unit": "7"}, tmp_path)
    assert other.differences() == "data cdcdcdcdcdcd then, eeeeeeeeeeee now; unit none then, 7 now"
    assert Journal("host-tiny", FACTS, tmp_path).differences() == ""
    assert Journal("host-other", {}, tmp_path).differences() == ""


def test_a_second_run_leaves_the_journal_alone(tmp_path: Path) -> None:
    journal, outputs = Journal("host-tiny", FACTS, tmp_path), nothing()
    assert journal.open(outputs)
    second, others = Journal("host-tiny", FACTS, tmp_path), nothing()
    assert not second.open(others)
    answer(second, others, 3)
    second.close()
    answer(journal, outputs, 2)
    journal.close()
    check(read(tmp_path), 2)


def test_old_journals_are_removed(tmp_path: Path) -> None:
    for i in range(KEPT + 5):
        path = written(tmp_path, 1, {"data": str(i)}).path
        os.utime(path, (i, i))
    written(tmp_path, 1)
    assert len(list(tmp_path.iterdir())) == KEPT + 1
    assert not Journal("host-tiny", {"data": "0"}, tmp_path).path.exists()


ENDLESS = """
import sys
import numpy as np
from pathlib import Path
from tests.measure.test_journal import FACTS, Journal, ROWS, answer, nothing
while True:
    journal, outputs = Journal("host-tiny", FACTS, Path(sys.argv[1])), nothing()
    journal.open(outputs)
    for i in range(outputs.done + 1, len(ROWS) + 1):
        answer(journal, outputs, i)
        print(i, flush=True)
    journal.discard()
"""


def test_what_was_answered_before_a_sigkill_is_there(tmp_path: Path) -> None:
    rng = random.Random(1)
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(tmp_path)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout
            wanted = rng.randrange(1, COUNT)
            for line in child.stdout:
                if int(line) == wanted:
                    break
            child.kill()
            last = ([wanted] + [int(text) for text in child.stdout.read().split()])[-1]
        outputs = read(tmp_path)
        next_ones = (last + 1,) if last < COUNT else (0, 1)  # the journal is begun again
        assert outputs.done in (last, *next_ones), "one more may not be printed yet"
        check(outputs, outputs.done)
