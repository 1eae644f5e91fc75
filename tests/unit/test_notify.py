"""Telling people that a user waits for one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_string, policy
from typing import Any, cast

import stamina
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from vestlus.accounts.budgets import BudgetNotice
from vestlus.conversation.budget import Budget, Spent, Stage
from vestlus.hosting.turn_parts import HandedOver
from vestlus.notify import Notifier
from vestlus.settings import Settings
from vestlus.settings_account import Account

ACCOUNT = "17841400000000001"
OTHER = "17841400000000002"
EVENT = HandedOver(account=ACCOUNT, conversation="c1", note="Wants a refund.", at_ms=1000)


def settings(**account: Any) -> Settings:  # noqa: ANN401 - settings of any type
    smtp = account.pop("smtp_url", None)
    one = Account(id=ACCOUNT, name="Muuseum", access_token=SecretStr("t"), **account)
    return Settings(accounts=(one,), smtp_url=smtp, email_from="bot@example.org")


@dataclass
class Listener:
    """A web server that answers with the statuses it is told, then 204."""

    statuses: list[int] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.heard.set()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 204)


@asynccontextmanager
async def listening(*statuses: int) -> AsyncIterator[Listener]:
    listener = Listener(list(statuses))
    application = web.Application()
    application.router.add_post("/", listener.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield listener
    finally:
        await runner.cleanup()


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[str, list[str]]]:
    """A mail server that takes everything; its address and the messages."""
    mails: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            command = line.split()[0].upper() if line.split() else b""
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                body = (await reader.readuntil(b"\r\n.\r\n")).decode()
                mails.append(body)
            writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
            if command == b"QUIT":
                break
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"smtp://127.0.0.1:{port}", mails
    finally:
        server.close()


async def test_a_hand_over_is_posted_without_the_users_id() -> None:
    async with listening() as listener, Notifier(settings(notify_url=listener.url)) as notifier:
        notifier(EVENT)
        await notifier.told()
    assert listener.bodies == [
        {
            "event": "handed_over",
            "account": ACCOUNT,
            "conversation": "c1",
            "note": "Wants a refund.",
            "at_ms": 1000,
        }
    ]


async def test_a_listener_that_is_down_for_a_moment_is_told_later() -> None:
    async with listening(500, 503) as listener:
        with stamina.set_testing(True, attempts=5):
            async with Notifier(settings(notify_url=listener.url)) as notifier:
                notifier(EVENT)
                await notifier.told()
    assert len(listener.bodies) == 3
    assert notifier.failed == 0


async def test_what_nobody_takes_is_counted_and_stops_nothing() -> None:
    async with listening(*[500] * 5) as listener:
        with stamina.set_testing(True, attempts=5):
            async with Notifier(settings(notify_url=listener.url)) as notifier:
                notifier(EVENT)
                notifier(EVENT)
                await notifier.told()
    assert notifier.failed == 1
    assert len(listener.bodies) == 6


async def test_what_was_noted_is_told_before_the_notifier_ends() -> None:
    async with listening() as listener, Notifier(settings(notify_url=listener.url)) as notifier:
        notifier(EVENT)
        notifier(replace(EVENT, conversation="c2"))
    assert [body["conversation"] for body in listener.bodies] == ["c1", "c2"]
    assert notifier.failed == 0


async def test_what_is_not_told_when_the_last_seconds_are_over_is_counted_and_logged() -> None:
    asked, let_go = asyncio.Event(), asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await let_go.wait()
        writer.close()

    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    before = asyncio.all_tasks()
    async with hanging:
        url = f"http://127.0.0.1:{hanging.sockets[0].getsockname()[1]}/"
        with capture_logs() as logs:
            async with Notifier(
                settings(notify_url=url), lambda: 2_000, last_seconds=0
            ) as notifier:
                notifier(EVENT)
                await asked.wait()
                notifier(replace(EVENT, conversation="c2"))
                notifier(replace(EVENT, conversation="erased"))
                notifier.forget("erased")
        let_go.set()
    left = [line for line in logs if line["event"] == "hand_over_not_told"]
    assert [(line["conversation"], line["way"], line["reason"]) for line in left] == [
        (conversation, "ending", "the process ends") for conversation in ("c1", "c2")
    ]
    assert notifier.failed == 2
    assert not [one for one in asyncio.all_tasks() - before if one.get_name().startswith("notif")]


async def test_what_waits_to_be_told_of_an_erased_user_is_told_to_nobody() -> None:
    later = replace(EVENT, at_ms=3_000)
    async with listening(*[500] * 2) as listener:
        with stamina.set_testing(True, attempts=5):
            async with Notifier(settings(notify_url=listener.url), lambda: 2_000) as notifier:
                notifier(EVENT)
                await listener.heard.wait()
                notifier.forget("c1")
                tried = len(listener.bodies)
                notifier(replace(EVENT, conversation="c2"))
                notifier(later)
                await notifier.told()
    told = [(one["conversation"], one["at_ms"]) for one in listener.bodies[tried:]]
    assert ("c1", 1_000) not in told[1:], "one request may have been under way"
    assert {("c2", 1_000), ("c1", 3_000)} <= set(told)
    assert notifier.failed == 0


async def test_an_account_that_was_stopped_is_told_of_without_a_conversation() -> None:
    async with mail_server() as (address, mails):
        made = settings(notify_email="desk@example.org", smtp_url=address)
        async with Notifier(made) as notifier:
            notifier(replace(EVENT, conversation="", event="account_stopped"))
            await notifier.told()
    (mail,) = mails
    assert "the account was stopped" in mail
    assert "Conversation" not in mail


async def test_a_redirect_is_not_followed() -> None:
    async with listening(*[302] * 5) as listener:
        with stamina.set_testing(True, attempts=2):
            async with Notifier(settings(notify_url=listener.url)) as notifier:
                notifier(EVENT)
                await notifier.told()
    assert notifier.failed == 1


async def test_a_hand_over_is_mailed_with_its_note() -> None:
    async with mail_server() as (address, mails):
        made = settings(notify_email="desk@example.org", smtp_url=address)
        async with Notifier(made) as notifier:
            notifier(EVENT)
            await notifier.told()
    (mail,) = mails
    assert "To: desk@example.org" in mail
    assert "Muuseum" in mail
    assert "Wants a refund." in mail


async def test_mail_without_a_server_is_counted_as_not_told() -> None:
    with stamina.set_testing(True, attempts=1):
        async with Notifier(settings(notify_email="desk@example.org")) as notifier:
            notifier(EVENT)
            await notifier.told()
    assert notifier.failed == 1


async def test_an_account_that_wants_nobody_told_is_left_alone() -> None:
    async with Notifier(settings()) as notifier:
        notifier(EVENT)
        await notifier.told()
    assert notifier.failed == 0


async def test_a_mail_is_told_whatever_line_ends_and_broken_characters_its_texts_hold() -> None:
    async with mail_server() as (address, mails):
        one = Account(
            id=ACCOUNT,
            name="Muuseum\r\nBcc: x@example.org\ud800\x00",
            access_token=SecretStr("t"),
            notify_email="desk@example.org",
        )
        made = Settings(accounts=(one,), smtp_url=address, email_from="bot@example.org")
        async with Notifier(made) as notifier:
            notifier(replace(EVENT, note="Half a pair: \ud83d."))
            await notifier.told()
    (mail,) = mails
    parsed = message_from_string(mail, policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed["Subject"] == "Muuseum Bcc: x@example.org? : a conversation waits for a person"
    assert "Half a pair: ?." in parsed.get_content()
    assert notifier.failed == 0


async def test_a_posted_note_holds_no_half_of_a_pair() -> None:
    async with listening() as listener, Notifier(settings(notify_url=listener.url)) as notifier:
        notifier(replace(EVENT, note="Half a pair: \ud83d."))
        await notifier.told()
    assert [body["note"] for body in listener.bodies] == ["Half a pair: ?."]


async def test_a_mistake_of_any_kind_is_counted_once_and_the_next_is_told() -> None:
    broken = replace(EVENT, at_ms=cast(int, object()))  # cannot be written as JSON
    async with listening() as listener:
        made = settings(notify_url=listener.url)
        with stamina.set_testing(True, attempts=5), capture_logs() as logs:
            async with Notifier(made) as notifier:
                notifier(broken)
                notifier(EVENT)
                await notifier.told()
    assert notifier.failed == 1
    assert [body["at_ms"] for body in listener.bodies] == [1000]
    (failure,) = [line for line in logs if line["event"] == "hand_over_not_told"]
    assert (failure["way"], failure["error"]) == ("url", "TypeError")


async def test_what_is_logged_of_a_failure_names_no_address_and_no_text() -> None:
    with stamina.set_testing(True, attempts=1), capture_logs() as logs:
        async with Notifier(settings(notify_url="http://127.0.0.1:1/secret-key")) as notifier:
            notifier(EVENT)
            await notifier.told()
    (failure,) = [line for line in logs if line["event"] == "hand_over_not_told"]
    assert (failure["error"], failure["reason"]) == ("NotTold", "ClientConnectorError")
    assert "secret-key" not in str(logs)
    assert EVENT.note not in str(logs)


async def test_an_account_whose_listener_hangs_delays_no_other_account() -> None:
    let_go = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        writer.close()

    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with hanging, listening() as listener:
        dead = f"http://127.0.0.1:{hanging.sockets[0].getsockname()[1]}/"
        accounts = tuple(
            Account(id=key, access_token=SecretStr("t"), notify_url=url)
            for key, url in ((ACCOUNT, dead), (OTHER, listener.url))
        )
        with stamina.set_testing(True, attempts=1):
            async with Notifier(Settings(accounts=accounts)) as notifier:
                notifier(EVENT)
                notifier(replace(EVENT, account=OTHER))
                async with asyncio.timeout(5):
                    await listener.heard.wait()
                told = asyncio.create_task(notifier.told())
                assert await asyncio.wait({told}, timeout=0.05) == (set(), {told})
                let_go.set()
                await told
    assert notifier.failed == 1
    assert [body["account"] for body in listener.bodies] == [OTHER]


async def test_an_account_with_too_many_waiting_does_not_fill_another_s_queue() -> None:
    async with listening() as listener:
        accounts = tuple(
            Account(id=key, access_token=SecretStr("t"), notify_url=listener.url)
            for key in (ACCOUNT, OTHER)
        )
        with capture_logs() as logs:
            async with Notifier(Settings(accounts=accounts), last_seconds=0) as notifier:
                for _ in range(501):
                    notifier(EVENT)
                notifier(replace(EVENT, account=OTHER))
                assert notifier.failed == 1
                await listener.heard.wait()
    refused = [line["account"] for line in logs if line.get("way") == "too_many"]
    assert refused == [ACCOUNT]


async def test_every_account_s_task_has_ended_when_the_notifier_is_closed() -> None:
    accounts = tuple(
        Account(id=key, access_token=SecretStr("t"), notify_email="desk@example.org")
        for key in (ACCOUNT, OTHER)
    )
    before = asyncio.all_tasks()
    async with Notifier(Settings(accounts=accounts)):
        assert len(asyncio.all_tasks() - before) == 2
    assert asyncio.all_tasks() == before


async def test_a_budget_that_is_used_up_is_told_with_what_was_spent() -> None:
    notice = BudgetNotice(
        account=ACCOUNT,
        day="2026-03-14",
        stage=Stage.SPENT,
        spent=Spent(calls=9, tokens=1_200_000, cost_nano=5_020_000_000),
        budget=Budget(cost_nano=5_000_000_000, tokens=2_000_000),
        at_ms=1000,
    )
    async with listening() as listener, mail_server() as (smtp, mails):
        configured = settings(
            notify_url=listener.url, notify_email="people@example.org", smtp_url=smtp
        )
        async with Notifier(configured) as notifier:
            notifier.budget(notice)
            await notifier.told()
    spent = "5.02 of 5.00 USD, 1,200,000 of 2,000,000 tokens"
    assert listener.bodies == [
        {
            "event": "daily_budget",
            "account": ACCOUNT,
            "day": "2026-03-14",
            "percent": 100,
            "spent": spent,
            "at_ms": 1000,
        }
    ]
    mail = message_from_string(mails[0], policy=policy.default)
    assert mail["Subject"] == "Muuseum: the daily budget for models is used up"
    assert spent in mail.get_content()
