"""Plain US English: spellings and old-fashioned words that a stranger trips over stay out of sources and documents."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

SUFFIXES = (".py", ".md", ".c", ".h", ".cc", ".S", ".inc", ".toml", ".jinja", ".cmake", ".txt")
# Other people's words: licenses, locks, recorded output of tools.
NOT_OURS = ("LICENSE", "requirements", "tests/data/flash_tools/", "tests/vectors/", "benchmarks/results/")
BRITISH = re.compile(
    r"\b\w*(?:quantis|optimis|initialis|normalis|serialis|specialis|summaris|generalis|organis|recognis|minimis|maximis|"
    r"equalis|behaviour|colour|labelled|licence|neighbour)\w*",
    re.I,
)
OLD = re.compile(
    r"\b(?:anew|thereof|whence|whilst|amongst|lest|betwixt|nobody's|mend(?:s|ed|ing)?|last words|the last word|"
    r"(?<!there )(?:is|are) no (?:microcontroller|board|number|answer|measurement|picture|file|device|target)s?\b"
    r"(?! of| with| that))\b",
    re.I,
)


def _tracked(checkout: Path) -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=checkout, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a git checkout")
    names = [name for name in listed.splitlines() if name.endswith(SUFFIXES) or name == "inv"]
    return [checkout / n for n in names if not n.startswith(NOT_OURS) and n != "tests/test_words.py"]


@pytest.mark.parametrize("words", [BRITISH, OLD], ids=["US spelling", "plain words"])
def test_words(checkout: Path, words: re.Pattern[str]) -> None:
    hits = [
        f"{path.relative_to(checkout)}:{number}: {match[0]}"
        for path in _tracked(checkout)
        if path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        for match in words.finditer(line)
    ]
    assert hits == []


def test_the_patterns_find_what_they_are_for() -> None:
    for text in ("quantised", "the Initialisation", "colour", "requantisation"):
        assert BRITISH.search(text), text
    for text in ("written anew", "mend that line", "the linker has the last word", "rpi4: is no microcontroller; take"):
        assert OLD.search(text), text
    for text in ("quantized", "recommend", "amendment", "there is no file of that name"):
        assert BRITISH.search(text) is None, text
        assert OLD.search(text) is None, text
