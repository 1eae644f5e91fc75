"""`POST /{account}/messages`: what Meta checks, and what it then does."""

import asyncio
from dataclasses import dataclass

from vestlus.simulator import graph_errors
from vestlus.simulator.faults import Fault, FaultPlan
from vestlus.simulator.graph_rate import RateMeter
from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.media import TYPES, MediaStore
from vestlus.simulator.records import Attachment
from vestlus.simulator.state import State
from vestlus.simulator.tasks import TaskGroup
from vestlus.simulator.webhooks import WebhookSender

# Send Messages (Instagram Login).
TEXT_BYTES = 1000
MOST_IMAGES = 10
WINDOW_MS = 24 * 3600 * 1000
HUMAN_AGENT_WINDOW_MS = 7 * WINDOW_MS
ACTIONS = ("typing_on", "typing_off", "mark_seen", "react", "unreact")


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


def check_shape(body: JsonObject) -> tuple[str, str | None, JsonObject]:
    """Return recipient, action and message of a send.

    Raises:
        GraphError: If there is no recipient id, or not exactly one of action and message.

    """
    recipient = body.get("recipient")
    user = recipient.get("id") if isinstance(recipient, dict) else None
    if not isinstance(user, str) or not user:
        raise graph_errors.bad_parameter(name="recipient")
    action, message = body.get("sender_action"), body.get("message")
    if action is not None and message is not None:
        raise graph_errors.action_with_message()
    if action is not None:
        if action not in ACTIONS:
            raise graph_errors.bad_parameter(name="sender_action")
        return user, str(action), {}
    if not isinstance(message, dict):
        raise graph_errors.bad_parameter(name="message")
    return user, None, message


def message_text(message: JsonObject) -> str | None:
    """Return the text of a message, or None if it has none.

    Raises:
        GraphError: If the text is empty or over 1000 bytes of UTF-8.

    """
    text = message.get("text")
    if text is None:
        return None
    if not isinstance(text, str) or not text.strip():
        raise graph_errors.invalid_message()
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise graph_errors.invalid_message() from error
    if size > TEXT_BYTES:
        raise graph_errors.invalid_message()
    return text


def message_media(message: JsonObject) -> list[tuple[str, str]]:
    """Return type and address of each attachment of a message.

    `attachment` is one object; `attachments` is a list of up to ten pictures, or one object as in
    a sample of Meta's page.

    Raises:
        GraphError: If the shape is another.

    """
    given: Json = message.get("attachments", message.get("attachment"))
    if given is None:
        return []
    items = given if isinstance(given, list) else [given]
    found: list[tuple[str, str]] = []
    for item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        content = item.get("payload") if isinstance(item, dict) else None
        url = content.get("url") if isinstance(content, dict) else None
        if not isinstance(kind, str) or kind not in TYPES or not isinstance(url, str):
            raise graph_errors.invalid_message()
        if not url.startswith(("http://", "https://")):
            raise graph_errors.media_unreachable()
        found.append((kind, url))
    several = len(found) > 1
    if not found or len(found) > MOST_IMAGES or (several and {k for k, _ in found} != {"image"}):
        raise graph_errors.invalid_message()
    return found


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
        self._state = state
        self._webhooks = webhooks
        self._media = media
        self._meter = meter
        self._faults = faults
        self._tasks = tasks

    async def send(self, account: str, body: JsonObject) -> JsonObject:
        """Handle one call.

        Raises:
            GraphError: If Meta would refuse it, or an injected fault says so.
            CutConnection: If an injected fault says so.

        """
        recipient = body.get("recipient")
        named = recipient.get("id") if isinstance(recipient, dict) else None
        op = "action" if body.get("sender_action") is not None else "send"
        fault = self._faults.draw(op, account, named if isinstance(named, str) else None)
        await fail_before(fault)
        if not self._meter.admit(account, op):
            raise graph_errors.throttled()
        draft = await self._check(account, body)
        kind = fault.kind if fault else None
        if fault is not None and kind == "late":
            self._tasks.start(self._apply_later(draft, fault.seconds))
            raise CutConnection
        result = self._apply(draft)
        if kind == "apply":
            raise graph_errors.unknown_error()
        if kind == "drop":
            raise CutConnection
        return result

    async def _check(self, account: str, body: JsonObject) -> Draft:
        user, action, message = check_shape(body)
        self._check_recipient(account, user, body.get("tag") == "HUMAN_AGENT")
        if action is not None:
            return Draft(account, user, action, None, (), None)
        text, media = message_text(message), message_media(message)
        # Text and media cannot share a message; a template needs neither, and is not simulated.
        if (text is None) == (not media):
            raise graph_errors.invalid_message()
        attachments = [await self._media.fetch(kind, url) for kind, url in media]
        reply_to = body.get("reply_to")
        mid = reply_to.get("mid") if isinstance(reply_to, dict) else None
        return Draft(
            account,
            user,
            None,
            text,
            tuple(attachments),
            mid if isinstance(mid, str) else None,
        )

    def _check_recipient(self, account: str, user: str, human_agent: bool) -> None:  # noqa: FBT001
        thread = self._state.threads.get((account, user))
        if thread is None or thread.last_user_ms is None:
            raise graph_errors.no_user()
        window = HUMAN_AGENT_WINDOW_MS if human_agent else WINDOW_MS
        if self._state.clock() * 1000 - thread.last_user_ms > window:
            raise graph_errors.outside_window()

    def _apply(self, draft: Draft) -> JsonObject:
        account, user = draft.account, draft.user
        if draft.action is not None:
            if draft.action.startswith("typing"):
                self._state.set_typing(account, user, on=draft.action == "typing_on")
            elif draft.action == "mark_seen":
                self._state.mark_seen(account, user)
            return {"recipient_id": user}
        message = self._state.add_message(
            account=account,
            user=user,
            direction="out",
            author="api",
            text=draft.text,
            attachments=draft.attachments,
            reply_to=draft.reply_to,
        )
        self._webhooks.send_echo(message)
        return {"recipient_id": user, "message_id": message.mid}

    async def _apply_later(self, draft: Draft, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._apply(draft)


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
