"""What a page names must be there: files, headings, tasks, options, paths."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from devtools.pages.sources import Page, code_lines, inlines, page
from errors import Error

ELSEWHERE = re.compile(r"^[a-z]+:", re.IGNORECASE)
INV = re.compile(r"(?:^|[\s`(])(?:\./)?inv ((?:(?!\s#|'$|[;`|)]).)*)")
FLAG = re.compile(r"^(--[a-z][a-z-]*)(?:[ =].*)?$")
PATH = re.compile(r"^(?:\./)?([a-z_]\w*/[\w./+-]*[\w/])$", re.IGNORECASE | re.ASCII)
EXAMPLES = {
    "MODEL": "v1_025",
    "TARGET": "qemu-m4",
    "TASK": "deploy",
    "N": "1",
    "BEFORE": "before",
    "AFTER": "after",
    "RUN": "run",
}
"""What stands for the words that a page leaves to its reader."""
BEFORE_A_TASK = ("--help", "--list", "--options", "--version", "--print-completion-script")
OTHERS = ("--help", "--isolated", "--hostname", "--kills", "--pictures", "--baud", "--part")
"""Options of other programs that pages name without their command: labgrid's exporter, our benchmarks."""
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b")
PRODUCTS = ("build/", "reports/", "trained/", "exports/", "baseline/")
"""Folders that tasks write: what is in them is not in the checkout."""


def problems(
    pages: Sequence[Page], root: Path, parse: Callable[[Sequence[str]], object], flags: Collection[str]
) -> list[str]:
    """Return what is wrong, each with file and line."""
    found = []
    for one in pages:
        found += [f"{one.file}:{line}: {problem}" for line, problem in _links(one, pages, root)]
        if one.file != "CHANGELOG.md":  # which is about former versions too
            found += [f"{one.file}:{line}: {problem}" for line, problem in _names(one, root, parse, flags)]
    return found


def target_of(one: Page, link: str) -> tuple[str, str]:
    """Return the file that a link leads to, from the checkout, and the anchor, "" for none."""
    file, _, anchor = unquote(link).partition("#")
    return posixpath.normpath(posixpath.join(posixpath.dirname(one.file), file)) if file else one.file, anchor


def _links(one: Page, pages: Sequence[Page], root: Path) -> Iterator[tuple[int, str]]:
    by_file = {other.file: other for other in pages}
    for line, part in inlines(one):
        link = str(part.attrGet("href" if part.type == "link_open" else "src") or "")
        if not link or ELSEWHERE.match(link):
            continue
        file, anchor = target_of(one, link)
        if file.startswith("../") or not (root / file).is_file():
            yield line, f"link {link}: there is no file {file}"
        elif anchor:
            other = by_file.get(file) or (page(root, file) if file.endswith(".md") else None)
            if other is None or anchor not in {heading.anchor for heading in other.headings}:
                yield line, f"link {link}: {file} has no heading #{anchor}"


def _names(
    one: Page, root: Path, parse: Callable[[Sequence[str]], object], flags: Collection[str]
) -> Iterator[tuple[int, str]]:
    codes = [(line, part.content) for line, part in inlines(one) if part.type == "code_inline"]
    for line, text in [*code_lines(one), *codes]:
        for match in INV.finditer(text):
            if problem := _command(match[1], parse):
                yield line, f"{match[0].strip()}: {problem}"
    for line, text in codes:
        flag, path = FLAG.match(text), PATH.match(text)
        if flag and flag[1] not in flags and flag[1] not in OTHERS:
            yield line, f"{flag[1]}: no task has this option"
        if path and _is_ours(path[1], root) and not (root / path[1]).exists() and not PLACEHOLDER.search(path[1]):
            yield line, f"{text}: there is no such file or folder"


def _command(text: str, parse: Callable[[Sequence[str]], object]) -> str:
    """Return what is wrong with the words behind ./inv, "" if nothing is."""
    try:
        words = shlex.split(text.replace("...", ""))
    except ValueError as e:
        return str(e)
    words = [EXAMPLES.get(word, word) for word in words]
    if not words or words[0].partition("=")[0] in BEFORE_A_TASK:
        return ""
    words = [word for word in words if word not in ("--help", "-h")]
    if words[-1].startswith("--"):
        words.append("1")  # `./inv report --html` stands for any file; a flag leaves the word to be refused
    try:
        parse(words)
    except Error as e:
        is_of_example = words[-1] == "1" and str(e).startswith(("1: ", f"{words[-2]} 1: "))
        return "" if is_of_example else str(e)
    return ""


def _is_ours(path: str, root: Path) -> bool:
    first = path.partition("/")[0]
    return (root / first).is_dir() and not path.startswith(PRODUCTS)
