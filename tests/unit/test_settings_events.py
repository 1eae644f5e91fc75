"""Event rules and tokens of sources, as settings say them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vestlus.errors import SettingsError
from vestlus.settings import Mode, Settings, load_settings

RULE = """
[[accounts]]
id = "17841400000000001"

[[event_rules]]
name = "novel"
event = "arrival"
tags = ["books"]
"""


def load(tokens: str) -> Settings:
    return load_settings({"VESTLUS_EVENT_TOKENS": tokens}, mode=Mode.OPERATE)


def problems(folder: Path, more: str) -> tuple[str, ...]:
    file = folder / "vestlus.toml"
    file.write_text(RULE + more, "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings({"VESTLUS_CONFIG": str(file)}, mode=Mode.OPERATE)
    return tuple(one.removeprefix(f"{file}: ") for one in refused.value.problems)


def test_sources_have_tokens_and_one_may_have_several() -> None:
    assert load("shop=abc, till=d=e,shop=new").event_sources == (
        ("shop", "abc"),
        ("till", "d=e"),
        ("shop", "new"),
    )
    assert load("").event_sources == ()
    assert "abc" not in repr(load("shop=abc"))


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ("hemmelig", ".0: must read source=token"),
        ("shop=abc,hemmelig", ".1: must read source=token"),
        ("shop=", ".0: must read source=token"),
        ("hemmelig==", ".0: must read source=token"),
        ("=hemmelig", ".0: must begin with a source"),
        ("a shop=hemmelig", ".0: must begin with a source"),
        ("cli=hemmelig", ".0: must have another source than cli"),
        ("shop=hemmelig abc", ".0: has a token that must be ASCII"),
        ("shop=hemmelõg", ".0: has a token that must be ASCII"),
        ("a=x,shop=hemmelig,till=hemmelig", ": 1 and 2 have one token and are of two sources"),
    ],
)
def test_a_bad_entry_is_named_without_its_token(tokens: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tokens)
    (problem,) = refused.value.problems
    assert problem.startswith("VESTLUS_EVENT_TOKENS")
    assert said in problem
    assert "hemm" not in problem


def test_a_rule_of_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "vestlus.toml"
    more = """
    when = "event.copies > 0"
    quiet_hours = "22:00-07:00, 12:00-13:00"
    cool_down_minutes = 30
    most_per_day = 3

    [event_rules.payload]
    type = "object"
    required = ["title"]
    [event_rules.payload.properties]
    title = { type = "string", maxLength = 100 }
    """
    file.write_text(RULE + more, "utf-8")
    (rule,) = load_settings({"VESTLUS_CONFIG": str(file)}, mode=Mode.OPERATE).event_rules
    assert rule.payload["properties"] == {"title": {"type": "string", "maxLength": 100}}
    assert (rule.event, rule.most_per_day, rule.account) == ("arrival", 3, "17841400000000001")


def test_all_that_is_wrong_with_a_rule_is_told_at_once(tmp_path: Path) -> None:
    more = """
    when = "evnt.copies > 0"
    quiet_hours = "22-7"
    delay_minutes = -1
    most_per_day = 101
    [event_rules.payload]
    type = "objekt"
    required = "title"
    """
    first = "type: 'objekt' is not valid under any of the given schemas"
    assert sorted(problems(tmp_path, more)) == [
        "event_rules.0.delay_minutes: must be at least 0",
        "event_rules.0.most_per_day: must be at most 100",
        f"event_rules.0.payload: {first}; required: 'title' is not of type 'array'",
        "event_rules.0.quiet_hours: must read like 22:00-07:00, several with commas between them",
        "event_rules.0.when: knows event, and not evnt",
    ]


@pytest.mark.parametrize("event", ["Arrival", "a b", "a/b", "", "x" * 65])
def test_an_event_has_a_name_that_fits_into_an_address(tmp_path: Path, event: str) -> None:
    file = tmp_path / "vestlus.toml"
    file.write_text(RULE.replace("arrival", event), "utf-8")
    with pytest.raises(SettingsError, match=r"event_rules\.0\.event: must be 1 to 64 small"):
        load_settings({"VESTLUS_CONFIG": str(file)}, mode=Mode.OPERATE)
