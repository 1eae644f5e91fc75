"""Settings come from the environment and a file, and all that is wrong is said at once."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from vestlus.errors import SettingsError
from vestlus.settings import Mode, load_settings

COMPLETE = {
    "VESTLUS_APP_SECRETS": "one, two",
    "VESTLUS_VERIFY_TOKEN": "verify",
    "VESTLUS_OPERATOR_TOKEN": "operator",
    "VESTLUS_ENCRYPTION_KEY": "k" * 32,
    "VESTLUS_ACCOUNT_ID": "17841400000000001",
    "VESTLUS_ACCESS_TOKEN": "IGAA-token",
    "OPENAI_API_KEY": "sk-x",
}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def problems(environ: dict[str, str], mode: Mode = Mode.SERVE) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, mode=mode)
    return str(caught.value)


def test_the_environment_alone_is_enough() -> None:
    settings = load_settings(COMPLETE)
    assert settings.secrets == ("one", "two")
    assert settings.accounts[0].id == "17841400000000001"
    assert settings.accounts[0].access_token.get_secret_value() == "IGAA-token"
    assert settings.bus.startswith("sqlite:///")
    assert settings.bus != settings.database
    assert settings.http_host == "0.0.0.0"  # noqa: S104 - compared, not bound
    assert settings.ingress == ("haproxy" if sys.platform == "linux" else "default")


def test_everything_missing_is_named_at_once() -> None:
    text = problems({})
    for name in COMPLETE:
        assert name in text


def test_everything_bad_is_named_at_once_and_no_value_is_shown() -> None:
    text = problems(
        COMPLETE
        | {
            "VESTLUS_PARTITIONS": "sixteen-secret",
            "VESTLUS_BUS_URL": "redis://user:secret@host",
            "VESTLUS_GRAPH_URL": "ftp://secret",
            "VESTLUS_ENCRYPTION_KEY": "short-secret",
        }
    )
    for name in ("PARTITIONS", "BUS_URL", "GRAPH_URL", "ENCRYPTION_KEY"):
        assert f"VESTLUS_{name}" in text
    assert "secret" not in text


def test_a_misspelt_name_is_an_error_that_offers_the_right_one() -> None:
    text = problems(COMPLETE | {"VESTLUS_APP_SECRET": "x"})
    assert "VESTLUS_APP_SECRET: is not a setting; did you mean VESTLUS_APP_SECRETS?" in text


def test_half_an_account_is_an_error() -> None:
    environ = {key: value for key, value in COMPLETE.items() if key != "VESTLUS_ACCESS_TOKEN"}
    assert "VESTLUS_ACCESS_TOKEN: is missing" in problems(environ)


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text(
        'VESTLUS_PARTITIONS = 8\nVESTLUS_MODEL = "from-the-file"\n'
        '[[accounts]]\nid = "123"\naccess_token = "env:TOKEN"\npersona = "ours.md"\n'
    )
    settings = load_settings(COMPLETE | {"VESTLUS_PARTITIONS": "4", "TOKEN": "secret"})
    assert settings.partitions == 4
    assert settings.model == "from-the-file"
    (listed, single) = settings.accounts
    assert (listed.id, listed.access_token.get_secret_value()) == ("123", "secret")
    assert listed.persona == tmp_path / "ours.md"
    assert single.id == "17841400000000001"


def test_a_variable_that_the_file_refers_to_and_that_is_not_set_is_named(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text('[[accounts]]\nid = "123"\naccess_token = "env:TOKEN"\n')
    assert "TOKEN: is not set" in problems(COMPLETE)


def test_the_files_bad_keys_are_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('VESTLUS_PARTITON = 8\n[[accounts]]\nid = "x y"\naccess_token = "t"\n')
    text = problems(COMPLETE | {"VESTLUS_CONFIG": str(path)})
    assert "VESTLUS_PARTITON is not a setting; did you mean VESTLUS_PARTITIONS?" in text
    assert "accounts.0.id" in text


def test_a_file_that_is_named_and_not_there_is_an_error() -> None:
    assert "VESTLUS_CONFIG" in problems(COMPLETE | {"VESTLUS_CONFIG": "nowhere.toml"})


def test_a_file_that_is_no_toml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text("= nonsense")
    assert "cannot be read as TOML" in problems(COMPLETE)


def test_accounts_of_a_wrong_shape_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text('accounts = "none"\n')
    assert "accounts" in problems(COMPLETE)


def test_the_demo_needs_nothing_and_listens_on_this_machine_only() -> None:
    settings = load_settings({}, mode=Mode.DEMO)
    assert settings.http_host == "127.0.0.1"
    assert settings.ingress == "default"
    assert settings.secrets
    assert settings.verify_token


def test_settings_travel_to_actors_and_do_not_print_secrets() -> None:
    settings = load_settings(COMPLETE | {"VESTLUS_BUS_URL": "amqp://user:password@host"})
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own bytes
    for secret in ("IGAA-token", "sk-x", "'operator'", "password"):
        assert secret not in repr(settings)


def test_pool_sizes_are_numbers_or_auto() -> None:
    assert load_settings(COMPLETE | {"VESTLUS_WEBHOOK_REPLICAS": "auto"}).webhook_replicas == "auto"
    assert load_settings(COMPLETE | {"VESTLUS_WEBHOOK_REPLICAS": "2"}).webhook_replicas == 2
    assert "VESTLUS_WEBHOOK_REPLICAS" in problems(COMPLETE | {"VESTLUS_WEBHOOK_REPLICAS": "many"})
