"""The demo's own account and plans, and what commands beside it know of them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from vestlus.cli.demo import _event
from vestlus.cli.demo_settings import (
    DEMO_ACCOUNT,
    addresses_file,
    operator_settings,
    with_accounts,
    with_plans,
)
from vestlus.errors import SettingsError
from vestlus.planning.definitions import rows_of_file
from vestlus.settings import Mode, Settings, load_settings

#: 2026-11-27 12:00:40 UTC.
NOW = 1_795_780_840_000
TOKEN = SecretStr("token")
OWN = """
[[schedules]]
name = "own"
at = 2026-12-24T09:00:00
tags = ["sea"]
[[event_rules]]
name = "own"
event = "flood"
tags = ["sea"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("VESTLUS_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path))
    return tmp_path


def demo(now_ms: int = NOW) -> Settings:
    settings = with_accounts(load_settings(mode=Mode.DEMO), Path("persona.md"), TOKEN)
    return with_plans(settings, now_ms)


def running(folder: Path) -> None:
    """A demo that says where it is."""
    found = {"simulator": "http://127.0.0.1:8001", "service": "http://127.0.0.1:8000"}
    addresses_file(folder).write_text(json.dumps(found | {"account": "1", "pid": os.getpid()}))


def test_the_demo_posts_with_the_minute_after_its_start() -> None:
    (schedule,) = demo().schedules
    (row,) = rows_of_file(demo().schedules, demo().accounts, NOW + 35_000)
    moment = next(schedule.recurrence("Europe/Tallinn").after(0))
    assert moment.at_ms == NOW + 20_000
    # The service was ready later than that: the time was missed, and is made up for at once.
    assert row.look_ms == NOW + 35_000
    assert schedule.missed == "latest"
    assert schedule.prompt
    assert schedule.approve is False
    assert (schedule.account, row.account) == (DEMO_ACCOUNT, DEMO_ACCOUNT)


def test_each_start_of_the_demo_is_another_time_of_the_same_schedule() -> None:
    (first,), (second,) = demo().schedules, demo(NOW + 60_000).schedules
    assert first.name == second.name
    assert first.at != second.at
    at = datetime.fromtimestamp(NOW / 1000, UTC).astimezone(ZoneInfo("Europe/Tallinn"))
    assert first.at == at.replace(tzinfo=None, second=0, minute=1)


def test_plans_and_accounts_of_the_user_are_the_demos_too(folder: Path) -> None:
    (folder / "vestlus.toml").write_text(OWN)
    settings = demo()
    assert [one.name for one in (*settings.schedules, *settings.event_rules)] == ["own", "own"]
    assert [one.account for one in settings.schedules] == [DEMO_ACCOUNT]
    assert _event(settings) == ".venv/bin/vestlus events fire flood"


def test_plans_of_an_account_that_the_demo_does_not_have_are_an_error(folder: Path) -> None:
    (folder / "vestlus.toml").write_text(OWN.replace("tags", 'account = "9"\ntags'))
    with pytest.raises(SettingsError) as caught:
        demo()
    assert caught.value.problems == (
        "schedules.0.account: is not the id of an account that is set up",
        "event_rules.0.account: is not the id of an account that is set up",
    )


def test_commands_beside_a_demo_know_its_account_its_rules_and_its_model(folder: Path) -> None:
    assert operator_settings().accounts == ()
    running(folder)
    settings = operator_settings()
    assert [one.id for one in settings.accounts] == [DEMO_ACCOUNT]
    assert settings.accounts[0].access_token is None
    assert settings.event_rules == demo().event_rules
    assert settings.schedules == ()
    assert settings.openai_base_url == "http://127.0.0.1:8001/openai/v1"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert "--data" in _event(settings)


def test_commands_beside_a_demo_with_a_model_of_the_users_keep_to_that_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://model.example/v1")
    running(folder)
    assert operator_settings().openai_base_url == "http://model.example/v1"
