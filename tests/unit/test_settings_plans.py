"""Schedules and event rules of ``vestlus.toml``: what is wrong is said of all at once, in words."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from vestlus.errors import SettingsError
from vestlus.settings import Mode, Settings, load_settings
from vestlus.settings_schedules import Schedule

ONE = '[[accounts]]\nid = "1"\ntimezone = "Asia/Kathmandu"\n'
TWO = ONE + '[[accounts]]\nid = "2"\n'
FIELDS = "must have five fields: minute, hour, day of month, month, day of week"
WALL = "must be a date and a time such as 2026-12-24T09:00"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vestlus.toml"


def load(file: Path, text: str, mode: Mode = Mode.OPERATE) -> Settings:
    file.write_text(text, "utf-8")
    return load_settings({"VESTLUS_CONFIG": str(file)}, mode=mode)


def problems(file: Path, text: str, mode: Mode = Mode.OPERATE) -> set[str]:
    with pytest.raises(SettingsError) as caught:
        load(file, text, mode)
    return {line.removeprefix(f"{file}: ") for line in caught.value.problems}


def schedule(*lines: str, name: str = "news") -> str:
    return "\n".join(["[[schedules]]", f'name = "{name}"', *lines, ""])


def test_the_only_account_is_that_of_schedules_and_rules_that_name_none(file: Path) -> None:
    rule = '[[event_rules]]\nname = "r"\nevent = "opening"\ntags = ["sea"]\n'
    settings = load(file, ONE + schedule('cron = "0 9 * * *"', 'tags = ["sea"]') + rule)
    assert [one.account for one in (*settings.schedules, *settings.event_rules)] == ["1", "1"]


def test_times_are_tomls_or_text(file: Path) -> None:
    settings = load(
        file,
        ONE
        + schedule("at = 2026-12-24T09:00:00", 'tags = ["a"]', name="a")
        + schedule('at = "2026-12-24 09:00"', 'tags = ["a"]', name="b")
        + schedule(
            'cron = "0 9 * * *"',
            "start = 2026-12-01T00:00:00",
            'end = "2026-12-31T23:59:00"',
            'without = [2026-12-24, "2026-12-25"]',
            'tags = ["a"]',
            name="c",
        ),
    )
    first, second, third = settings.schedules
    wall = datetime.fromisoformat("2026-12-24T09:00")
    assert first.at == second.at == wall
    assert third.without == (date(2026, 12, 24), date(2026, 12, 25))
    assert third.start == datetime.fromisoformat("2026-12-01T00:00")
    assert third.end == datetime.fromisoformat("2026-12-31T23:59")


def test_a_picture_is_remembered_no_longer_than_posts_are_kept(file: Path) -> None:
    often = 'cron = "0 9 * * *"'
    rule = '[[event_rules]]\nname = "r"\nevent = "e"\naccount = "1"\nnot_again_days = 61\n'
    text = (
        "[retention]\nposts_days = 60\n"
        + TWO
        + "[accounts.retention]\nposts_days = 35\n"
        + schedule(often, 'account = "1"', 'tags = ["a"]', "not_again_days = 60", name="a")
        + schedule(often, 'account = "2"', 'tags = ["a"]', "not_again_days = 60", name="b")
        + schedule(often, 'account = "2"', 'pictures = ["a"]', "not_again_days = 60", name="c")
        + schedule(often, 'account = "2"', 'choose = "model"', "not_again_days = 35", name="d")
        + rule
        + 'tags = ["a"]\n'
    )
    found = sorted(problems(file, text))
    assert [line.partition(",")[0] for line in found] == [
        "event_rules.0.not_again_days: is 61",
        "schedules.1.not_again_days: is 60",
    ]
    assert ["kept 60 days" in found[0], "kept 35 days" in found[1]] == [True, True]
    assert all("raise posts_days" in line for line in found)


def test_what_is_kept_by_default_is_enough_for_what_comes_not_again_by_default(file: Path) -> None:
    text = "[retention]\nposts_days = 35\n" + ONE + schedule('cron = "0 9 * * *"', 'tags = ["a"]')
    assert load(file, text).schedules[0].not_again_days == 30
    longest = schedule('cron = "0 9 * * *"', 'tags = ["a"]', "not_again_days = 400")
    assert load(file, ONE + longest).schedules[0].not_again_days == 400


def test_all_that_is_wrong_is_said_at_once(file: Path) -> None:
    text = (
        TWO
        + schedule('cron = "0 9 * *"', 'tags = ["a"]')
        + schedule("at = 2026-12-24", 'account = "3"', 'tags = ["a"]')
        + schedule('at = "2026-02-30T09:00"', 'account = "1"', "tags = 5", 'missed = "never"')
        + schedule(
            *("at = 2026-12-24T09:00:00Z", 'account = "1"', 'story = "perhaps"', "count = 11"),
            *('without = ["soon", 2026-12-24T09:00:00]', "within_hours = 0", "colour = 1"),
            name="Uudised",
        )
        + schedule('account = "1"', 'pictures = ["a"]', 'tags = ["b"]', name="both")
        + schedule('account = "1"', 'pictures = ["a"]', name="never")
        + schedule(
            *("at = 2026-12-24T09:00:00", 'account = "1"', 'pictures = ["a"]'),
            'caption = "{{ total }}"',
            name="open",
        )
        + '[[event_rules]]\nname = "r"\nevent = "e"\naccount = "1"\ntags = ["a"]\npayload = 5\n'
        '[[event_rules]]\nname = "r"\nevent = "e"\ntags = ["a"]\ntimes = 5\n'
    )
    assert problems(file, text) == {
        "schedules.0.account: is missing: there are several accounts",
        f"schedules.0.cron: '0 9 * *' {FIELDS}",
        "schedules.1.account: is not the id of an account that is set up",
        "schedules.1.name: is the same as schedules.0.name",
        f"schedules.1.at: {WALL}",
        "schedules.2.name: is the same as schedules.0.name",
        "schedules.2.at: is a day or a time that there is not",
        "schedules.2.tags: must be a list",
        "schedules.2.missed: must be one of 'skip', 'latest' or 'all'",
        "schedules.3.at: must have no offset: its clock is that of the time zone",
        "schedules.3.name: must be 1 to 64 small letters, digits, - and _",
        "schedules.3.story: must be true or false",
        "schedules.3.count: must be at most 10",
        "schedules.3.without.0: must be a date such as 2026-12-24",
        "schedules.3.without.1: must be a date such as 2026-12-24",
        "schedules.3.within_hours: must be above 0",
        "schedules.3.colour: is not a setting of a schedule",
        "schedules.4: names pictures, and ways to choose them: one of the two",
        "schedules.5: must have either at or cron",
        "schedules.6.caption: knows event, now and account, and not total",
        "event_rules.0.payload: must be a table",
        "event_rules.1.account: is missing: there are several accounts",
        "event_rules.1.name: is the same as event_rules.0.name",
        "event_rules.1.times: is not a setting of an event rule",
    }


def test_a_schedule_and_a_rule_may_have_one_name(file: Path) -> None:
    rule = '[[event_rules]]\nname = "news"\nevent = "news"\ntags = ["a"]\n'
    settings = load(file, ONE + schedule("at = 2026-12-24T09:00:00", 'tags = ["a"]') + rule)
    assert settings.schedules[0].name == settings.event_rules[0].name


def test_without_accounts_the_demo_makes_one_later(file: Path) -> None:
    text = schedule("at = 2026-12-24T09:00:00", 'tags = ["a"]', 'account = "9"')
    assert load(file, text, Mode.DEMO).schedules[0].account == "9"


def test_schedules_that_are_no_tables_are_an_error(file: Path) -> None:
    assert problems(file, 'schedules = "daily"') == {
        "schedules must be tables, each written [[schedules]]"
    }


#: Values as TOML writes them, sensible ones and others.
_VALUES = st.sampled_from(
    [
        *('"x"', '""', "5", "-1", "0", "1.5", "inf", "nan", "true", "[]", '["a"]', '["", "a"]'),
        *("[1]", "[[1]]", "{}", "{ a = 1 }", "2026-12-24", "2026-12-24T09:00:00", "09:00:00"),
        *("2026-12-24T09:00:30", "2026-12-24T09:00:00.5", "2026-12-24T09:00:00+02:00"),
        *("0001-01-01T00:00:00", "9999-12-31", "[2026-12-24]", '["2026-12-24"]', '"0 9 * * *"'),
        *(
            '"latest"',
            '"model"',
            '"Europe/Tallinn"',
            '"2026-12-24 09:00"',
            '"\\u0000"',
            "1_000_000",
        ),
    ]
)


@hypothesis_settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("name", "account", "story", "pictures", "tags", "choose", "count", "caption"),
                *("not_again_days", "prompt", "language", "approve", "approval_hours", "at"),
                *("within_hours", "cron", "timezone", "start", "end", "without", "missed"),
                *("missed_hours", "mood"),
            ]
        ),
        _VALUES,
        max_size=3,
    )
)
def test_whatever_a_schedule_says_it_is_one_or_is_told_in_words(
    tmp_path_factory: pytest.TempPathFactory, changed: dict[str, str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.toml"
    values = {"name": '"news"', "cron": '"0 9 * * *"', "tags": '["a"]'} | changed
    text = "".join(f"{key} = {value}\n" for key, value in values.items())
    try:
        settings = load(file, f"{ONE}[[schedules]]\n{text}")
    except SettingsError as error:
        for line in error.problems:
            assert line.startswith(f"{file}: schedules.0")
            assert not line.endswith("has a value that cannot be used")
            assert "Input" not in line
            assert "Value error" not in line
    else:
        (one,) = settings.schedules
        assert one.account == "1"
        list(zip(range(3), one.recurrence("UTC").after(0), strict=False))


def test_the_schedules_of_the_manual_are_schedules(file: Path) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "posts.md").read_text("utf-8")
    examples = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    names = {
        one.name
        for example in examples
        if "[[schedules]]" in example
        for one in load(file, ONE + example).schedules
    }
    assert names >= {"hommik", "joulud"}


def test_the_manual_names_every_key_of_a_schedule() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "posts.md").read_text("utf-8")
    for key in Schedule.model_fields:
        assert re.search(rf"^\|.*`{key}`", manual, re.MULTILINE), key
