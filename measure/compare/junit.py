"""A comparison as JUnit XML, which CI services show as tests."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from measure.compare.comparison import Compared
from measure.compare.gate import Outcome
from measure.compare.layout import change_text


def xml(compared: Sequence[Compared], outcomes: Sequence[Outcome]) -> str:
    """Return a test case for each limit, and one that passes for each comparison without a limit."""
    suite = ElementTree.Element("testsuite", name="inv compare")
    failures = 0
    for outcome in outcomes:
        one = outcome.compared
        case = ElementTree.SubElement(
            suite, "testcase", classname=_printable(f"{one.target}.{one.model}"), name=outcome.limit.text
        )
        change = one.of(outcome.limit.figure)
        if change is not None:
            ElementTree.SubElement(case, "system-out").text = _printable(change_text(change))
        if outcome.failure:
            failures += 1
            ElementTree.SubElement(case, "failure", message=_printable(outcome.failure))
    if not outcomes:
        for one in compared:
            ElementTree.SubElement(
                suite, "testcase", classname=_printable(f"{one.target}.{one.model}"), name="compared"
            )
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    ElementTree.indent(suite, " ")
    return "<?xml version='1.0' encoding='utf-8'?>\n" + ElementTree.tostring(suite, "unicode") + "\n"


def _printable(text: str) -> str:
    """Return text without the control characters that XML can't hold."""
    return "".join(character if character.isprintable() else "?" for character in text)
