"""The pages: which there are, in which order, and what a Markdown file has: headings, links, code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from errors import Error

ORDER = {
    "Begin": ("README.md", "docs/start.md", "docs/boards.md", "docs/own_model.md", "docs/own_photos.md"),
    "Measure": ("docs/reports.md", "docs/profile.md", "docs/trace.md", "docs/hil.md", "benchmarks/results/engines.md"),
    "Networks": ("docs/training.md", "docs/accuracy.md"),
    "Boards in detail": ("docs/rp2.md", "docs/labs.md", "docs/export.md"),
    "How it works": (
        "docs/design.md", "docs/planner.md", "docs/kernels.md", "docs/operators.md", "docs/cycles.md",
        "docs/protocol.md", "docs/architecture.md",
    ),
    "Reference": ("docs/options.md", "CONTRIBUTING.md", "AGENTS.md", "CHANGELOG.md"),
}  # fmt: skip
"""The files of the pages by group, in the order of the table of contents; the first is the first page."""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 6: its text, and its anchor as GitHub makes it."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Page:
    """One Markdown file. `file` is its path from the checkout."""

    file: str
    group: str
    tokens: tuple[Token, ...]
    headings: tuple[Heading, ...]

    @property
    def title(self) -> str:
        """The text of its first heading."""
        return self.headings[0].text


def read(root: Path) -> list[Page]:
    """Return all pages. Raises Error if one is missing, has no heading, or if a file of docs/ is not a page."""
    pages = [page(root, file, group) for group, files in ORDER.items() for file in files if (root / file).exists()]
    known = {file for files in ORDER.values() for file in files}
    files = {path.relative_to(root).as_posix() for path in (root / "docs").glob("*.md")}
    if unknown := sorted(files - known):
        raise Error(f"{unknown[0]}: not in the table of contents; add it to ORDER of devtools/pages/sources.py")
    if missing := sorted(known - {one.file for one in pages}):
        raise Error(f"{missing[0]}: no such page; write it, or take it out of ORDER of devtools/pages/sources.py")
    return pages


def page(root: Path, file: str, group: str = "") -> Page:
    """Return one page. Raises Error if it has no heading."""
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse((root / file).read_text(encoding="utf-8"))
    headings, anchors = [], dict[str, int]()
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            text = text_of(content)
            slug = _slug(text)
            count = anchors[slug] = anchors.get(slug, -1) + 1
            headings.append(Heading(int(opening.tag[1:]), text, f"{slug}-{count}" if count else slug))
            opening.attrSet("id", headings[-1].anchor)
    if not headings:
        raise Error(f"{file}: has no heading; begin it with # and its title")
    return Page(file, group, tuple(tokens), tuple(headings))


def text_of(inline: Token) -> str:
    """Return the plain text of what stands in a paragraph, a heading or a cell."""
    return "".join(part.content for part in inline.children or () if part.type in ("text", "code_inline"))


def _slug(text: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def inlines(page: Page) -> Iterator[tuple[int, Token]]:
    """Yield line number and token of each piece of text, link and inline code; cells of a table have its row's line."""
    line = 1
    for token in page.tokens:
        if token.map:
            line = token.map[0] + 1
        for part in token.children or ():
            yield line, part
            line += part.type in ("softbreak", "hardbreak")


def code_lines(page: Page) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each line of blocks of code."""
    for token in page.tokens:
        if token.type in ("fence", "code_block") and token.map:
            first = token.map[0] + 1 + (token.type == "fence")
            yield from enumerate(token.content.splitlines(), start=first)
