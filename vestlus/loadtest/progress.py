"""How a run goes, while it goes: one panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vestlus.loadtest.histogram import Histogram
from vestlus.loadtest.parts import Parts
from vestlus.loadtest.recording import Recording

#: Seconds between plain lines, which stay.
PLAIN_EVERY = 5
#: Seconds over which rates are shown.
RATE_SECONDS = 5

Show = Callable[[Recording, Parts], None]


def line(recording: Recording) -> str:
    """The state in one line."""
    series = recording.series
    due, answered = (_rate(values) for values in (series.due, series.answered))
    wrong = {
        status: count for status, count in recording.statuses.items() if status != "200" and count
    }
    errors = ", ".join(f"{count} x {status or 0}" for status, count in wrong.items()) or "none"
    return (
        f"{recording.seconds:>5} s  {due:6.1f}/s due  {answered:6.1f}/s answered  "
        f"in flight {series.in_flight[-1]} ({recording.in_model} in the model)  "
        f"backlog {series.backlog[-1]}  ack {_pair(recording.histograms['ack'])}  "
        f"answer {_pair(recording.histograms['answer'])}  "
        f"late {recording.histograms['late'].percentile(99) / 1000:.0f} ms  errors {errors}"
    )


def _rate(values: list[int]) -> float:
    newest = values[-RATE_SECONDS:]
    return sum(newest) / len(newest)


def _pair(histogram: Histogram) -> str:
    p50, p99 = (histogram.percentile(percent) / 1000 for percent in (50, 99))
    return f"p50 {p50:.0f} p99 {p99:.0f} ms"


@contextmanager
def shown(say: Callable[[str], None], seconds: float) -> Iterator[Show]:
    """Gives what is to be called each second."""
    if sys.stdout.isatty():
        with _panel(seconds) as show:
            yield show
        return

    def plain(recording: Recording, _: Parts) -> None:
        if recording.seconds % PLAIN_EVERY == 0:
            say(line(recording))

    yield plain


@contextmanager
def _panel(seconds: float) -> Iterator[Show]:
    from rich.live import Live  # noqa: PLC0415 - only on a terminal
    from rich.table import Table  # noqa: PLC0415

    def panel(recording: Recording, parts: Parts) -> Table:
        series = recording.series
        table = Table(show_header=False, title=f"{recording.seconds} of {seconds:g} s")
        bad = {s: n for s, n in recording.statuses.items() if s != "200" and n}
        rows = (
            ("due", f"{_rate(series.due):.1f}/s"),
            ("answered", f"{_rate(series.answered):.1f}/s"),
            ("in flight", f"{series.in_flight[-1]} ({recording.in_model} in the model)"),
            ("backlog in the service", str(series.backlog[-1])),
            ("webhook answered", _pair(recording.histograms["ack"])),
            ("message answered", _pair(recording.histograms["answer"])),
            ("beside model and burst wait", _pair(recording.histograms["overhead"])),
            ("generator late", f"{recording.histograms['late'].percentile(99) / 1000:.1f} ms p99"),
            ("not taken in yet", str(recording.not_taken_in)),
            ("errors", ", ".join(f"{n} x HTTP {s}" for s, n in bad.items()) or "none"),
            *(
                (name, f"{cost.cores[-1]:.2f} cores, {cost.memory / 1e6:.0f} MB")
                for name, cost in parts.costs.items()
                if cost.cores
            ),
        )
        for name, value in rows:
            table.add_row(name, value)
        return table

    with Live(auto_refresh=False, transient=True) as live:
        yield lambda recording, parts: live.update(panel(recording, parts), refresh=True)
