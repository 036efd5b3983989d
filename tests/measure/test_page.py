"""The page of runs: what it shows, that every name is text, and that a browser has nothing to complain about."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import target
from artifact import Artifact, write_atomic
from calibration.convert import Int8Facts
from datasets import Dataset
from errors import ConfigError
from fields.dataclass_json import to_json
from graph.reader import read
from measure import bench, details, report_file
from measure.details import Answers, Details, Epoch, MemoryPlan, Mistake, Place, Step, Training
from measure.page import curve, explorer, html, runs, table
from measure.profile import LayerProfile, Profile
from tests.browser import Browser, program
from tests.measure.device import Device, set_up
from tests.measure.test_compare import GOOD, RUN, counted

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>&\"'"
WIDTHS = (320, 768, 1440)
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
VOID = {"meta", "link", "img", "br", "rect", "line", "circle", "polyline"}


def profile() -> Profile:
    layer = LayerProfile(0, EVIL, EVIL, (1, 8, 8, 4), 1000, 700, 0.7, 0.7)
    last = LayerProfile(1, "SOFTMAX", "end", (1, 4), 0, 290, 0.29)
    return Profile(
        1, EVIL, "qemu-m4", "emulated", "aot 7", "xnnpack", "instructions", EVIL, 1, 1000, 990, (layer, last)
    )


def beside() -> Details:
    answers = Answers(("a", EVIL), ((0, 0, 7), (0, 1, 3), (1, 1, 10)), (Mistake(4, 0, 1, DOT), Mistake(5, 0, 9, "<b>")))
    places = (Place(EVIL, 0, 600, 0, 1), Place("b", 600, 400, 0, 0), Place("c", 0, 100, 1, 1))
    plan = MemoryPlan(1000, (Step(EVIL, 1000, 40), Step("SOFTMAX", 700, 0)), places, 0, 384)
    return Details(1, RUN.provenance.created, answers, plan, training())


def training() -> Training:
    epochs = (Epoch(1, 48, 1.25, 0.4), Epoch(2, 96, 0.75, 0.5, 0.5, 0.625), Epoch(3, 96, 0.25, 0.9, 0.75, 0.5))
    return Training(EVIL, epochs, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return reports of six runs, one with all that can be beside it, on boards with names that are HTML."""
    root = tmp_path / "reports"
    assert RUN.latency is not None
    samples = tuple(float(x) for x in np.random.default_rng(0).lognormal(7, 0.05, 200).round(1))
    timed = replace(RUN, latency=replace(RUN.latency, samples=samples))
    evil = replace(timed, model=replace(RUN.model, name=EVIL), target=replace(RUN.target, name=EVIL, cpu=EVIL))
    assert RUN.accuracy is not None
    small = counted(900, accuracy=replace(RUN.accuracy, top1=0.8), memory={"ram": 70_000, "flash": 9000})
    all_runs = {
        "qemu-m4/full": counted(engine=replace(RUN.engine, macs_left_out=3312)),
        "qemu-m4/small": small, "netduinoplus2/v1_025": small, "rpi4/<b>bold": evil,
        "rpi4/partial": timed, "host/bare": replace(GOOD, latency=None, accuracy=None, exactness=None, memory={}),
    }  # fmt: skip
    for name, report in all_runs.items():
        write_atomic(root / name / "report.json", report_file.dumps(report))
    details.write(beside(), root / "qemu-m4" / "full")
    write_atomic(root / "qemu-m4" / "full" / "profile.json", json.dumps(to_json(profile())))
    write_atomic(root / "old" / "v1" / "report.json", '{"schema": 1, "target": {}}')
    return root


class Tags(HTMLParser):
    """Checks that tags close in the order in which they open; collects links, ids and sources."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.hrefs: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name == "href":
                self.hrefs.append(value or "")
            elif name == "id":
                self.ids.append(value or "")
            elif name == "src":
                self.sources.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def page(folder: Path) -> str:
    return html.render(*runs.read([str(folder)]))


def test_the_page_is_whole_and_every_name_is_text(folder: Path) -> None:
    text = page(folder)
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert "script" not in tags.tags
    assert len(tags.ids) == len(set(tags.ids))
    assert {href[1:] for href in tags.hrefs if href.startswith("#")} <= set(tags.ids)
    assert all(href.startswith("#") or href == "data:," for href in tags.hrefs)
    assert tags.sources == [f"data:image/png;base64,{DOT}"]
    assert "&lt;script&gt;" in text
    assert not re.search(r"https?://", text)
    assert text == page(folder), "the same runs give the same bytes"


def test_what_the_page_says(folder: Path) -> None:
    text = page(folder)
    assert "Left out: " in text
    assert "schema 1, of an earlier Alpharho" in text
    board = target.load("qemu-m4").mcu
    assert board is not None
    assert f"70,000 of {board.ram_bytes:,}" in text
    for words in (
        "7 of 10, 70.0 %", "most RAM: step 0", "600 bytes at 0", "of which 40 are rows and other scratch",
        "of the input 384 bytes of rows are kept", "measured on another board",
        "all layers 990, a whole inference 1,000", "3,312 MACs of the network have no effect, and are not computed",
        "on the Pareto front", "Distribution of 200 inferences",
        "3 epochs at 48x48, 96x96; the weights are those of epoch 2", "held out, epoch 2 at 96x96: 62.5 %",
    ):  # fmt: skip
        assert words in text, words
    assert "Side by side" not in text
    assert "<b>" not in text, "what is no base64 is not shown"


def test_two_runs_are_shown_side_by_side_and_a_pair_that_can_not_be_is_said(folder: Path) -> None:
    found, _ = runs.read([str(folder / "qemu-m4" / "full"), str(folder / "qemu-m4" / "small")])
    text = html.render(found, ())
    assert "-10.00 %" in text
    assert "better" in text
    found, _ = runs.read([str(folder / "qemu-m4" / "full"), str(folder / "netduinoplus2")])
    assert "-10.00 %" in html.render(found, ()), "the same target in the report"
    found, _ = runs.read([str(folder / "qemu-m4" / "full"), str(folder / "host")])
    assert "not compared, measured on: emulated in the first, hardware in the second" in html.render(found, ())


def test_markdown_and_csv(folder: Path) -> None:
    found, _ = runs.read([str(folder)])
    lines = table.as_markdown(found).splitlines()
    assert len(lines) == 2 + len(found)
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 10 for line in lines)
    assert "<b>" not in table.as_markdown(found)
    rows = list(csv.DictReader(io.StringIO(table.as_csv(found))))
    assert [row["model"] for row in rows] == ["bare", "v1_025", "full", "small", "<b>bold", "partial"]
    assert rows[2]["latency"] == "1000.0"
    formula = replace(found[0], path=folder / "x" / "=1+1" / "report.json")
    assert next(csv.DictReader(io.StringIO(table.as_csv([formula]))))["model"] == "'=1+1"


def test_details_of_another_run_and_damaged_ones_are_left_out(folder: Path) -> None:
    path = folder / "qemu-m4" / "full" / "report.json"
    report = report_file.read(path)
    assert details.read(path, report) == beside()
    later = replace(report, provenance=replace(report.provenance, created="2025-01-01T00:00:00Z"))
    assert details.read(path, later) is None
    for text in ("", "{", '{"schema": 9}', "[" * 9999):
        for name in ("details.json", "profile.json"):
            (path.parent / name).write_text(text)
        (run,) = runs.read([str(path)])[0]
        assert (run.details, run.profile) == (None, None)


def test_a_profile_of_another_schema_is_left_out(folder: Path) -> None:
    report, beside = folder / "qemu-m4" / "full" / "report.json", folder / "qemu-m4" / "full" / "profile.json"
    assert runs.read([str(report)])[0][0].profile
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"schema": 2}))
    assert runs.read([str(report)])[0][0].profile is None


def test_no_report_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere: no such report or folder of reports"):
        runs.read(["nowhere"])
    with pytest.raises(ConfigError, match="no report yet; `inv deploy` writes it"):
        runs.read([str(tmp_path)])
    write_atomic(tmp_path / "a" / "b" / "report.json", "{")
    with pytest.raises(ConfigError, match=r"b/report\.json: not JSON"):
        runs.read([str(tmp_path)])


def points(svg: str, style: str) -> list[tuple[float, ...]]:
    """Return the corners of the line of a class."""
    (text,) = re.findall(rf'<polyline class="{style}" points="([^"]*)"', svg)
    return [tuple(map(float, pair.split(","))) for pair in text.split()]


def test_a_curve_has_a_line_for_training_and_one_for_held_out_pictures() -> None:
    (_, loss), (_, accuracy) = curve.draw(training())
    trained, held_out = points(loss, "front"), points(loss, "held")
    assert [x for x, _ in held_out] == [x for x, _ in trained[1:]], "no pictures were held out in the first epoch"
    assert trained[0][1] < held_out[1][1] == trained[1][1] < held_out[0][1] < trained[2][1], "more is further up"
    assert points(accuracy, "front")[2][1] < points(accuracy, "held")[0][1] < points(accuracy, "held")[1][1]
    assert f'class="mark" x1="{trained[1][0]:.1f}"' in loss, "the epoch that was kept"
    one = replace(training(), epochs=training().epochs[:1], kept_epoch=None)
    assert 'class="held"' not in curve.draw(one)[0][1]
    assert 'class="mark"' not in curve.draw(one)[0][1]
    assert curve.draw(replace(training(), epochs=())) == []


def test_a_measurement_has_details(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    result = bench.measure(set_up(int8, data, "rpi4"), ["accuracy"], "")
    answers = result.details.answers
    assert answers is not None
    accuracy = result.report.accuracy
    assert accuracy is not None
    right = sum(count for truth, answer, count in answers.counts if truth == answer)
    assert right / sum(count for *_, count in answers.counts) == accuracy.top1
    assert answers.names == data.class_names
    assert result.details.created == result.report.provenance.created
    assert result.details.plan is None


def test_the_overlay_names_the_tensors_of_the_file(int8: Artifact[Int8Facts]) -> None:
    graph = read(int8.path)
    form = json.loads(explorer.overlay(profile(), graph))
    first = graph.tensors[graph.operators[0].outputs[0]].name
    assert form["results"][first] == {"value": 700}
    assert [stop["stop"] for stop in form["gradient"]] == [0, 1]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if program() is None:
        pytest.skip("needs Chromium: apt install chromium")
    with Browser() as one:
        yield one


def test_a_browser_shows_it_at_each_width_and_every_link_leads_somewhere(
    folder: Path, browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(folder))
    for width in WIDTHS:
        browser.open(path, width, scheme="dark" if width == WIDTHS[1] else "light")
        sides = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert sides[0] <= sides[1], f"the page is wider than {width} pixels"
        assert browser.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    links = browser.evaluate(
        "[...document.querySelectorAll('a')].map(a => {const h = a.getAttribute('href');"
        " return document.getElementById(h.slice(1)) !== null})"
    )
    assert len(links) > 10
    assert all(links)
    regions = "[...document.querySelectorAll('[role=region]')].every(e => e.tabIndex === 0)"
    assert browser.evaluate(regions), "what scrolls can be reached by the keyboard"
    ground = "getComputedStyle(document.body).backgroundColor"
    assert browser.evaluate(ground) == "rgb(255, 255, 255)"
    browser.open(path, scheme="dark")
    assert browser.evaluate(ground) == "rgb(22, 22, 22)"
    assert browser.pdf().startswith(b"%PDF")
    assert browser.problems == []


A4_WIDTH, A4_HEIGHT = 718, 1047
"""Pixels of a page between margins of a centimeter."""


def test_on_paper_it_is_light_whole_and_each_run_begins_a_page(folder: Path, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(folder))
    browser.open(path, A4_WIDTH, A4_HEIGHT, scheme="dark", media="print")
    style = "getComputedStyle(document.querySelector('%s')).%s"
    assert browser.evaluate(style % ("body", "backgroundColor")) == "rgb(255, 255, 255)"
    assert browser.evaluate(style % ("body", "color")) == "rgb(26, 26, 26)"
    for part in (".meter", ".heat td", "svg"):
        assert browser.evaluate(style % (part, "printColorAdjust")) == "exact", "browsers leave out backgrounds"
    sides = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert sides[0] <= sides[1], "what is wider is cut"
    folded = "[...document.querySelectorAll('details')].map(e => [e.open, e.querySelector('td, img').offsetHeight])"
    found = browser.evaluate(folded)
    assert len(found) > 2
    assert all(height > 5 for is_open, height in found if not is_open)
    breaks = "[...document.querySelectorAll('section')].map(e => [e.id, getComputedStyle(e).breakBefore])"
    for name, how in browser.evaluate(breaks):
        assert (how == "page") == name.startswith("run-"), name
    pages = re.search(rb"/Count (\d+)", browser.pdf())
    assert pages
    assert int(pages[1]) >= browser.evaluate("document.querySelectorAll('.run').length") + 1
    assert browser.evaluate(style % ("thead", "breakAfter")) == "avoid", "no heading at the end of a page"
    assert browser.evaluate(style % ("h3 + p", "breakAfter")) == "avoid", "nor what is said of a drawing"
