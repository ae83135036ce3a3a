from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from chart import Line, Panel, to_svg


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_the_slope_is_the_exponent(exponent: float) -> None:
    points = tuple((x, 3 * x**exponent) for x in (10.0, 100.0, 1000.0))
    assert Line("x", points).slope == pytest.approx(exponent)


def test_seconds_for_each_one_more() -> None:
    assert Line("x", ((100, 1.0), (1100, 3.0))).per_unit == pytest.approx(0.002)


def test_a_picture_has_each_line_and_its_slope() -> None:
    lines = (Line("a < b", ((1, 1.0), (10, 10.0))), Line("c", ((1, 2.0), (10, 2.0))))
    svg = to_svg([Panel("One", "things", lines), Panel("Two", "things", lines[:1])])
    root = ET.fromstring(svg)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"One", "Two", "a < b: slope 1.00", "c: slope 0.00"} <= set(texts)
    assert "1000000" not in svg and "nan" not in svg
