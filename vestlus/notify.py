"""Tells people that a user waits for one of them, and other things: by a POST, and by e-mail.

Best effort, with retries: what could not be told is still to be seen in the store, where every
conversation that waits for a person says since when (``vestlus conversations list --waiting``).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.message import EmailMessage
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiohttp
import aiosmtplib
import stamina
import structlog

from vestlus.accounts.budgets import BudgetNotice
from vestlus.clock import Clock, system_clock
from vestlus.errors import RejectedError
from vestlus.hosting.turn_parts import HandedOver
from vestlus.log_errors import error_fields
from vestlus.notices import Notice, encodable, of_budget, of_hand_over
from vestlus.settings import Settings
from vestlus.settings_account import Account

_log = structlog.get_logger(__name__)

#: Notices for one account that wait to be told. More at once is an outage of the model, and one
#: mail says it.
_MOST_WAITING: Final = 500

#: Conversations of erased users of which that is remembered: what waits is told within minutes.
_MOST_FORGOTTEN: Final = 1_000

_TIMEOUT_SECONDS: Final = 10.0
_ATTEMPTS: Final = 5
_PATIENCE_SECONDS: Final = 60.0

#: How long ending waits for what is still to be told; a listener that hangs holds it up no longer.
LAST_SECONDS: Final = 3.0


class NotTold(RejectedError):
    """Whoever was to be told did not take the message; trying again may help."""


class Notifier:
    """Tells of hand-overs and budgets in the background. ``async with`` runs it.

    One after the other within an account; no account waits for another's listener. Whatever goes
    wrong with one is counted and logged, and the next is told. What is told holds the
    conversation's id and the note for the person who takes over, and no user id.

    Ending tells what was noted before, for ``last_seconds`` at most; what is left then is counted
    and logged.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock = system_clock,
        *,
        last_seconds: float = LAST_SECONDS,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._last_seconds = last_seconds
        self._accounts = {
            one.id: one for one in settings.accounts if one.notify_url or one.notify_email
        }
        self._waiting: dict[str, asyncio.Queue[Notice]] = {
            account: asyncio.Queue(_MOST_WAITING) for account in self._accounts
        }
        self._session: aiohttp.ClientSession | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        #: By conversation, until when what was noted of it is told to nobody; the oldest first.
        self._forgotten: OrderedDict[str, int] = OrderedDict()
        #: What could not be told, since the start.
        self.failed = 0

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout)
        self._tasks = tuple(
            asyncio.create_task(self._run(account, self._waiting[name]), name=f"notifier-{name}")
            for name, account in self._accounts.items()
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._last_seconds):
                    await self.told()
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            self._give_up_the_rest()
            if self._session is not None:
                await self._session.close()

    def __call__(self, handed_over: HandedOver) -> None:
        """Notes that people are to be told; returns at once."""
        notice = of_hand_over(handed_over)
        _log.info(handed_over.event, **notice.about)
        self._note(notice)

    def budget(self, notice: BudgetNotice) -> None:
        """The same, of a budget that is used up, or nearly."""
        self._note(of_budget(notice, self._settings.prices.currency))

    def _note(self, notice: Notice) -> None:
        waiting = self._waiting.get(notice.account)
        if waiting is None:
            return
        try:
            waiting.put_nowait(notice)
        except asyncio.QueueFull as error:
            self._not_told(notice, "too_many", error)

    def forget(self, conversation: str) -> None:
        """The user was erased: what waits to be told of them is not told any more. What was handed
        to a mail server, or to somebody's program, cannot be called back.
        """
        self._forgotten[conversation] = self._clock()
        while len(self._forgotten) > _MOST_FORGOTTEN:
            self._forgotten.popitem(last=False)

    def _is_forgotten(self, notice: Notice) -> bool:
        until_ms = self._forgotten.get(notice.conversation)
        return until_ms is not None and notice.at_ms <= until_ms

    async def told(self) -> None:
        """Waits until everything that was noted so far is told or given up."""
        for waiting in self._waiting.values():
            await waiting.join()

    async def _run(self, account: Account, waiting: asyncio.Queue[Notice]) -> None:
        while True:
            notice = await waiting.get()
            try:
                await self._tell(account, notice)
            except asyncio.CancelledError:
                self._not_told_in_time(notice)
                raise
            finally:
                waiting.task_done()

    def _give_up_the_rest(self) -> None:
        for waiting in self._waiting.values():
            while not waiting.empty():
                self._not_told_in_time(waiting.get_nowait())

    def _not_told_in_time(self, notice: Notice) -> None:
        """The process ends. Of a request that was under way it is not known what became of it."""
        if not self._is_forgotten(notice):
            self._not_told(notice, "ending", NotTold("the process ends"))

    async def _tell(self, account: Account, notice: Notice) -> None:
        ways: dict[str, Callable[[Account, Notice], Awaitable[None]]] = {}
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
                        if not self._is_forgotten(notice):
                            await way(account, notice)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the next is told
                self._not_told(notice, name, error)

    async def _post(self, account: Account, notice: Notice) -> None:
        assert self._session is not None  # noqa: S101 - opened before the task that calls this
        try:
            async with self._session.post(
                account.notify_url or "", json=notice.body, allow_redirects=False
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotTold(type(error).__name__) from None  # its message holds the address
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise NotTold(f"status {status}")

    async def _mail(self, account: Account, notice: Notice) -> None:
        if self._settings.smtp_url is None:
            raise NotTold("VESTLUS_SMTP_URL is not set")
        message = self._message(account, notice)
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

    def _message(self, account: Account, notice: Notice) -> EmailMessage:
        to = account.notify_email or ""
        message = EmailMessage()
        message["Subject"] = _line(f"{account.name or account.id}: {notice.subject}")
        message["From"] = _line(self._settings.email_from or to)
        message["To"] = _line(to)
        message.set_content(notice.text)
        return message

    def _not_told(self, notice: Notice, way: str, error: Exception) -> None:
        self.failed += 1
        _log.error(
            f"{notice.name}_not_told",
            way=way,
            **error_fields(error),
            **notice.about,
        )


def _line(text: str) -> str:
    """The text as a header's value, which may hold no line ends or other control characters."""
    kept = "".join(char if char.isprintable() else " " for char in encodable(text))
    return " ".join(kept.split())
