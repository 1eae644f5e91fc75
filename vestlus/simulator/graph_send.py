"""`POST /{account}/messages`: what Meta checks, and what it then does."""

import asyncio
import math
import unicodedata
from dataclasses import dataclass

from vestlus.simulator import graph_errors
from vestlus.simulator.answer_times import AnswerTimes
from vestlus.simulator.faults import Fault, FaultPlan
from vestlus.simulator.graph_message import (
    HUMAN_AGENT,
    MediaItem,
    check_shape,
    message_media,
    message_tag,
    message_text,
    upload_media,
)
from vestlus.simulator.graph_rate import RateMeter, Started
from vestlus.simulator.jsontypes import JsonObject
from vestlus.simulator.media import MediaStore
from vestlus.simulator.records import Attachment, Message
from vestlus.simulator.state import State
from vestlus.simulator.tasks import TaskGroup
from vestlus.simulator.webhooks import WebhookSender

WINDOW_MS = 24 * 3600 * 1000
HUMAN_AGENT_WINDOW_MS = 7 * WINDOW_MS


class CutConnection(Exception):
    """The connection is to be cut without a response."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A send that passed every check: either an action or a message."""

    account: str
    user: str
    action: str | None
    text: str | None
    attachments: tuple[Attachment, ...]
    reply_to: str | None
    tag: str | None
    started: Started


class GarbageAnswer(Exception):
    """200 is to be answered, with a body that is not JSON."""


class SendApi:
    """Checks a send as Meta does, does it, and misbehaves as told.

    Order of the checks: injected faults that do nothing, rate, shape, recipient, window, text,
    media. A message is stored, and its echo queued, only if all pass.
    """

    def __init__(
        self,
        state: State,
        webhooks: WebhookSender,
        media: MediaStore,
        *,
        meter: RateMeter,
        faults: FaultPlan,
        tasks: TaskGroup,
    ) -> None:
        # By which faults spare what is sent again; the model tells it what it gives.
        self.times = AnswerTimes()
        self._state = state
        self._webhooks = webhooks
        self._media = media
        self._meter = meter
        self._faults = faults
        self._tasks = tasks

    async def send(self, account: str, body: JsonObject, started: Started) -> JsonObject:
        """Handle one call.

        Raises:
            GraphError: If Meta would refuse it, or an injected fault says so.
            CutConnection, GarbageAnswer: If an injected fault says so.

        """
        op = "action" if body.get("sender_action") is not None else "send"
        fault = await self._admit(op, account, body, started)
        draft = await self._check(account, body, started)
        kind = fault.kind if fault else None
        if fault is not None and kind == "late":
            self._tasks.start(self._apply_later(draft, fault.seconds))
            raise CutConnection
        result = await self._apply(draft)
        if kind == "apply":
            raise graph_errors.unknown_error()
        if kind == "drop":
            raise CutConnection
        fail_after(fault)
        return result

    async def upload(self, account: str, body: JsonObject, started: Started) -> JsonObject:
        """Handle `POST /{account}/message_attachments`: keep a picture or file for later sends.

        Raises:
            GraphError, CutConnection, GarbageAnswer: As `send` does; `late` does as `drop`.

        """
        fault = await self._admit("upload", account, body, started)
        item = upload_media(body)
        attachment = await self._media.fetch(item.kind, str(item.url))
        result: JsonObject = {"attachment_id": self._state.keep_upload(account, attachment)}
        if fault is not None and fault.kind == "apply":
            raise graph_errors.unknown_error()
        if fault is not None and fault.kind in {"drop", "late"}:
            raise CutConnection
        fail_after(fault)
        return result

    async def _admit(
        self, op: str, account: str, body: JsonObject, started: Started
    ) -> Fault | None:
        recipient = body.get("recipient")
        named = recipient.get("id") if isinstance(recipient, dict) else None
        user = named if isinstance(named, str) else None
        age = self._age_seconds(account, user, body) if user is not None else 0.0
        fault = self._faults.draw(op, account, user, body=body, age_seconds=age)
        await fail_before(fault)
        if self._meter.used_up(account):
            raise graph_errors.used_up()
        if not self._meter.admit(account, op, started.arrived):
            raise graph_errors.throttled()
        return fault

    def _age_seconds(self, account: str, user: str, body: JsonObject) -> float:
        """Return how long ago the model gave an answer, or else the user wrote last; infinity for
        a user who never did.
        """
        message = body.get("message")
        text = message.get("text") if isinstance(message, dict) else None
        given = self.times.of(text if isinstance(text, str) else None)
        if given is not None:
            return self._state.clock() - given
        thread = self._state.threads.get((account, user))
        if thread is None or thread.last_user_ms is None:
            return math.inf
        return self._state.clock() - thread.last_user_ms / 1000

    async def _check(self, account: str, body: JsonObject, started: Started) -> Draft:
        user, action, message = check_shape(body)
        tag = message_tag(body)
        try:
            self._check_recipient(account, user, tag)
        except graph_errors.GraphError as error:
            if action is None and error.code == graph_errors.WINDOW_CODE:
                self._state.note_refusal(account, user)
            raise
        if action is not None:
            return Draft(account, user, action, None, (), None, tag, started)
        text, media = message_text(message), message_media(message)
        # A template needs neither text nor media, and is not simulated.
        if text is None and not media:
            raise graph_errors.invalid_message()
        attachments = [await self._fetch(account, item) for item in media]
        reply_to = body.get("reply_to")
        mid = reply_to.get("mid") if isinstance(reply_to, dict) else None
        answered = mid if isinstance(mid, str) else None
        return Draft(account, user, None, text, tuple(attachments), answered, tag, started)

    async def _fetch(self, account: str, item: MediaItem) -> Attachment:
        if item.url is not None:
            return await self._media.fetch(item.kind, item.url)
        kept = self._state.uploads.get((account, item.upload or ""))
        if kept is None:
            raise graph_errors.no_upload()
        if kept.type != item.kind:
            raise graph_errors.media_type()
        return kept

    def _check_recipient(self, account: str, user: str, tag: str | None) -> None:
        thread = self._state.threads.get((account, user))
        if thread is None or thread.last_user_ms is None:
            raise graph_errors.no_user()
        window = HUMAN_AGENT_WINDOW_MS if tag == HUMAN_AGENT else WINDOW_MS
        if self._state.clock() * 1000 - thread.last_user_ms > window:
            raise graph_errors.outside_window()

    async def _apply(self, draft: Draft) -> JsonObject:
        account, user = draft.account, draft.user
        if draft.action is not None:
            if draft.action.startswith("typing"):
                self._state.set_typing(account, user, on=draft.action == "typing_on")
            elif draft.action == "mark_seen":
                self._state.mark_seen(account, user)
            return {"recipient_id": user}
        # Text and media share no message on Instagram: together they are two.
        parts: list[tuple[str | None, tuple[Attachment, ...]]] = []
        if draft.text is not None:
            parts.append((draft.text, ()))
        if draft.attachments:
            parts.append((None, draft.attachments))
        messages = [self._add(draft, text, attachments) for text, attachments in parts]
        echoed = [message for message in messages if self._webhooks.send_echo(message)]
        if self._webhooks.settings.echo_first:
            for message in echoed:
                await self._webhooks.until_echoed(message)
        return {"recipient_id": user, "message_id": messages[0].mid}

    def _add(self, draft: Draft, text: str | None, attachments: tuple[Attachment, ...]) -> Message:
        settings = self._webhooks.settings
        altered = text is not None and settings.echo_texts == "altered"
        return self._state.add_message(
            account=draft.account,
            user=draft.user,
            direction="out",
            author="api",
            text=text,
            attachments=attachments,
            reply_to=draft.reply_to,
            tag=draft.tag,
            started=draft.started[:2],
            another_mid=settings.echo_mids == "different",
            echo_text=altered_text(text) if text is not None and altered else None,
        )

    async def _apply_later(self, draft: Draft, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._apply(draft)


def altered_text(text: str) -> str:
    """Return a text as a platform might give it back: same words, other bytes.

    Letters are taken apart (NFD), and every run of white space is one space.
    """
    return unicodedata.normalize("NFD", " ".join(text.split()))


async def fail_before(fault: Fault | None) -> None:
    """Carry out the part of a fault that comes before anything is done.

    Raises:
        GraphError, CutConnection: As the fault says.

    """
    if fault is None:
        return
    if fault.kind in {"hang", "slow"}:
        await asyncio.sleep(fault.seconds)
    if fault.kind in {"hang", "refuse"}:
        raise CutConnection
    if fault.kind == "throttle":
        raise graph_errors.throttled()
    if fault.kind == "server_error":
        raise graph_errors.temporary_error()
    if fault.error is not None and not fault.error.done:
        raise graph_errors.injected(fault.error)


def fail_after(fault: Fault | None) -> None:
    """Answer with an error, or nonsense, although everything was done, if the fault says so.

    Raises:
        GraphError, GarbageAnswer: As the fault says.

    """
    if fault is not None and fault.kind == "garbage":
        raise GarbageAnswer
    if fault is not None and fault.error is not None:
        raise graph_errors.injected(fault.error)
