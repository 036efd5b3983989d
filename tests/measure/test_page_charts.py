"""What the page of runs draws: the front, the classes, and the distribution of samples."""

from __future__ import annotations

import re

import pytest

from measure.details import Answers
from measure.page import charts, classes
from measure.page.charts import Point


def test_the_front_has_what_no_other_beats() -> None:
    points = [Point(str(i), x, y, "a") for i, (x, y) in enumerate([(1, 1), (2, 3), (2, 2), (3, 3), (4, 5), (0.5, 0.1)])]
    assert [point.label for point in charts.front(points)] == ["5", "0", "1", "4"]


def test_many_classes_are_the_worst_ones() -> None:
    names = tuple(f"c{i}" for i in range(30))
    counts = tuple((i, i, 5) for i in range(29)) + ((29, 3, 4), (29, 29, 1))
    shown = classes.view(Answers(names, counts, ()))
    assert not shown.matrix
    assert (shown.worst[0].name, shown.worst[0].right, shown.worst[0].taken_for) == ("c29", "1 of 5, 20.0 %", "c3 (4)")


def test_a_few_slow_samples_do_not_take_the_room_of_the_others() -> None:
    drawn = charts.histogram([1.0 + i / 100 for i in range(95)] + [40.0, 60.0], "{:.2f}".format)
    bars = re.findall(r'<rect class="bar" x="([0-9.]+)" .*?<title>(.*?)</title>', drawn)
    assert len(bars) > 30
    assert bars[-1][1] == "2 from 40.00 to 60.00"
    assert float(bars[-1][0]) > charts.WIDTH - 50
    assert ">2 up to 60.00</text>" in drawn
    assert "from 1.00 to 60.00" in drawn, "what a screen reader says"
    assert "up to" not in charts.histogram([1.0, 1.1, 1.2, 1.3], str)


@pytest.mark.parametrize("fast", [1, 50, 97])
def test_names_of_marks_stand_apart(fast: int) -> None:
    """Also where median and 90th percentile are at one place, and at either end."""
    drawn = charts.histogram([1.0] * fast + [2.0] * (100 - fast), str)
    median, p90 = (float(x) for x in re.findall(r'<text x="([0-9.]+)" y="11"', drawn))
    assert median - 21 >= 0
    assert p90 - 12 - (median + 21) >= 2
    assert p90 + 12 <= charts.WIDTH
