from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from publishers.limits import account_limits
from publishers.quota import Quota
from publishers.rate import CallKind
from publishers.rules import DEFAULT_LIMITS, SendingRules
from vestlus.errors import SettingsError
from vestlus.settings import Settings, load_settings
from vestlus.settings_account import Account, CallLimits


def test_what_may_hold_a_key_is_not_shown() -> None:
    account = Account(
        id="1",
        access_token=SecretStr("SALADUS-1"),
        openai_api_key=SecretStr("SALADUS-2"),
        notify_url="https://hooks.example/SALADUS-3",
    )
    assert account.notify_url == "https://hooks.example/SALADUS-3"
    assert "SALADUS" not in repr(account) + str(account) + repr(Settings(accounts=(account,)))


def test_an_account_has_its_own_limits_and_the_others_have_metas() -> None:
    account = Account(
        id="1",
        access_token=SecretStr("x"),
        limits=CallLimits(messages_per_second=300, posts_per_day=50, private_replies_per_hour=10),
    )
    rules = SendingRules(limits_by_account={account.id: account_limits(account.limits)})
    its = rules.limits_of("1")
    assert its.calls[CallKind.TEXT].ceiling == 298
    assert its.calls[CallKind.LOOK] == DEFAULT_LIMITS.calls[CallKind.LOOK]
    assert (its.posts, its.private_replies) == (Quota(50, 86_400.0), Quota(10, 3600.0))
    assert rules.limits_of("2") is DEFAULT_LIMITS
    assert DEFAULT_LIMITS.calls[CallKind.TEXT].ceiling == 98
    assert set(DEFAULT_LIMITS.calls) == set(CallKind)


def test_limits_that_make_no_sense_are_named(tmp_path: Path) -> None:
    file = tmp_path / "vestlus.toml"
    file.write_text(
        """
        [[accounts]]
        id = "1"
        access_token = "x"
        [accounts.limits]
        messages_per_second = 0
        posts_per_day = "many"
        stories_per_day = 3
        """,
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        load_settings({"VESTLUS_CONFIG": str(file)})
    told = str(caught.value)
    for name in ("messages_per_second", "posts_per_day", "stories_per_day"):
        assert f"accounts.0.limits.{name}: " in told
