"""What the audit says of commands: of each thing what became of it, however the command ended."""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image

from tests.unit.test_cli_acts import entries, on_store, run
from tests.unit.test_cli_conversations import ACCOUNT, ID, STOPPED, USER, handed_in, written
from tests.unit.test_cli_dead_letters import given_up
from tests.unit.test_cli_dead_letters import handed_in as events_handed_in
from vestlus.accounts import connecting
from vestlus.accounts.refreshing import TokenRefresher
from vestlus.burying import unreadable
from vestlus.cli import accounts_desk, dead_letters
from vestlus.cli import main as main_module
from vestlus.cli.operating import Service
from vestlus.desk.dead_letters import discarded
from vestlus.doctor.findings import Finding, Level
from vestlus.errors import BusUnavailable, StoreUnavailable
from vestlus.instagram.graph_answers import Me
from vestlus.store.erasing import Erasure, ErasureState, Way
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store
from vestlus.store.rows import DeadLetter, LetterState
from vestlus.store.token_rows import TokenRow

__all__ = ["run"]

Run = Callable[..., None]

SHOP: Final = "17841400000000001"


def told() -> list[tuple[str, str, str]]:
    """What the audit says, newest first."""
    return [(action, target, outcome) for _, _, action, target, outcome in entries()]


def odd(number: int) -> list[DeadLetter]:
    """Letters that cannot be replayed, buried."""
    letters = [
        unreadable(str(one).encode(), source="inbox.1", reason="no_json", at_ms=5 + one)
        for one in range(number)
    ]
    on_store(lambda store: store.bury(letters))
    return letters


class Unread(io.StringIO):
    """A standard output whose reader has gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


class Interrupted(io.StringIO):
    """A standard output upon which somebody presses Ctrl-C."""

    def write(self, _: str) -> int:
        raise KeyboardInterrupt


@pytest.fixture(params=[Unread, Interrupted])
def broken_off(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, run: Run) -> Run:
    """Runs a command that ends when it prints, with the exit status of that."""

    def command(*arguments: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", request.param())
            patch.setattr(main_module, "_nobody_reads", lambda: True)
            patch.setattr(main_module, "_say_no_more", lambda: None)
            with pytest.raises(SystemExit) as ended:
                run(*arguments)
        assert ended.value.code in (130, 141)

    return command


def test_of_letters_that_are_replayed_together_each_has_what_became_of_it(run: Run) -> None:
    good, [bad] = given_up(1), odd(1)
    with pytest.raises(SystemExit):
        run("dead-letters", "replay", good, bad.id)
    assert [one.payload for one in events_handed_in()] == [good]
    assert sorted(told()) == sorted(
        [
            ("dead_letter.replay", good, "handed_in"),
            ("dead_letter.replay", bad.id, "undecodable"),
        ]
    )


def test_of_letters_that_are_discarded_together_each_has_what_became_of_it(run: Run) -> None:
    first, second = odd(2)
    run("dead-letters", "discard", first.id)
    with pytest.raises(SystemExit):
        run("dead-letters", "discard", first.id, second.id)
    assert sorted(told()) == sorted(
        [
            ("dead_letter.discard", first.id, "done"),
            ("dead_letter.discard", first.id, "not_discarded"),
            ("dead_letter.discard", second.id, "done"),
        ]
    )


def test_a_discard_that_breaks_off_says_which_letters_were_put_away(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = odd(2)

    async def once(service: Any, letter: str, by: str) -> bool:  # noqa: ANN401 - as the desk has it
        if letter == second.id:
            raise StoreUnavailable("away")
        return await discarded(service, letter, by)

    monkeypatch.setattr(dead_letters, "discarded", once)
    with pytest.raises(SystemExit):
        run("dead-letters", "discard", first.id, second.id)
    assert set(told()) == {
        ("dead_letter.discard", first.id, "done"),
        ("dead_letter.discard", second.id, "store_unavailable"),
    }


def test_all_that_a_command_was_given_is_in_the_audit_however_much(run: Run) -> None:
    letters = odd(105)
    run("dead-letters", "discard", *(one.id for one in letters))
    put_away = on_store(lambda store: store.dead_letters(limit=200))
    assert {one.state for one in put_away} == {LetterState.DISCARDED}
    found: tuple[AuditEntry, ...] = on_store(lambda store: store.audit_entries(limit=200))
    assert {one.target for one in found} == {one.id for one in letters}


def test_every_picture_that_is_removed_is_named(run: Run, tmp_path: Path) -> None:
    for name, colour in (("one", "red"), ("two", "blue")):
        Image.new("RGB", (400, 400), colour).save(tmp_path / f"{name}.png")
        run("images", "add", str(tmp_path / f"{name}.png"), "--id", name, "--shows", name)
    run("images", "remove", "one", "two")
    assert set(told()[:2]) == {("image.remove", "one", "done"), ("image.remove", "two", "done")}


def test_an_export_names_the_conversation_whichever_way_it_was_asked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", "k" * 40)
    written(1)
    run("conversations", "export", "--account", ACCOUNT, "--user", USER)
    run("conversations", "export", ID)
    assert told() == [("user.export", ID, "done")] * 2


def test_an_export_whose_reader_goes_is_in_the_audit(
    broken_off: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", "k" * 40)
    written(1)
    broken_off("conversations", "export", ID)
    assert told() == [("user.export", ID, "done")]


def test_what_is_done_when_a_command_is_broken_off_is_told_as_done(broken_off: Run) -> None:
    [letter] = odd(1)
    broken_off("dead-letters", "discard", letter.id)
    broken_off("scale", "--publisher-actors", "2")
    written(1)
    broken_off("conversations", "read", ID)
    broken_off("conversations", "take-over", ID)
    assert told() == [
        ("conversation.take_over", ID, "handed_in"),
        ("conversation.read", ID, "done"),
        ("pool.resize", "", "done"),
        ("dead_letter.discard", letter.id, "done"),
    ]


def test_what_is_broken_off_before_it_is_done_is_told_as_failed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    written(1)
    monkeypatch.setattr("vestlus.desk.conversations.ConversationDesk.read", interrupted)
    with pytest.raises(SystemExit):
        run("conversations", "read", ID)
    assert told() == [("conversation.read", ID, "failed")]


def test_what_a_command_hands_in_is_in_the_audit_before(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(1)
    hand_in, seen = Service.hand_in, list[tuple[str, str, str, str]]()

    async def looking(self: Service, event: Any) -> None:  # noqa: ANN401 - an event
        found = await self.store.audit_entries()
        seen.extend((one.action, one.target, one.outcome, one.detail) for one in found)
        assert seen[-1][3] == event.key
        await hand_in(self, event)

    monkeypatch.setattr(Service, "hand_in", looking)
    run("conversations", "reply", ID, "Tere!")
    assert [one[:3] for one in seen] == [("conversation.reply", ID, "handed_in")]
    assert told() == [("conversation.reply", ID, "handed_in")]


@pytest.mark.parametrize("act", ["reply", "replay"])
def test_nothing_is_handed_in_by_a_command_that_is_not_in_the_audit(
    run: Run, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    letter = given_up(1)

    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    lines = {
        "reply": ("conversations", "reply", ID, "Tere!"),
        "replay": ("dead-letters", "replay", letter),
    }
    with monkeypatch.context() as patch:
        patch.setattr("vestlus.store.sql_store.SqlStore.audit", away)
        with pytest.raises(SystemExit):
            run(*lines[act])
    assert handed_in() == []


def test_what_a_command_could_not_hand_in_has_a_second_entry_that_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise BusUnavailable("away")

    written(1)
    with monkeypatch.context() as patch:
        patch.setattr(Service, "hand_in", away)
        with pytest.raises(SystemExit):
            run("conversations", "take-over", ID)
    failed, tried = on_store(lambda store: store.audit_entries())
    assert (failed.outcome, tried.outcome) == ("failed", "handed_in")
    assert (failed.target, failed.detail) == (tried.target, tried.detail)
    assert failed.detail != ""


def test_who_asked_for_no_answers_is_not_told_as_handed_back(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    written(1, STOPPED)
    with pytest.raises(SystemExit) as ended:
        run("conversations", "hand-back", ID)
    assert ended.value.code == 1
    assert "nothing changes until the user writes start" in capsys.readouterr().err
    assert handed_in() == []
    assert told() == [("conversation.hand_back", ID, "user_stopped")]


def test_the_code_of_an_erasure_is_told_as_the_erasure_has_it(run: Run) -> None:
    code = "A" * 16
    waits = Erasure(code=code, asked_ms=0, way=Way.META, state=ErasureState.OPEN, by="meta")
    on_store(lambda store: store.erase(waits, ()))
    run("conversations", "erasures", "--close", code.lower())
    with pytest.raises(SystemExit):
        run("conversations", "erasures", "--close", code.lower())
    assert told()[:2] == [("erasure.close", code, "nobody_meant"), ("erasure.close", code, "done")]


def test_an_event_that_was_refused_is_not_told_as_done_whoever_reads_the_answer(
    broken_off: Run,
) -> None:
    broken_off("events", "fire", USER, "--json")
    assert told() == [("event.fire", "", "event_refused")]


@pytest.mark.parametrize(("level", "outcome"), [(Level.FAIL, "not_subscribed"), (Level.OK, "done")])
def test_an_account_whose_token_is_kept_is_in_the_audit_with_whether_its_webhooks_come(
    run: Run, monkeypatch: pytest.MonkeyPatch, level: Level, outcome: str
) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", "k" * 40)
    monkeypatch.setenv("TOKEN", "IGtoken")

    async def whose(*_: object) -> Me:
        fields = dict.fromkeys(inspect.signature(Me).parameters, "")
        return Me(**{**fields, "user_id": SHOP})

    async def subscribed(*_: object) -> list[Finding]:
        return [Finding(f"subscription {SHOP}", level, "said", "mend")]

    monkeypatch.setattr(connecting, "whose", whose)
    monkeypatch.setattr(accounts_desk, "_subscribed", subscribed)
    line = ("accounts", "connect", "--long-lived", "--token-env", "TOKEN")
    if level is Level.FAIL:
        with pytest.raises(SystemExit):
            run(*line)
    else:
        run(*line)
    assert [one.account for one in on_store(lambda store: store.tokens())] == [SHOP]
    assert told() == [("account.connect", SHOP, outcome)]


def test_of_tokens_that_are_refreshed_together_each_has_what_became_of_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTLUS_ENCRYPTION_KEY", "k" * 40)

    async def connected(store: Store) -> None:
        for one in ("1", "2"):
            assert await store.put_token(TokenRow(account=one, version=1, token=b"sealed"))

    on_store(connected)

    async def refresh(_: TokenRefresher, row: TokenRow) -> TokenRow:
        failures = 1 if row.account == "2" else 0
        return TokenRow(account=row.account, version=2, token=b"sealed", failures=failures)

    monkeypatch.setattr(TokenRefresher, "refresh", refresh)
    with pytest.raises(SystemExit):
        run("accounts", "refresh")
    assert sorted(told()) == [
        ("account.refresh", "1", "done"),
        ("account.refresh", "2", "not_refreshed"),
    ]


def test_every_account_that_is_recovered_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTLUS_ACCOUNT_ID", SHOP)
    run("conversations", "recover")
    assert told() == [("account.recover", SHOP, "done")]
