"""``vestlus accounts`` against the simulator: connected, checked, refreshed, listed."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.e2e.service import call
from tests.integration.simulator_harness import FIRST, SECOND, SECRET, TOKEN
from vestlus.accounts.cipher import TokenCipher
from vestlus.accounts.connecting import NotConnected
from vestlus.cli.accounts import NoToken, app
from vestlus.cli.accounts_desk import NoSuchAccount
from vestlus.cli.simulator_process import simulator_process
from vestlus.errors import SettingsError
from vestlus.store.open import open_store
from vestlus.store.usage_rows import UsageRow

KEY = "a key for tests, as long as it has to be"

Run = Callable[..., Any]
Control = Callable[[str, object], Any]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("simulator") / "simulator.sqlite"
    arguments = [
        *("--port", "0", "--data", str(data), "--webhook-url", "http://127.0.0.1:1/webhook"),
        *("--account-id", FIRST, "--account-id", SECOND),
    ]
    secrets = {
        "VESTLUS_SIMULATOR_APP_SECRET": SECRET,
        "VESTLUS_SIMULATOR_ACCESS_TOKEN": TOKEN,
    }
    with simulator_process(arguments, secrets) as address:
        yield address


@pytest.fixture
def control(simulator: str) -> Control:
    return lambda path, body: call(f"{simulator}/control/{path}", body)


@pytest.fixture
def run(
    simulator: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return a function that runs a command on a store of its own and returns its JSON.

    ``stdin`` is what the command reads; ``status`` the exit status that it must have.
    """
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "DATABASE_URL", "PARTITIONS", "ACCOUNT_ID", "ACCESS_TOKEN"):
        monkeypatch.delenv(f"VESTLUS_{name}", raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VESTLUS_GRAPH_URL", f"{simulator}/graph/v25.0")
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", KEY)
    monkeypatch.setenv("VESTLUS_APP_SECRETS", f"another app's,{SECRET}")

    def command(
        *arguments: str, stdin: str | io.StringIO = "", status: int = 0, as_json: bool = True
    ) -> Any:  # noqa: ANN401 - JSON, or text
        given = io.StringIO(stdin) if isinstance(stdin, str) else stdin
        monkeypatch.setattr("sys.stdin", given)
        ended = 0
        with capture_logs():  # which the entry point sends to standard error
            try:
                words = [*arguments, *(["--json"] if as_json else [])]
                app(words, result_action="return_value")
            except SystemExit as error:
                ended = int(str(error.code))
        printed = capsys.readouterr().out
        assert ended == status, printed
        return json.loads(printed) if as_json else printed

    return command


def kept(folder: Path) -> dict[str, Any]:
    """The only row, with its token in plain text."""
    connection = sqlite3.connect(folder / "store.sqlite")
    connection.row_factory = sqlite3.Row
    row = dict(connection.execute("SELECT * FROM account_token").fetchone())
    connection.close()
    row["token"] = TokenCipher(KEY).decrypt(row["account"], row["token"])
    return row


def levels(findings: list[dict[str, str]]) -> dict[str, str]:
    return {one["name"]: one["level"] for one in findings}


def test_a_short_token_becomes_a_lasting_one_with_its_account_and_webhooks(
    run: Run, control: Control, tmp_path: Path, simulator: str
) -> None:
    short = control("tokens", {"kind": "short", "account": SECOND})["token"]

    done = run("connect", stdin=f"{short}\n")

    row = kept(tmp_path)
    assert (done["account"], done["username"]) == (SECOND, "account_0002")
    assert (done["token"], done["configured"]) == ("exchanged", False)
    assert levels(done["subscription"]) == {f"subscription {SECOND}": "ok"}
    path = f"{simulator}/graph/v25.0/{SECOND}/subscribed_apps?access_token={row['token']}"
    fields = call(path)["data"][0]["subscribed_fields"]
    assert {"messages", "message_echoes", "messaging_postbacks"} <= set(fields)
    (listed,) = run("list")
    assert (listed["account"], listed["state"]) == (SECOND, "usable")
    assert listed["expires_at"] == done["expires_at"] > listed["obtained_at"]
    assert short not in json.dumps([done, listed])
    assert row["token"] not in json.dumps([done, listed])
    assert row["token"].encode() not in (tmp_path / "store.sqlite").read_bytes()


def test_a_token_of_the_dashboard_is_taken_as_it_is_and_its_end_learnt_where_it_can_be(
    run: Run, control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    young = control("tokens", {"account": FIRST})["token"]
    old = control("tokens", {"account": FIRST, "age_seconds": 40 * 86_400})["token"]
    monkeypatch.setenv("DASHBOARD_TOKEN", young)

    done = run("connect", FIRST, "--token-env", "DASHBOARD_TOKEN")
    assert (kept(tmp_path)["token"], done["expires_at"]) == (young, "")
    done = run("connect", "--long-lived", stdin=old)

    assert done["token"] == "refreshed"
    assert kept(tmp_path)["expires_ms"] > kept(tmp_path)["obtained_ms"] + 59 * 86_400_000


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("", "does not accept this token"),
        (SECOND, f"id {FIRST}, not of {SECOND}"),
        ("app-scoped", f"webhooks name it {FIRST}"),
    ],
)
def test_what_cannot_be_connected_is_said_and_nothing_is_kept(
    run: Run, control: Control, simulator: str, expected: str, said: str
) -> None:
    token = control("tokens", {"account": FIRST})["token"]
    if expected == "app-scoped":
        me = call(f"{simulator}/graph/v25.0/me?fields=id&access_token={token}")
        expected = str(me["id"])

    with pytest.raises(NotConnected, match=said):
        run("connect", *([expected] if expected else []), stdin=token if expected else "made-up")

    assert run("list") == []


def test_a_wrong_app_secret_is_told_from_a_token_that_needs_no_exchange(
    run: Run, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = control("tokens", {"kind": "short", "account": FIRST})["token"]
    monkeypatch.setenv("VESTLUS_APP_SECRETS", "another app's")
    with pytest.raises(NotConnected, match="Instagram app secret"):
        run("connect", stdin=short)
    monkeypatch.delenv("VESTLUS_APP_SECRETS")
    with pytest.raises(NotConnected, match="VESTLUS_APP_SECRETS is missing"):
        run("connect", stdin=short)


@pytest.mark.parametrize(
    ("arguments", "stdin"), [([], ""), ([], "two words"), (["--token-env", "NONE"], "t")]
)
def test_without_a_token_it_is_said_where_one_is_read_from(
    run: Run, arguments: list[str], stdin: str
) -> None:
    with pytest.raises(NoToken):
        run("connect", *arguments, stdin=stdin)


def test_the_connected_token_wins_over_that_of_the_settings_until_it_changes(
    run: Run, control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTLUS_ACCOUNT_ID", FIRST)
    monkeypatch.setenv("VESTLUS_ACCESS_TOKEN", f"{TOKEN.replace(' ', '-')}")
    new = control("tokens", {"account": FIRST})["token"]

    run("connect", "--long-lived", stdin=new)
    run("refresh", status=1)

    assert kept(tmp_path)["token"] == new
    changed = control("tokens", {"account": FIRST, "age_seconds": 90_000})["token"]
    monkeypatch.setenv("VESTLUS_ACCESS_TOKEN", changed)
    assert levels(run("check"))[f"token {FIRST}"] == "warn"
    (row,) = run("refresh")
    assert (row["failed_refreshes"], row["expires_at"] > row["obtained_at"]) == (0, True)
    assert kept(tmp_path)["token"] not in (new, changed)


def test_people_are_told_what_was_done_and_what_to_do_next(
    run: Run, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = control("tokens", {"account": SECOND})["token"]
    monkeypatch.setattr("vestlus.cli.accounts.getpass", lambda _: token)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)

    assert "`vestlus accounts connect` connects one" in run("list", as_json=False)
    assert "connects one" in run("check", as_json=False)
    assert "connects one" in run("refresh", as_json=False)
    connected = run("connect", stdin=terminal, as_json=False)
    listed = run("list", as_json=False)
    refreshed = run("refresh", as_json=False, status=1)
    checked = run("check", as_json=False)

    assert f"id {SECOND}" in connected
    assert f"set VESTLUS_ACCOUNT_ID={SECOND}" in connected
    assert f"{SECOND}  account_0002  usable" in listed
    assert f"{SECOND}: not refreshed: invalid_parameter" in refreshed
    assert f"ok    token {SECOND}: works" in checked
    assert token not in connected + listed + refreshed + checked


def test_a_check_says_of_each_account_what_is_wrong(
    run: Run, control: Control, monkeypatch: pytest.MonkeyPatch, simulator: str
) -> None:
    first = control("tokens", {"account": FIRST, "age_seconds": 90_000})["token"]
    second = control("tokens", {"account": SECOND})["token"]
    run("connect", stdin=first)
    run("connect", stdin=second)
    assert set(levels(run("check")).values()) == {"ok"}

    path = f"graph/v25.0/{SECOND}/subscribed_apps"
    call(f"{simulator}/{path}?subscribed_fields=messages&access_token={second}", {})
    control("revoke-token", {"token": first, "subcode": 460})
    found = run("check", status=1)
    said = {one["name"]: one for one in found}
    assert said[f"subscription {SECOND}"]["level"] == "fail"
    assert "message_echoes" in said[f"subscription {SECOND}"]["said"]
    assert levels(run("check", SECOND, "--subscribe")) == {
        f"token {SECOND}": "ok",
        f"subscription {SECOND}": "ok",
    }
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", KEY[::-1])
    found = run("check", SECOND, status=1)
    assert "another VESTLUS_ENCRYPTION_KEY" in found[0]["said"]
    monkeypatch.setenv("VESTLUS_ACCOUNT_ID", "123")
    assert "there is none" in run("check", "123", status=1)[0]["said"]
    with pytest.raises(NoSuchAccount):
        run("check", "777")


@pytest.mark.parametrize("key", ["", "too short"])
def test_nothing_is_encrypted_with_a_key_that_the_service_would_refuse(
    run: Run, control: Control, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", key)

    with pytest.raises(SettingsError, match="VESTLUS_ENCRYPTION_KEY"):
        run("connect", stdin=control("tokens", {"account": FIRST})["token"])


def test_a_graph_that_cannot_be_reached_is_told_from_a_token_that_is_bad(
    run: Run, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("connect", stdin=control("tokens", {"account": FIRST})["token"])
    monkeypatch.setenv("VESTLUS_GRAPH_URL", "http://127.0.0.1:1/v25.0")

    (found,) = run("check", status=1)

    assert found["said"] == "Instagram could not be asked: no_connection"
    with pytest.raises(NotConnected, match="could not say"):
        run("connect", stdin="t")


def test_what_accounts_spent_is_told_by_day_and_model_and_against_their_budgets(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vestlus.toml").write_text(
        f"""
        [[accounts]]
        id = "{FIRST}"
        daily_budget = {{ money = 2.5 }}
        [prices.models."gpt-5.4-mini"]
        input = 1
        """,
        encoding="utf-8",
    )
    monkeypatch.setattr("vestlus.cli.accounts_usage.system_clock", lambda: 1_773_482_400_000)
    # Neither shows a token, and so neither needs the key.
    monkeypatch.delenv("VESTLUS_ENCRYPTION_KEY")
    assert run("usage")[0]["calls"] == 0
    row = UsageRow(account=FIRST, day="2026-03-14", model="gpt-5.4-mini", purpose="answer")
    spent = replace(row, calls=2, input_tokens=2_000_000, cost_nano=2_000_000_000)
    unpriced = replace(row, model="other", purpose="embedding", calls=1, unpriced=1)
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"

    async def add() -> None:
        async with open_store(url, partitions=16, outbox_partitions=4) as store:
            await store.add_usage([spent, unpriced, replace(spent, day="2026-03-12")])

    asyncio.run(add())
    (today,) = run("usage", FIRST)
    assert (today["calls"], today["cost"], today["calls_without_price"]) == (3, 2.0, 1)
    assert (today["budget"], today["budget_state"]) == ("2.00 of 2.50 USD", "near")
    assert [one["purpose"] for one in today["by_model"]] == ["answer", "embedding"]
    assert [one["day"] for one in run("usage", "--days", "3")] == ["2026-03-14", "2026-03-12"]
    assert run("list")[0]["today"] == today
    told = run("list", as_json=False)
    assert "2.00 USD; 1 calls without a price; budget: 2.00 of 2.50 USD (near)" in told
    assert "answer     gpt-5.4-mini: 2 calls" in run("usage", as_json=False)
