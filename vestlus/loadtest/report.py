"""The result as one HTML file that needs nothing else: no script, no font, no other server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from vestlus.loadtest.plots import line_plot
from vestlus.loadtest.steadiness import rows as steadiness_rows
from vestlus.loadtest.summary import COLUMNS, LATENCIES, headline
from vestlus.loadtest.verdict import BREACHES

REPORT_NAME = "loadtest.html"
JSON_NAME = "loadtest.json"
_EARLY_LATE = ("", "early", "late")

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --rule: #c8c8c8; --soft: #f3f3f3 }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --paper: #161616; --rule: #555;
  --soft: #262626 } svg { background: #fff } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: .3rem 0 }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--rule); text-align: right }
th[scope=row], thead th:first-child, td.words { text-align: left; font-weight: 400 }
.verdict { border: 3px solid; padding: .6rem 1rem; background: var(--soft) }
.verdict h2 { margin: 0 }
figure { margin: 1.5rem 0; break-inside: avoid }
figcaption { font-weight: 600 }
svg { width: 100%; height: auto; color: #1a1a1a }
svg text { font: 12px system-ui, sans-serif; fill: #1a1a1a }
svg .grid { stroke: #ddd; stroke-width: 1 }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem }
.legend svg { width: 34px; vertical-align: middle }
.scroll { overflow-x: auto }
@media print { body { max-width: none; margin: 0; font-size: 11pt; color: #000; background: #fff }
  .verdict { background: none } table, figure { break-inside: avoid } }
"""


def write_report(found: dict[str, Any], folder: Path) -> Path:
    """Writes the page, and the JSON beside it; gives the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON_NAME).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    page = folder / REPORT_NAME
    page.write_text(html(found), "utf-8")
    return page


def html(found: dict[str, Any]) -> str:
    """The whole page."""
    asked = found["asked"]
    title = f"Load test: {asked['rate']:g} messages a second for {asked['seconds']:g} s"
    reasons = "".join(f"<li>{escape(each)}</li>" for each in found["verdict"]["reasons"])
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{escape(title)}</h1><p>{escape(found['started_at'])}</p>",
            f'<section class="verdict"><h2>{escape(headline(found))}</h2>',
            f"<ul>{reasons}</ul></section>",
            _latencies(found),
            _counts(found),
            *_plots(found),
            _parts(found),
            _steadiness(found["steadiness"]),
            _pairs("What was asked for", asked),
            _pairs("Machine and versions", found["machine"]),
            f"<p>The figures behind this page are in {JSON_NAME} beside it.</p>",
            "</main></body></html>",
        )
    )


def _latencies(found: dict[str, Any]) -> str:
    rows = (
        (said.strip(), *(f"{found['latency_ms'][kind][name]:,.1f}" for name in COLUMNS))
        for kind, said in LATENCIES
    )
    return (
        _table("Latency, milliseconds", ("", *COLUMNS), rows)
        + "<p>Times count from when a message was due by the schedule, not from when it was sent. "
        "A message is answered when its answer has arrived at Graph. The overhead of a turn is "
        "its newest message's, beside the model's own time and the wait for the rest of a burst "
        f"(VESTLUS_BURST_WAIT_SECONDS={found['burst_wait_seconds']:g}, of which a finished "
        "sentence waits a quarter).</p>"
    )


def _counts(found: dict[str, Any]) -> str:
    rates, flight, backlog = found["throughput"], found["in_flight"], found["backlog"]
    rows = [
        ("messages due", f"{rates['due']:,}"),
        ("due a second", f"{rates['due_per_second']:,.1f}"),
        ("answered a second, while messages were due", f"{rates['answered_per_second']:,.1f}"),
        ("answered in all", f"{rates['answered']:,}"),
        ("in flight at the end", f"{flight['at_end']:,}"),
        ("of them in the model", f"{flight['in_model_at_end']:,}"),
        ("waiting in the service at the end", f"{backlog['at_end']:,}"),
        ("in flight after waiting", f"{flight['after_waiting']:,}"),
    ]
    promises = found["promises"] or {}
    rows += [(name.replace("_", " "), f"{promises.get(name, 'unknown')}") for name in BREACHES]
    rows += [
        (f"webhooks answered with HTTP {status}", f"{count:,}")
        for status, count in found["errors"]["webhook_statuses"].items()
    ]
    return _table("Messages", ("", "count"), rows)


def _plots(found: dict[str, Any]) -> Iterable[str]:
    series, windows = found["series"], found["windows"]
    seconds = [float(each + 1) for each in range(len(series["due"]))]
    yield line_plot(
        "rate",
        "Rate",
        "messages a second",
        seconds,
        {"due": series["due"], "answered": series["answered"]},
    )
    yield line_plot(
        "flight",
        "Under way",
        "messages",
        seconds,
        {"in flight": series["in_flight"], "waiting in the service": series["backlog"]},
    )
    for kind, title in (("answer", "Message answered"), ("ack", "Webhook answered")):
        filled = [each for each in windows if each[kind]["count"]]
        ends = [float(min(each["until"], len(seconds))) for each in filled]
        yield line_plot(
            kind,
            f"{title}: percentiles over time",
            "milliseconds",
            ends,
            {name: [each[kind][name] for each in filled] for name in ("p50", "p90", "p99")},
        )
    for identity, title, unit, name, scale in (
        ("cpu", "CPU of each part", "cores", "cores", 1.0),
        ("memory", "Memory of each part", "MB", "memory_bytes", 1e6),
        ("files", "Files of the embedded bus and store", "MB", "file_bytes", 1e6),
    ):
        lines = {
            part: [value / scale for value in _as_long(values, len(seconds))]
            for part, values in series[name].items()
        }
        if lines:
            yield line_plot(identity, title, unit, seconds, lines)


def _as_long(values: Sequence[float], length: int) -> list[float]:
    """Filled up in front: a part that came later, or whose first look had nothing before it."""
    newest = list(values[-length:]) if length else []
    return [0.0] * (length - len(newest)) + newest


def _parts(found: dict[str, Any]) -> str:
    rows = (
        (
            part["name"],
            f"{part['cpu_seconds']:,.1f}",
            f"{part['cores_mean']:.2f}",
            f"{part['cores_most']:.2f}",
            f"{part['memory_bytes_most'] / 1e6:,.0f}",
        )
        for part in found["parts"]
    )
    head = ("", "CPU seconds", "cores, mean", "cores, most", "MB, most")
    return _table("CPU and memory of each part", head, rows) + (
        "<p>Generator, pretend Graph and pretend model are the load test's, not the service's.</p>"
    )


def _steadiness(found: dict[str, Any]) -> str:
    if not found:
        return ""
    rows = [
        (said, f"{pair['early'] / scale:,.1f}", f"{pair['late'] / scale:,.1f}")
        for said, pair, scale in steadiness_rows(found)
    ]
    return _table("Early and late: medians of the second and the last quarter", _EARLY_LATE, rows)


def _pairs(caption: str, values: dict[str, Any]) -> str:
    rows = ((name.replace("_", " "), _plain(value)) for name, value in values.items())
    return _table(caption, ("", "value"), rows)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    columns = "".join(
        f'<th scope="col">{escape(each)}</th>' if each else "<td></td>" for each in head
    )
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(each)}</td>" for each in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )
