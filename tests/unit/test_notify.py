"""Telling people that a user waits for one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import stamina
from aiohttp import web
from pydantic import SecretStr

from vestlus.hosting.turns import HandedOver
from vestlus.notify import Notifier
from vestlus.settings import Settings
from vestlus.settings_account import Account

ACCOUNT = "17841400000000001"
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
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
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
