"""A recorded run becomes a result, a text, and a page that needs nothing else."""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.loadtest.files import Files
from vestlus.loadtest.options import ModelLatency, Options
from vestlus.loadtest.parts import Parts, Process
from vestlus.loadtest.plots import line_plot, number
from vestlus.loadtest.progress import line, shown
from vestlus.loadtest.recording import Recording
from vestlus.loadtest.report import html, write_report
from vestlus.loadtest.result import result
from vestlus.loadtest.summary import summary
from vestlus.plotting import nice_ceiling

OPTIONS = Options(users=50, rate=10.0, seconds=12, model_latency=ModelLatency(2.0, 0.5))
MACHINE: dict[str, object] = {
    "cores_usable": 2,
    "processor": "A & B <fast>",
    "load_before": [0.1, 0.2, 0.3],
    "python": "3.11.7",
    "ray": "2.60.0",
    "bus": "embedded",
    "store": "SQLite",
}
BREACHES = dict.fromkeys(
    (
        *("lost", "duplicated", "out_of_order", "misdirected", "after_person"),
        *("outside_window", "over_limit", "order_unproven"),
    ),
    0,
)


def second(number: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of a line
    """A line of the generator's: ten messages, each answered in about two seconds."""
    usual = {
        "kind": "second",
        "second": number,
        "due": 10,
        "late_us": [300] * 10,
        "ack_us": [5_000] * 9 + [90_000],
        "answer_us": [2_500_000] * 10,
        # Asked after 400 ms, of which 375 are the wait for the rest of a burst; 20 ms to Graph.
        "turns_us": [[400_000, 2_000_000, 20_000, 0]] * 10,
        "in_flight": 25,
        "in_model": 20,
        "not_taken_in": 1,
        "statuses": {"200": 10 * number, "503": 2},
    }
    return usual | changes


def recorded(**changes: Any) -> tuple[Recording, Parts]:  # noqa: ANN401 - of a line
    recording = Recording(1.5)
    cpu = iter(range(100))
    parts = Parts(
        {"generator": 1, "pretend Graph": 2, "pretend model": 3},
        service=4,
        read=lambda: [
            Process(pid, 0, next(cpu) / 10, 1_000_000 * pid, "ray::ConversationActor")
            for pid in (1, 2, 3, 4)
        ],
    )
    parts.look(0.0)
    for at in range(1, 13):
        recording.add(second(at, **changes))
        parts.look(float(at))
    return recording, parts


def ended(**changes: int) -> dict[str, Any]:
    return {
        "kind": "ended",
        "stopped": False,
        "at_end": {"seconds": 12.0, "in_flight": 25, "in_model": 20, "answered": 95, "due": 120},
        "in_flight": 0,
        "verdict": {"messages": 120, "answered": 120, "not_accepted": 0, **BREACHES, **changes},
        "examples": {},
        "graph_over_limit": {},
        "graph_faults_fired": {},
        "model_faults_fired": {},
        "echo_statuses": {"200": 120},
    }


def found(**changes: int) -> dict[str, Any]:
    recording, parts = recorded()
    return result(
        OPTIONS,
        recording,
        parts,
        Files(None),
        ended=ended(**changes),
        started_at=1_700_000_000.0,
        machine=MACHINE,
        burst_wait_seconds=1.5,
    )


def test_the_result_has_every_figure_of_the_run() -> None:
    run = found()

    assert (run["format"], run["version"]) == ("vestlus-loadtest", 1)
    assert run["verdict"]["outcome"] == "passed"
    assert run["throughput"]["due"] == 120
    assert run["throughput"]["answered_per_second"] == pytest.approx(95 / 12, abs=0.001)
    latency = run["latency_ms"]
    assert latency["answer"]["p50"] == pytest.approx(2500, rel=0.001)
    assert latency["ack"]["p50"] == pytest.approx(5, rel=0.001)
    assert latency["ack"]["p99"] == pytest.approx(90, rel=0.001)
    # 400 + 20 ms beside the model, less the 375 ms that were waited on purpose.
    assert latency["overhead"]["p99.9"] == pytest.approx(45, rel=0.001)
    assert run["backlog"] == {"most": 5, "at_end": 5}
    assert run["in_flight"]["in_model_at_end"] == 20
    assert {part["name"] for part in run["parts"]} == {
        *("generator", "pretend Graph", "pretend model"),
        "service: conversations (ConversationActor)",
    }
    assert len(run["series"]["cores"]["generator"]) == 12
    assert [window["until"] for window in run["windows"]] == [5, 10, 15]


def test_the_result_is_json_and_names_no_path_of_the_machine() -> None:
    text = json.dumps(found())
    assert json.loads(text)["asked"]["model_latency"] == {"median": 2.0, "sigma": 0.5}
    assert "report" not in json.loads(text)["asked"]


def test_a_turn_of_several_messages_waited_less_for_the_last() -> None:
    recording = Recording(1.5)
    # The first came 1.4 s before the newest, and nobody waits for longer than 1.5 s.
    recording.add(second(1, turns_us=[[200_000, 2_000_000, 20_000, 1_400_000]]))
    assert recording.histograms["overhead"].most == 120_000


def test_a_run_that_broke_off_is_told_without_a_verdict_on_its_messages() -> None:
    recording, parts = recorded()
    run = result(
        OPTIONS,
        recording,
        parts,
        Files(None),
        ended=None,
        started_at=0.0,
        machine=MACHINE,
        burst_wait_seconds=1.5,
        broken="the service ended by itself",
    )
    assert run["verdict"]["outcome"] == "failed"
    assert "not known" in summary(run)
    assert "unknown" in html(run)


def test_the_text_says_what_came_of_it() -> None:
    said = summary(found(lost=3))

    assert "120 messages in 12.0 s" in said
    assert re.search(r"message answered +2500\.\d", said)
    assert "lost 3, duplicated 0, out of order 0" in said
    assert "120 x 200, 2 x 503" in said
    assert "FAILED\n  3 messages were lost" in said


def test_a_long_run_says_whether_it_ended_as_it_began() -> None:
    run = found()
    assert "2nd and the last quarter" not in summary(run)
    run["throughput"]["seconds"] = 1800
    said = summary(run)
    assert "medians of the 2nd and the last quarter" in said
    assert re.search(r"memory, pretend Graph, MB +2\.0 +2\.0", said)


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page() -> Page:
    read = Page()
    read.feed(html(found()))
    read.close()
    assert not read.open
    return read


def test_the_page_reaches_out_for_nothing() -> None:
    read = page()
    tags = {tag for tag, _ in read.tags}
    assert not tags & {"script", "link", "img", "iframe", "object"}
    named = [name for _, attributes in read.tags for name in attributes]
    assert not {"src", "href", "onclick", "onload"} & set(named)
    assert "url(" not in html(found())
    assert "@import" not in html(found())


def test_the_page_is_readable_without_seeing_its_plots() -> None:
    read = page()
    plots = [attributes for tag, attributes in read.tags if attributes.get("role") == "img"]
    identities = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(plots) == 6
    for plot in plots:
        assert all(each in identities for each in str(plot["aria-labelledby"]).split())
    assert len(identities) == len(set(identities))
    assert ("html", {"lang": "en"}) in read.tags
    assert sum(tag == "caption" for tag, _ in read.tags) == sum(t == "table" for t, _ in read.tags)
    assert "@media print" in html(found())


def test_what_the_page_shows_is_text_and_no_markup() -> None:
    assert "A & B <fast>" in page().words


def test_page_and_json_lie_in_the_folder(tmp_path: Path) -> None:
    run = found()
    path = write_report(run, tmp_path / "new" / "folder")
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert json.loads((path.parent / "loadtest.json").read_text("utf-8")) == run


@given(st.lists(st.floats(0, 1e9), max_size=20))
def test_every_point_of_a_plot_is_inside_it(values: list[float]) -> None:
    drawn = line_plot("x", "T", "u", [float(n) for n in range(len(values))], {"a": values})
    points = re.findall(r'points="([^"]*)"', drawn)[0].split()
    assert len(points) == len(values)
    for point in points:
        x, y = map(float, point.split(","))
        assert 64 <= x <= 748
        assert 28 <= y <= 226


@given(st.floats(1e-6, 1e12))
def test_an_axis_ends_just_above_the_largest_value(value: float) -> None:
    assert value <= nice_ceiling(value) * (1 + 1e-9)
    assert nice_ceiling(value) <= 2.5 * value


def test_numbers_are_short() -> None:
    assert [number(each) for each in (0, 0.025, 7, 1234.5)] == ["0", "0.025", "7", "1,234"]


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal() -> None:
    said: list[str] = []
    recording, parts = Recording(1.5), recorded()[1]
    with shown(said.append, 12) as show:
        for number_ in range(1, 13):
            recording.add(second(number_))
            show(recording, parts)
    assert len(said) == 2
    assert said[-1] == line_at_ten()


def line_at_ten() -> str:
    recording = Recording(1.5)
    for number_ in range(1, 11):
        recording.add(second(number_))
    said = line(recording)
    for each in ("10 s", "10.0/s due", "in flight 25 (20 in the model)", "backlog 5", "2 x 503"):
        assert each in said
    return said


def test_progress_is_one_table_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    recording, parts = recorded()
    with shown(pytest.fail, 12) as show:
        show(recording, parts)
    said = capsys.readouterr().out
    for each in ("12 of 12 s", "25 (20 in the model)", "2 x HTTP 503", "pretend Graph"):
        assert each in said
