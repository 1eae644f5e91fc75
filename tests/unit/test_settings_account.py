from __future__ import annotations

from pydantic import SecretStr

from vestlus.settings import Settings
from vestlus.settings_account import Account


def test_what_may_hold_a_key_is_not_shown() -> None:
    account = Account(
        id="1",
        access_token=SecretStr("SALADUS-1"),
        openai_api_key=SecretStr("SALADUS-2"),
        notify_url="https://hooks.example/SALADUS-3",
    )
    assert account.notify_url == "https://hooks.example/SALADUS-3"
    assert "SALADUS" not in repr(account) + str(account) + repr(Settings(accounts=(account,)))
