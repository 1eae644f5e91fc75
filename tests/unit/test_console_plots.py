"""Figures over time as SVG: where there is nothing, nothing is drawn; they are told in words."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from vestlus.console.plots import HEIGHT, WIDTH, Line, plot

VALUES = st.lists(st.none() | st.floats(0, 1e9), max_size=30)


def drawn(*lines: Line) -> str:
    longest = max((len(line.values) for line in lines), default=0)
    return str(
        plot(
            "p",
            "<Title> & more",
            list(range(longest)),
            lines,
            clock=str,
            number=lambda value: f"{value:.2f}",
            said=lambda name, value: f"{name}: at most {value}",
        )
    )


def test_it_is_told_in_words_for_those_who_do_not_see_it() -> None:
    figure = drawn(Line("in", [1, 3]), Line("<out>", [None, 2]))
    assert "in: at most 3.00; &lt;out&gt;: at most 2.00</desc>" in figure
    assert "&lt;Title&gt; &amp; more" in figure


def test_a_line_is_broken_where_there_is_nothing_and_a_value_alone_is_a_dot() -> None:
    figure = drawn(Line("a", [1, 2, None, 3, None, 4, 5]))
    assert figure.count("<polyline") == 2
    assert figure.count("<circle") == 1


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_whatever_the_values_the_figure_is_well_formed_and_within_its_frame(
    many: list[list[float | None]],
) -> None:
    longest = max(map(len, many))
    lines = [
        Line(f"line {at}", [*one, *[None] * (longest - len(one))]) for at, one in enumerate(many)
    ]
    tree = ET.fromstring(drawn(*lines))  # noqa: S314 - we drew it
    for node in tree.iter("polyline"):
        for place in node.attrib["points"].split():
            x, y = map(float, place.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
