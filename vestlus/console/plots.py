"""Figures over time as inline SVG, coloured by the page's style sheet, told in words besides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from vestlus.plotting import nice_ceiling

WIDTH: Final = 640
HEIGHT: Final = 220
_LEFT: Final = 52
_RIGHT: Final = 8
_TOP: Final = 12
_BOTTOM: Final = 26
_TICKS: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One line; ``None`` where there is nothing to show."""

    name: str
    values: Sequence[float | None]

    @property
    def largest(self) -> float:
        """0 without values."""
        return max((one for one in self.values if one is not None), default=0.0)


def plot(
    identity: str,
    title: str,
    moments: Sequence[int],
    lines: Sequence[Line],
    *,
    clock: Callable[[int], str],
    number: Callable[[float], str],
    said: Callable[[str, str], str],
) -> Markup:
    """A figure with a legend. ``identity`` is unique on the page; values go up from 0.

    ``clock`` writes a moment (ms) and ``number`` a value; ``said`` tells in words a line's name and
    its largest value.
    """
    top = nice_ceiling(max((line.largest for line in lines), default=0.0))
    described = "; ".join(said(line.name, number(line.largest)) for line in lines)
    drawn = Markup("").join(
        _line(
            index,
            [_place(at, len(line.values), value, top) for at, value in enumerate(line.values)],
        )
        for index, line in enumerate(lines, 1)
    )
    return Markup(
        '<figure class="plot"><figcaption id="{id}-title">{title}</figcaption>'
        '<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-title {id}-said">'
        '<desc id="{id}-said">{described}</desc>{axes}{drawn}</svg>{legend}</figure>'
    ).format(
        id=identity,
        title=title,
        width=WIDTH,
        height=HEIGHT,
        described=described,
        axes=_axes(moments, top, clock, number),
        drawn=drawn,
        legend=_legend(lines),
    )


def _axes(
    moments: Sequence[int], top: float, clock: Callable[[int], str], number: Callable[[float], str]
) -> Markup:
    parts = []
    for tick in range(_TICKS + 1):
        y = _y(top * tick / _TICKS, top)
        parts.append(
            Markup(
                '<line class="axis" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>'
                '<text x="{label}" y="{below}" text-anchor="end">{value}</text>'
            ).format(
                left=_LEFT,
                right=WIDTH - _RIGHT,
                y=f"{y:.1f}",
                label=_LEFT - 6,
                below=f"{y + 4:.1f}",
                value=number(top * tick / _TICKS),
            )
        )
    last = len(moments) - 1
    for tick in range(_TICKS + 1) if last > 0 else ():
        place = last * tick // _TICKS
        anchor = "start" if tick == 0 else "end" if tick == _TICKS else "middle"
        parts.append(
            Markup('<text x="{x}" y="{y}" text-anchor="{anchor}">{at}</text>').format(
                x=f"{_x(place, last + 1):.1f}",
                y=HEIGHT - _BOTTOM + 18,
                anchor=anchor,
                at=clock(moments[place]),
            )
        )
    return Markup("").join(parts)


def _line(index: int, places: Sequence[tuple[float, float] | None]) -> Markup:
    """A stroke for each run of values; a value alone is a dot."""
    parts = []
    run: list[tuple[float, float]] = []
    for place in (*places, None):
        if place is not None:
            run.append(place)
        elif len(run) == 1:
            [(x, y)] = run
            parts.append(
                Markup('<circle class="dot-{n}" cx="{x}" cy="{y}" r="2"/>').format(
                    n=index, x=f"{x:.1f}", y=f"{y:.1f}"
                )
            )
            run = []
        elif run:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
            parts.append(
                Markup('<polyline class="line-{n}" points="{points}"/>').format(
                    n=index, points=points
                )
            )
            run = []
    return Markup("").join(parts)


def _legend(lines: Sequence[Line]) -> Markup:
    items = Markup("").join(
        Markup(
            '<li><svg viewBox="0 0 34 10" width="34" height="10" aria-hidden="true">'
            '<line class="line-{n}" x1="0" y1="5" x2="34" y2="5"/></svg> {name}</li>'
        ).format(n=index, name=line.name)
        for index, line in enumerate(lines, 1)
    )
    return Markup('<ul class="legend">{}</ul>').format(items)


def _place(at: int, number: int, value: float | None, top: float) -> tuple[float, float] | None:
    return None if value is None else (_x(at, number), _y(value, top))


def _x(place: int, number: int) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * place / max(1, number - 1)


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top
