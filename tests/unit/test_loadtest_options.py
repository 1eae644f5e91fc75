"""What the load test's command line says, and how it is refused: all at once."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.cli.loadtest import loadtest
from vestlus.loadtest.options import (
    ModelLatency,
    Options,
    OptionsError,
    parse_burst,
    parse_duration,
    parse_model_latency,
    parse_watched,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2s", 2), ("500ms", 0.5), ("5m", 300), ("1h", 3600), ("30", 30), (" 1.5 s ", 1.5)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1 day", "1e9", "٣s", "nan", "1s2"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for parse in (parse_duration, parse_burst, parse_model_latency):
        try:
            assert parse(text) is not None
        except ValueError as error:
            assert repr(text) in str(error) or "duration" in str(error)  # noqa: PT017 - either way


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_bursts_are_a_size_and_a_time(size: int, milliseconds: int) -> None:
    found, seconds = parse_burst(f"{size},{milliseconds}ms")
    assert found == size
    assert seconds == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize("text", ["200", "0,3s", "x,3s", "200,", "200,0s", "-1,3s"])
def test_what_is_no_burst_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"burst|duration"):
        parse_burst(text)


def test_latencies_of_the_model_are_read() -> None:
    assert parse_model_latency("none") == ModelLatency()
    assert parse_model_latency("fixed:2s") == ModelLatency(2.0)
    assert parse_model_latency("lognormal:2s,0.5") == ModelLatency(2.0, 0.5)
    assert parse_model_latency("fixed:2s").to_control() == 2.0
    assert parse_model_latency("lognormal:2s,0.5").to_control() == {"median": 2.0, "sigma": 0.5}


@pytest.mark.parametrize("text", ["none:1s", "fixed", "lognormal:2s", "lognormal:2s,9", "gamma:1"])
def test_what_is_no_latency_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_model_latency(text)


def test_options_out_of_bounds_are_named_all_at_once() -> None:
    with pytest.raises(OptionsError) as caught:
        Options(users=0, rate=0, seconds=0.5, pictures=2, accounts=0, target="example.org")
    said = str(caught.value)
    names = ("--users", "--rate", "--duration", "--pictures", "--accounts", "--target")
    assert all(name in said for name in names)


def test_the_command_refuses_with_every_problem_and_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text("[[fault]]\n", "utf-8")
    with pytest.raises(SystemExit) as caught:
        loadtest(rate=-1, duration="soon", model_latency="slow", faults=faults)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    for name in ("--rate", "--duration: 'soon'", "--model-latency: 'slow'", "--faults:"):
        assert name in said
    assert "[[faults]]" in said


def test_a_place_that_cannot_be_written_is_told_before_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as caught:
        loadtest(json_file=tmp_path / "none" / "x.json")
    assert caught.value.code == 2
    assert "there is no folder" in capsys.readouterr().err


def test_processes_to_watch_are_a_name_and_an_id() -> None:
    assert parse_watched("postgres=1234") == ("postgres", 1234)
    assert parse_watched("a=b=7") == ("a=b", 7)


@pytest.mark.parametrize(
    "text", ["postgres", "=12", "postgres=", "postgres=0", "postgres=-3", "p=x"]
)
def test_what_is_no_process_to_watch_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NAME=PID"):
        parse_watched(text)


def test_a_watched_process_has_a_name_of_its_own() -> None:
    for taken in ((("generator", 1),), (("postgres", 1), ("postgres", 2))):
        with pytest.raises(OptionsError, match="names of its own"):
            Options(users=1, rate=1.0, seconds=1.0, watch=taken)
