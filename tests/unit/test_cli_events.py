"""``vestlus events``: what is planned, refused, printed, and the exit status."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from vestlus.cli.events import EventRefused, NoSuchEvent, app
from vestlus.errors import VestlusError

Run = Callable[..., str]

CONFIG = """
[[accounts]]
id = "17841400000000001"

[[event_rules]]
name = "novel"
event = "arrival"
tags = ["books"]
when = "event.copies > 0"
delay_minutes = 5
cool_down_minutes = 30
most_per_day = 3
quiet_hours = "22:00-07:00"
[event_rules.payload]
required = ["title"]
"""
DATA = '{"title":"Tõde","copies":1}'


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a bus and a store that hold nothing."""
    folder = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("VESTLUS_DATA_DIR", str(folder / "var"))
        patch.delenv("VESTLUS_CONFIG", raising=False)
        app(["list"], result_action="return_value")
    return folder / "var"


@pytest.fixture
def run(
    tmp_path: Path,
    empty: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return a function that runs a command in a folder of its own and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESTLUS_CONFIG", raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path / "var"))
    (tmp_path / "vestlus.toml").write_text(CONFIG, "utf-8")
    shutil.copytree(empty, tmp_path / "var")

    def command(*arguments: str) -> str:
        app(list(arguments), result_action="return_value")
        return capsys.readouterr().out

    return command


def refused(kind: type[VestlusError], *arguments: str) -> str:
    with structlog.testing.capture_logs(), pytest.raises(kind) as refusal:
        app(list(arguments), result_action="return_value")
    return str(refusal.value)


def as_json(text: str) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(text)


def test_an_event_is_fired_listed_and_shown(run: Run) -> None:
    fired = as_json(run("fire", "arrival", "--data", DATA, "--key", "k", "--json"))
    (outcome,) = fired["outcomes"]
    assert (outcome["rule"], outcome["result"]) == ("novel", "planned")
    (listed,) = as_json(run("list", "--json"))
    assert listed["outcomes"] == fired["outcomes"]
    assert (listed["event"], listed["source"], listed["key"]) == ("arrival", "cli", "k")
    assert listed["data"] == {"title": "Tõde", "copies": 1}
    assert as_json(run("show", fired["id"], "--json")) == listed
    shown = run("show", fired["id"])
    assert 'data:        {"copies":1,"title":"Tõde"}\n' in shown
    assert f"  novel: planned for {outcome['due_at'].replace('T', ' ')}" in shown
    assert "1 planned" in run("list", "--name", "arrival")
    assert run("list", "--name", "other") == "There are no events.\n"


def test_of_one_key_there_is_one_event(run: Run) -> None:
    first = run("fire", "arrival", "--data", DATA, "--key", "k")
    assert "novel: planned for " in first
    assert run("fire", "arrival", "--data", DATA, "--key", "k") == first
    assert "with other data" in refused(EventRefused, "fire", "arrival", "--key", "k")
    assert len(as_json(run("list", "--json"))) == 1


def test_a_rule_that_does_not_apply_says_why(run: Run, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(DATA.replace("1", "0"), "utf-8")
    printed = run("fire", "arrival", "--file", "event.json")
    assert "  novel: `when` does not hold for this event (condition)\n" in printed
    assert "nothing planned" in run("list")


def test_what_is_refused_is_told_recorded_and_ends_with_an_error(run: Run) -> None:
    said = refused(EventRefused, "fire", "arrival", "--data", "{}")
    assert said == (
        "arrival: the data fit no rule of this event\n  novel: 'title' is a required property"
    )
    assert "vestlus events rules" in refused(EventRefused, "fire", "arival")
    unknown, misfit = as_json(run("list", "--json"))
    assert (unknown["outcomes"][0]["reason"], unknown["key"]) == ("unknown_event", "")
    assert misfit["outcomes"][0]["reason"] == "payload_refused"
    assert "no event rule of the settings has this event" in run("show", unknown["id"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "{"], "not JSON"),
        (["--data", "[]"], "one JSON object"),
        (["--data", "{}", "--file", "x"], "one of the two"),
        (["--file", "none.json"], "none.json cannot be read: No such file"),
        (["--data", DATA, "--key", "a b"], "--key: must be"),
        (["--data", DATA, "--key", ""], "--key: must be"),
    ],
)
def test_a_command_that_cannot_be_done_says_what_to_mend(
    run: Run, arguments: list[str], said: str
) -> None:
    assert said in refused(EventRefused, "fire", "arrival", *arguments)
    assert run("list") == "There are no events.\n"


def test_an_event_that_is_not_there_is_told(run: Run) -> None:
    assert "vestlus events list" in refused(NoSuchEvent, "show", "none")


def test_rules_are_shown_as_they_are_set(run: Run, tmp_path: Path) -> None:
    assert run("rules") == (
        "novel: on arrival; account: 17841400000000001; when: event.copies > 0; after: 5 min; "
        "cool-down: 30 min; a day: at most 3; quiet: 22:00-07:00\n"
    )
    (rule,) = as_json(run("rules", "--json"))
    assert (rule["name"], rule["payload"]) == ("novel", {"required": ["title"]})
    (tmp_path / "vestlus.toml").write_text("", "utf-8")
    assert "There are no event rules" in run("rules")
