"""`inv docs`: all pages are right and become HTML; each kind of mistake in one is found, by file and line."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import tasks  # noqa: F401  # makes the commands
from devtools import engines_table, pages
from devtools.pages import check, sources
from errors import Error
from pipeline.command_line import COMMANDS, main
from pipeline.parsing import check as check_line
from tests.schemas import checked

FLAGS = {field.flag for command in COMMANDS.values() for field in command.fields.values()}


class Parsed(HTMLParser):
    """The anchors and links of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.scripts = 0
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors.add(values.get("id") or "")
        self.scripts += tag == "script"
        if tag == "a":
            self.links.append(values.get("href") or "")


def test_all_pages_are_right_and_their_html_has_no_dead_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pages.build, "__defaults__", (tmp_path, *(pages.build.__defaults__ or ())[1:]))
    assert main(["docs", "--json"]) == 0
    said = checked("docs", capsys.readouterr().out)
    read = {path.name: Parsed(path) for path in tmp_path.glob("*.html")}
    assert said == {"first": str(tmp_path / "index.html"), "pages": len(read)}
    assert len(read) == sum(map(len, sources.ORDER.values()))
    for page in read.values():
        assert not page.scripts
        for link in page.links:
            if check.ELSEWHERE.match(link):
                assert link.startswith("https://")
                continue
            name, _, anchor = link.partition("#")
            assert not name or (tmp_path / name).is_file(), link
            if anchor and not name.startswith("files/"):
                assert anchor in (read[name] if name else page).anchors, link


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[x](nowhere.md)", "link nowhere.md: there is no file docs/nowhere.md"),
        ("[x](../../outside.md)", "link ../../outside.md: there is no file ../outside.md"),
        ("[x](other.md#none)", "link other.md#none: docs/other.md has no heading #none"),
        ("[x](#none)", "link #none: docs/page.md has no heading #none"),
        ("`docs/nowhere.md`", "docs/nowhere.md: there is no such file or folder"),
        ("`--no-such-option`", "--no-such-option: no task has this option"),
        ("    ./inv deply v1_025 host", "./inv deply v1_025 host: deply: no such task; did you mean deploy?"),
        ("    ./inv deploy v9_025 host", "./inv deploy v9_025 host: --model v9_025: expected a preset"),
        ("    ./inv deploy any host", "./inv deploy any host: any: not a model or a target; "),
        ("    ./inv deploy host --optimize all", "--optimize all: expected size, speed or ram"),
        ("    ./inv deploy --targt host   # so", "--targt: no such option of deploy; did you mean --target?"),
        (
            "```\n./inv fit --html x\n```",
            "./inv fit --html x: --html: no such option of fit; it is an option of report",
        ),
        ("say `./inv deploy --threads`, or `inv nothing`", "inv nothing: nothing: no such task; "),
    ],
)
def test_a_mistake_in_a_page_is_found(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(f"# Page\n\nWords,\n\n{text}\n")
    (tmp_path / "docs" / "other.md").write_text("# Other\n\n## A `b`, c\n\n## Twice\n\n## Twice\n")
    read = [sources.page(tmp_path, f"docs/{name}.md") for name in ("page", "other")]
    assert [heading.anchor for heading in read[1].headings] == ["other", "a-b-c", "twice", "twice-1"]
    (found,) = check.problems(read, tmp_path, check_line, FLAGS)
    line = 6 if text.startswith("```") else 5
    assert found.startswith(f"docs/page.md:{line}: ")
    assert problem in found


def test_what_is_right_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(
        "# Page\n\n## One\n\n[a](#one), [b](page.md#page), [c](https://example.com/x), `--target`, `docs/page.md`, "
        "`build/none`, `docs/NAME.md`, `and/or`,\n`./inv TASK --help`, `./inv report --html`\n\n"
        "    ./inv deploy MODEL TARGET --images 5   # --none\n    pytest --none\n"
    )
    assert check.problems([sources.page(tmp_path, "docs/page.md")], tmp_path, check_line, FLAGS) == []


def test_nothing_is_written_where_a_page_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.md").write_text("# Page\n\n[x](nowhere.md)\n")
    monkeypatch.setattr(sources, "ORDER", {"Begin": ("page.md",)})
    with pytest.raises(Error, match=r"inv docs: 1 to correct: page.md:3: link nowhere.md"):
        pages.build(check_line, FLAGS, tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "new.md").write_text("# New\n")
    with pytest.raises(Error, match=r"docs/new.md: not in the table of contents; add it to ORDER"):
        sources.read(tmp_path)
    (tmp_path / "page.md").write_text("no heading\n")
    with pytest.raises(Error, match=r"page.md: has no heading"):
        sources.page(tmp_path, "page.md")


def test_the_table_of_engines_is_that_of_the_results() -> None:
    readme = engines_table.README.read_text()
    again = "run .venv/bin/python -m devtools.engines_table --write"
    assert engines_table.with_table(readme, engines_table.markdown()) == readme, again
    rows = [line for line in engines_table.markdown().splitlines() if re.match(r"\| \w+ \| M", line)]
    assert len(rows) >= 8
    with pytest.raises(Error, match="README.md: no table"):
        engines_table.with_table("# Nothing\n", "")
