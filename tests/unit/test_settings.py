"""Settings come from the environment and a file, and all that is wrong is said at once."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.accounts.open import tokens_in
from vestlus.errors import SettingsError
from vestlus.scaling.size import PoolSize
from vestlus.settings import Mode, load_settings

COMPLETE = {
    "VESTLUS_APP_SECRETS": "one, two",
    "VESTLUS_VERIFY_TOKEN": "verify",
    "VESTLUS_OPERATOR_TOKEN": "the operator's own",
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
    assert tokens_in(settings) == {"17841400000000001": "IGAA-token"}
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


def test_a_token_without_an_account_is_an_error() -> None:
    environ = {key: value for key, value in COMPLETE.items() if key != "VESTLUS_ACCOUNT_ID"}
    assert "VESTLUS_ACCOUNT_ID: is missing" in problems(environ)


def test_an_account_may_get_its_token_later() -> None:
    environ = {key: value for key, value in COMPLETE.items() if key != "VESTLUS_ACCESS_TOKEN"}
    (account,) = load_settings(environ).accounts
    assert (account.id, account.access_token) == ("17841400000000001", None)


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text(
        'VESTLUS_PARTITIONS = 8\nVESTLUS_MODEL = "from-the-file"\n'
        '[[accounts]]\nid = "123"\naccess_token = "env:TOKEN"\npersona = "ours.md"\n'
    )
    settings = load_settings(COMPLETE | {"VESTLUS_PARTITIONS": "4", "TOKEN": "secret"})
    assert settings.partitions == 4
    assert settings.model == "from-the-file"
    (listed, single) = settings.accounts
    assert (listed.id, tokens_in(settings)["123"]) == ("123", "secret")
    assert listed.persona == tmp_path / "ours.md"
    assert single.id == "17841400000000001"


def test_a_variable_that_the_file_refers_to_and_that_is_not_set_is_named(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text('[[accounts]]\nid = "123"\naccess_token = "env:TOKEN"\n')
    assert problems(COMPLETE) == "TOKEN: is not set, and vestlus.toml refers to it"


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
    for secret in ("IGAA-token", "sk-x", "the operator's own", "password"):
        assert secret not in repr(settings)


def test_pool_sizes_are_numbers_or_auto() -> None:
    for text, size in (
        ("2", PoolSize(2, 2)),
        ("auto", PoolSize(1, None)),
        ("auto:2-8", PoolSize(2, 8)),
    ):
        settings = load_settings(COMPLETE | {"VESTLUS_WEBHOOK_REPLICAS": text})
        assert settings.webhook_replicas == size
        assert str(size) == text
    assert "VESTLUS_WEBHOOK_REPLICAS" in problems(COMPLETE | {"VESTLUS_WEBHOOK_REPLICAS": "many"})


BAD = [
    ("VESTLUS_APP_SECRETS", " , ", "has nothing but blanks and commas"),
    ("VESTLUS_VERIFY_TOKEN", "  ", "must not be blank"),
    ("VESTLUS_OPERATOR_TOKEN", "\t", "must not be blank"),
    ("VESTLUS_ACCESS_TOKEN", "hush hush", "must be ASCII letters, digits and signs"),
    ("VESTLUS_ACCESS_TOKEN", "hush\n", "must be ASCII letters, digits and signs"),
    ("VESTLUS_ACCESS_TOKEN", "hüsh", "must be ASCII letters, digits and signs"),
    ("OPENAI_API_KEY", "hush\u2026", "must be ASCII letters, digits and signs"),
    ("VESTLUS_ACCOUNT_ID", "hush", "must be 1 to 32 digits"),
    ("VESTLUS_DATA_DIR", "", "must not be blank"),
    ("VESTLUS_MODEL", " ", "must not be blank"),
    ("VESTLUS_HTTP_HOST", "", "must not be blank"),
    ("VESTLUS_HTTP_PORT", "0", "must be at least 1"),
    ("VESTLUS_HTTP_PORT", "65536", "must be at most 65535"),
    ("VESTLUS_HTTP_PORT", "hush", "must be a whole number"),
    ("VESTLUS_HTTP_PORT", "9" * 5000, "must be a smaller number"),
    ("VESTLUS_BURST_WAIT_SECONDS", "hush", "must be a number"),
    ("VESTLUS_INGRESS", "hush", "must be one of 'haproxy' or 'default'"),
    ("VESTLUS_CONVERSATION_ACTORS", "hush", "must be a whole number from 1 to 1000, or auto"),
    ("VESTLUS_PUBLISHER_ACTORS", "0", "must be a whole number from 1 to 1000, or auto"),
    ("VESTLUS_PUBLISHER_ACTORS", "auto:8-2", "must be a whole number from 1 to 1000, or auto"),
    ("VESTLUS_ACTOR_CPUS", "0", "must be at least 0.01"),
    ("VESTLUS_BUS_URL", "sqlite:///", "must have a file's path"),
    ("VESTLUS_BUS_URL", "sqlite://hush", "must have a file's path"),
    ("VESTLUS_BUS_URL", "sqlite:hush", "must start with sqlite://"),
    ("VESTLUS_BUS_URL", "AMQP://hush", "must start with sqlite://"),
    ("VESTLUS_BUS_URL", "amqp://user:hush@:5672/", "has no host"),
    ("VESTLUS_BUS_URL", "amqps://user:hush@host:hush", "has a port that is no number"),
    ("VESTLUS_BUS_URL", "amqp://user:p\u2105sshush@host", "is not an address"),
    ("VESTLUS_BUS_URL", "amqp://user:hush@[::1", "is not an address"),
    ("VESTLUS_DATABASE_URL", "sqlite:////", "must have a file's path"),
    ("VESTLUS_DATABASE_URL", "sqlite:///:memory:", "must have a file's path"),
    ("VESTLUS_DATABASE_URL", "sqlite:///?hush=1", "must have a file's path"),
    ("VESTLUS_DATABASE_URL", "postgresql:///hush", "has no host"),
    ("VESTLUS_DATABASE_URL", "postgresql://user:hush@host:70000/db", "has a port that is no"),
    ("VESTLUS_DATABASE_URL", "postgresql://user:hush/x@host/db", "has a port that is no number"),
    ("VESTLUS_DATABASE_URL", "postgresql://user:hush@host/db\n", "must not have spaces"),
    ("VESTLUS_GRAPH_URL", "https://", "has no host"),
    ("VESTLUS_GRAPH_URL", "http://hush:0/v25.0", "has a port that is no number"),
    ("OPENAI_BASE_URL", "https://hush:-1/v1", "has a port that is no number"),
]


def test_an_operator_token_that_could_be_guessed_does_not_start_and_says_what_to_do() -> None:
    short = COMPLETE | {"VESTLUS_OPERATOR_TOKEN": "õ" * 15}
    for mode in (Mode.SERVE, Mode.DEMO):
        assert problems(short, mode) == (
            "VESTLUS_OPERATOR_TOKEN: needs at least 16 characters: "
            "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'` makes one"
        )
    long_enough = load_settings(COMPLETE | {"VESTLUS_OPERATOR_TOKEN": "õ" * 16})
    assert long_enough.operator_token is not None
    # A command beside a service that runs with it is not stopped by it.
    assert load_settings(short, mode=Mode.OPERATE).operator_token is not None
    # Without one the demo makes one up.
    made_up = load_settings({"VESTLUS_OPERATOR_TOKEN": ""}, mode=Mode.DEMO).operator_token
    assert made_up is not None


@pytest.mark.parametrize(("name", "value", "wording"), BAD)
@pytest.mark.parametrize("mode", Mode)
def test_what_would_fail_later_is_named_in_one_line_and_not_shown(
    name: str, value: str, wording: str, mode: Mode
) -> None:
    (line,) = problems(COMPLETE | {name: value}, mode).splitlines()
    assert line.startswith(f"{name}: {wording}")
    assert "hush" not in line


def test_all_of_it_is_named_at_once() -> None:
    bad = {name: value for name, value, _ in BAD}
    assert {line.partition(":")[0] for line in problems(COMPLETE | bad).splitlines()} == set(bad)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VESTLUS_BUS_URL", "sqlite:///relative/bus.sqlite"),
        ("VESTLUS_BUS_URL", "sqlite:////absolute/a folder/bus.sqlite"),
        ("VESTLUS_BUS_URL", "amqps://user:p%40ss@[::1]:5671/%2Fhost"),
        ("VESTLUS_DATABASE_URL", "postgresql://user:p%2Fss@host:5432/db?sslmode=require"),
        ("VESTLUS_PUBLIC_URL", "https://vestlus.example"),
        ("VESTLUS_HTTP_PORT", "65535"),
        ("VESTLUS_HTTP_HOST", "::"),
    ],
)
def test_what_works_is_accepted(name: str, value: str) -> None:
    settings = load_settings(COMPLETE | {name: value})
    assert str(getattr(settings, name.removeprefix("VESTLUS_").lower())) == value


@given(st.text(min_size=1), st.sampled_from(["", "amqp://user:", "amqp://h:", "sqlite://"]))
def test_no_address_makes_anything_but_an_address_or_a_problem(text: str, start: str) -> None:
    environ = COMPLETE | {"VESTLUS_BUS_URL": f"{start}{text}@broker"}
    try:
        assert load_settings(environ).bus_url == environ["VESTLUS_BUS_URL"]
    except SettingsError as error:
        (line,) = error.problems
        assert line.startswith("VESTLUS_BUS_URL: ")
        assert "@broker" not in line


def test_the_accounts_of_the_file_are_checked_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text(
        "VESTLUS_PARTITIONS = 1.5\nVESTLUS_MODEL = 5\nVESTLUS_APP_SECRETS = 7\n"
        '[[accounts]]\nid = "1"\naccess_token = "t"\ntimezone = "Europe/Talinn"\n'
        '[[accounts]]\nid = "2"\naccess_token = "t"\nlanguage = "eesti keel"\n'
        '[[accounts]]\nid = "1"\naccess_token = "t"\ntimezone = "Europe"\n'
        '[[accounts]]\nid = 4\naccess_token = "t"\nlanguage = "estonian"\n'
        '[[accounts]]\ntoken = "t"\ntimezone = "../x"\n'
    )
    environ = {name: value for name, value in COMPLETE.items() if "APP_SECRETS" not in name}
    zone = "must be an IANA time zone such as Europe/Tallinn"
    tag = "must be a BCP 47 tag such as et, en-GB or zh-Hant"
    assert set(problems(environ).splitlines()) == {
        "vestlus.toml: VESTLUS_PARTITIONS: must be a whole number",
        "vestlus.toml: VESTLUS_MODEL: must be text in quotes",
        "vestlus.toml: VESTLUS_APP_SECRETS: must be text in quotes, or a list of such",
        f"vestlus.toml: accounts.0.timezone: {zone}",
        f"vestlus.toml: accounts.1.language: {tag}",
        "vestlus.toml: accounts.2.id: is the same as accounts.0.id",
        f"vestlus.toml: accounts.2.timezone: {zone}",
        "vestlus.toml: accounts.3.id: must be text in quotes",
        f"vestlus.toml: accounts.3.language: {tag}",
        "vestlus.toml: accounts.4.id: is missing",
        "vestlus.toml: accounts.4.token: is not a setting of an account",
        f"vestlus.toml: accounts.4.timezone: {zone}",
    }


def test_the_token_from_the_environment_is_named_by_its_variable(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text(
        '[[accounts]]\nid = "17841400000000001"\naccess_token = "replaced below"\n'
    )
    assert tokens_in(load_settings(COMPLETE)) == {"17841400000000001": "IGAA-token"}
    text = problems(COMPLETE | {"VESTLUS_ACCESS_TOKEN": "two words"})
    assert text.startswith("VESTLUS_ACCESS_TOKEN: must be ASCII")


def test_an_old_secret_may_be_empty_but_not_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text('VESTLUS_APP_SECRETS = ["env:NEW", "env:OLD"]\n')
    environ = {name: value for name, value in COMPLETE.items() if "APP_SECRETS" not in name}
    assert load_settings(environ | {"NEW": "new", "OLD": ""}).secrets == ("new",)
    text = problems(environ | {"NEW": "", "OLD": " "})
    assert text == "vestlus.toml: VESTLUS_APP_SECRETS: has nothing but blanks and commas"


def test_the_demo_takes_accounts_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "vestlus.toml").write_text(
        '[[accounts]]\nid = "123"\naccess_token = "env:TOKEN"\nlanguage = "en-GB"\n'
    )
    (account,) = load_settings({"TOKEN": "t"}, mode=Mode.DEMO).accounts
    assert (account.id, account.language, account.timezone) == ("123", "en-GB", "Europe/Tallinn")
