"""Plots as inline SVG: lines over time, readable in black and white and without a mouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from vestlus.plotting import nice_ceiling

WIDTH, HEIGHT = 760, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 28, 34
_TICKS = 4
#: Okabe and Ito's colours, which people who see few colours tell apart; and dashes besides.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9", "#7f7f7f")
DASHES = ("", "7 3", "2 3", "9 3 2 3")


def line_plot(
    identity: str,
    title: str,
    unit: str,
    seconds: Sequence[float],
    lines: Mapping[str, Sequence[float]],
) -> str:
    """A figure with a legend; ``identity`` is unique on the page. Points are at ``seconds``.

    Times on the axis below, from 0; values from 0. A description for screen readers has the
    largest value of each line.
    """
    top = nice_ceiling(max((value for each in lines.values() for value in each), default=0.0))
    end = max(seconds, default=0.0) or 1.0
    said = "; ".join(
        f"{name}: at most {number(max(values, default=0.0))} {unit}"
        for name, values in lines.items()
    )
    labels = f"{identity}-title {identity}-said"
    parts = [
        f'<figure><figcaption id="{identity}-title">{escape(title)}</figcaption>',
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{labels}">',
        f'<desc id="{identity}-said">{escape(said)}</desc>',
        *_axes(top, end, unit),
    ]
    for index, (name, values) in enumerate(lines.items()):
        points = " ".join(
            f"{_x(at, end):.1f},{_y(value, top):.1f}"
            for at, value in zip(seconds, values, strict=True)
        )
        dash = DASHES[index % len(DASHES)]
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{COLOURS[index % len(COLOURS)]}" '
            f'stroke-width="1.8" stroke-dasharray="{dash}"><title>{escape(name)}</title></polyline>'
        )
    parts += ["</svg>", _legend(tuple(lines)), "</figure>"]
    return "\n".join(parts)


def _axes(top: float, end: float, unit: str) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        value = top * tick / _TICKS
        y = _y(value, top)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
        )
        at = end * tick / _TICKS
        parts.append(
            f'<text x="{_x(at, end):.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">'
            f"{number(at)}</text>"
        )
    parts.append(
        f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 3}" text-anchor="end">seconds</text>'
        f'<text x="4" y="11">{escape(unit)}</text>'
    )
    return parts


def _legend(names: tuple[str, ...]) -> str:
    items = "".join(
        '<li><svg width="34" height="10" aria-hidden="true"><line x1="0" y1="5" x2="34" y2="5" '
        f'stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="2.4" '
        f'stroke-dasharray="{DASHES[index % len(DASHES)]}"/></svg> {escape(name)}</li>'
        for index, name in enumerate(names)
    )
    return f'<ul class="legend">{items}</ul>'


def _x(at: float, end: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * at / end


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top


def number(value: float) -> str:
    """A number of three digits or more, without an exponent."""
    if value >= 100 or value == int(value):  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.3g}"
