"""What the service of a load test is given, and what it must never touch."""

from pathlib import Path

import pytest

from vestlus.conversation.identity import outbox_partition_of
from vestlus.loadtest.environment import (
    Secrets,
    is_own_account,
    made_up_secrets,
    own_accounts,
    service_environment,
    target_settings,
)
from vestlus.loadtest.machine import _refuse_others, machine, store_version
from vestlus.loadtest.options import LoadTestError, Options, OptionsError
from vestlus.settings import Mode, load_settings


def environment(environ: dict[str, str], folder: Path) -> dict[str, str]:
    return service_environment(
        environ,
        folder,
        8000,
        accounts=own_accounts(3),
        known=Secrets(app_secret="s", access_token="t"),
        graph_url="http://127.0.0.1:1",
        model_url="http://127.0.0.1:2",
    )


def test_nothing_of_the_user_s_own_service_reaches_it_but_its_tuning(tmp_path: Path) -> None:
    made = environment(
        {
            "PATH": "/bin",
            "VESTLUS_DATA_DIR": "/home/user/var",
            "VESTLUS_CONFIG": "/home/user/vestlus.toml",
            "VESTLUS_APP_SECRETS": "real",
            "OPENAI_API_KEY": "real",
            "VESTLUS_ACCESS_TOKEN": "real",
            "RAY_ADDRESS": "production:6379",
            "VESTLUS_CONVERSATION_ACTORS": "2",
        },
        tmp_path,
    )
    assert not any("real" in each or "/home/user" in each for each in made.values())
    assert "RAY_ADDRESS" not in made
    assert (made["PATH"], made["VESTLUS_CONVERSATION_ACTORS"]) == ("/bin", "2")
    settings = load_settings(made, mode=Mode.SERVE)
    assert [account.id for account in settings.accounts] == list(own_accounts(3))
    assert settings.bus.startswith(f"sqlite:///{tmp_path}")
    assert settings.database.startswith(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("name", ["VESTLUS_BUS_URL", "VESTLUS_DATABASE_URL"])
def test_half_of_somebody_s_service_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="set both"):
        environment({name: "amqp://somewhere"}, tmp_path)


def test_invented_accounts_are_known_as_such_and_spread_over_the_publishers() -> None:
    accounts = own_accounts(8)
    assert len(set(accounts)) == 8
    assert [outbox_partition_of(each, 4) for each in accounts] == [0, 1, 2, 3] * 2
    assert all(is_own_account(each) for each in accounts)
    assert not is_own_account("17841400000000001")


def test_secrets_are_new_each_time_and_not_shown() -> None:
    first, second = made_up_secrets(), made_up_secrets()
    assert first != second
    assert first.app_secret not in repr(first)


async def test_a_store_with_somebody_s_conversations_is_refused(store_url: str) -> None:
    assert (await store_version(store_url)).startswith(("SQLite 3", "PostgreSQL 1"))
    _refuse_others(list(own_accounts(2)))
    with pytest.raises(LoadTestError, match="real accounts"):
        _refuse_others([*own_accounts(2), "17841400000000001"])


def test_the_machine_is_recorded() -> None:
    found = machine()
    assert {"cores", "python", "ray", "load_before", "memory_bytes"} <= set(found)


def test_a_deployment_s_settings_are_needed_to_drive_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "own.toml"
    config.write_text(
        '[[accounts]]\nid = "17841400000000001"\naccess_token = "one"\n'
        '[[accounts]]\nid = "17841400000000002"\naccess_token = "two"\n',
        "utf-8",
    )
    monkeypatch.setenv("VESTLUS_CONFIG", str(config))
    options = Options(users=1, rate=1, seconds=1, accounts=3, target="https://there")
    with pytest.raises(LoadTestError) as caught:
        target_settings(options)
    said = str(caught.value)
    for each in ("VESTLUS_APP_SECRETS", "--accounts 3: the settings name 2", "one and the same"):
        assert each in said
