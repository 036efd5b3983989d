"""The pages as HTML: a file each, with the table of contents, and nothing that is loaded from elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from artifact import write_atomic
from devtools.pages.check import ELSEWHERE, target_of
from devtools.pages.sources import Page

TEMPLATE = "page.html.j2"
DEEPEST = 3
"""Headings that a page's own list of contents has."""


def name_of(one: Page) -> str:
    """Return the name of a page's file."""
    path = PurePosixPath(one.file)
    return "index.html" if path.name == "README.md" else f"{path.stem.lower()}.html"


def write(pages: Sequence[Page], root: Path, out: Path) -> None:
    """Write all pages into a folder, with copies of the other files of the checkout that they link to."""
    names = {one.file: name_of(one) for one in pages}
    assert len(set(names.values())) == len(pages)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template(TEMPLATE)
    groups = [(group, list(members)) for group, members in groupby(pages, key=lambda one: one.group)]
    out.mkdir(parents=True, exist_ok=True)
    for one in pages:
        body = _body(one, names, root, out)
        contents = [heading for heading in one.headings[1:] if heading.level <= DEEPEST]
        title, end, rest = body.partition("</h1>")
        parts = {"title": Markup(title + end), "body": Markup(rest)}
        text = template.render(page=one, **parts, groups=groups, names=names, contents=contents)
        write_atomic(out / names[one.file], text)


def _body(one: Page, names: dict[str, str], root: Path, out: Path) -> str:
    """Return a page's text as HTML. Links to pages lead to their HTML, those to other files to copies in `files`."""
    for token in one.tokens:
        for part in token.children or ():
            link = str(part.attrGet("href") or "") if part.type == "link_open" else ""
            if not link or ELSEWHERE.match(link) or link.startswith("#"):
                continue
            file, anchor = target_of(one, link)
            if file not in names:
                copy = out / "files" / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / file, copy)
            part.attrSet("href", names.get(file, f"files/{file}") + (f"#{anchor}" if anchor else ""))
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table").renderer
    text: str = renderer.render(one.tokens, MarkdownIt().options, {})
    # A wide table scrolls by itself, reached by the keyboard too; the page does not.
    return text.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace("</table>", "</table></div>")
