"""Tells people that a user waits for one of them: by a POST, and by e-mail.

Best effort, with retries: what could not be told is still to be seen in the store, where every
conversation that waits for a person says since when (``vestlus conversations list --waiting``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiohttp
import aiosmtplib
import stamina
import structlog

from vestlus.errors import VestlusError
from vestlus.hosting.turns import HandedOver
from vestlus.settings import Settings
from vestlus.settings_account import Account

_log = structlog.get_logger(__name__)

#: Hand-overs that wait to be told. More at once is an outage of the model, and one mail says it.
_MOST_WAITING: Final = 500

_TIMEOUT_SECONDS: Final = 10.0
_ATTEMPTS: Final = 5
_PATIENCE_SECONDS: Final = 60.0


class NotTold(VestlusError):
    """Whoever was to be told did not take the message; trying again may help."""


class Notifier:
    """Tells of hand-overs, one after the other, in the background. ``async with`` runs it.

    What is told holds the conversation's id and the note for the person who takes over, and no
    user id.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: asyncio.Queue[HandedOver] = asyncio.Queue(_MOST_WAITING)
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        #: What could not be told, since the start.
        self.failed = 0

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout)
        self._task = asyncio.create_task(self._run(), name="notifier")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._session is not None:
            await self._session.close()

    def __call__(self, handed_over: HandedOver) -> None:
        """Notes that people are to be told; returns at once."""
        _log.info("handed_over", account=handed_over.account, conversation=handed_over.conversation)
        account = self._settings.account(handed_over.account)
        if account is None or not (account.notify_url or account.notify_email):
            return
        try:
            self._waiting.put_nowait(handed_over)
        except asyncio.QueueFull:
            self._not_told(handed_over, "too_many")

    async def told(self) -> None:
        """Waits until everything that was noted so far is told or given up."""
        await self._waiting.join()

    async def _run(self) -> None:
        while True:
            handed_over = await self._waiting.get()
            try:
                account = self._settings.account(handed_over.account)
                if account is not None:
                    await self._tell(account, handed_over)
            finally:
                self._waiting.task_done()

    async def _tell(self, account: Account, handed_over: HandedOver) -> None:
        ways: dict[str, Callable[[Account, HandedOver], Awaitable[None]]] = {}
        if account.notify_url:
            ways["url"] = self._post
        if account.notify_email:
            ways["email"] = self._mail
        for name, way in ways.items():
            try:
                async for attempt in stamina.retry_context(
                    on=NotTold, attempts=_ATTEMPTS, timeout=_PATIENCE_SECONDS
                ):
                    with attempt:
                        await way(account, handed_over)
            except NotTold:
                self._not_told(handed_over, name)

    async def _post(self, account: Account, handed_over: HandedOver) -> None:
        body = {
            "event": "handed_over",
            "account": handed_over.account,
            "conversation": handed_over.conversation,
            "note": handed_over.note,
            "at_ms": handed_over.at_ms,
        }
        assert self._session is not None  # noqa: S101 - opened before the task that calls this
        try:
            async with self._session.post(
                account.notify_url or "", json=body, allow_redirects=False
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotTold(type(error).__name__) from None  # its message holds the address
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise NotTold(f"status {status}")

    async def _mail(self, account: Account, handed_over: HandedOver) -> None:
        if self._settings.smtp_url is None:
            raise NotTold("VESTLUS_SMTP_URL is not set")
        message = EmailMessage()
        message["Subject"] = f"{account.name or account.id}: a conversation waits for a person"
        message["From"] = self._settings.email_from or account.notify_email
        message["To"] = account.notify_email
        message.set_content(f"{handed_over.note}\n\nConversation {handed_over.conversation}\n")
        address = urlsplit(self._settings.smtp_url)
        try:
            await aiosmtplib.send(
                message,
                hostname=address.hostname,
                port=address.port,
                username=unquote(address.username) if address.username else None,
                password=unquote(address.password) if address.password else None,
                use_tls=address.scheme == "smtps",
                timeout=_TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotTold(type(error).__name__) from None  # its message may hold addresses

    def _not_told(self, handed_over: HandedOver, way: str) -> None:
        self.failed += 1
        _log.error(
            "hand_over_not_told",
            way=way,
            account=handed_over.account,
            conversation=handed_over.conversation,
        )
