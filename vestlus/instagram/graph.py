"""The Graph API for Instagram Login: the part that answering direct messages needs is here.

Meta, "Send messages (Instagram API with Instagram Login)", "Conversations API", "Sender actions"
and "Webhooks: setup".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, TypeVar

from vestlus.errors import GraphError, NotSent, OutcomeUnknown, TokenRejected
from vestlus.instagram.graph_answers import (
    MESSAGE_FIELDS,
    Me,
    read_attachment_id,
    read_conversation,
    read_me,
    read_messages,
    read_subscriptions,
    read_thread,
    read_threads,
)
from vestlus.instagram.graph_bodies import (
    Body,
    action_body,
    pictures_body,
    quoted,
    text_body,
    upload_body,
)
from vestlus.instagram.graph_errors import classify
from vestlus.instagram.graph_http import TIMEOUT_SECONDS, Answer, GraphHttp
from vestlus.instagram.graph_measures import GraphCall, named
from vestlus.instagram.graph_publishing import PublishingCalls
from vestlus.instagram.json_values import Malformed
from vestlus.instagram.port import (
    Gate,
    ListedMessage,
    PictureToSend,
    RecentMessages,
    SenderAction,
    ThreadPage,
)
from vestlus.instagram.usage import Usage, parse_usage
from vestlus.instagram.usage_told import UsageTold

#: Conversations asked for in one call. Meta documents 25 as the default and no maximum.
THREADS_AT_ONCE: Final = 50

#: What a header can carry: visible ASCII.
_TOKEN_FORM: Final = re.compile(r"[!-~]+", re.ASCII)

T = TypeVar("T")


def _ignore_usage(account: str, usage: Usage) -> None:
    """Nobody wants to know."""


def _ignore_rejection(account: str, token: str, reason: str) -> None:
    """Nobody wants to know."""


class GraphClient(PublishingCalls):
    """Calls the Graph API for accounts, over one session. ``async with`` opens and closes it.

    ``base_url`` ends with the API's version. ``token_of`` gives an account's access token at the
    moment of each request, so that a refreshed one is used at once, and raises LookupError where
    there is none. ``on_usage`` gets each answer's usage headers, if it bears any, ``on_rejected``
    the account, the token and the reason when Graph does not accept a token.

    Every method raises the GraphError family and repeats nothing by itself. For what sends,
    ``OutcomeUnknown`` means that request bytes were written and no usable answer came; its ``gate``
    is awaited right before they are, when there is a connection for them already. What only
    reads does nothing at Instagram: it raises ``NotSent`` for whatever may be asked again.
    """

    def __init__(
        self,
        base_url: str,
        token_of: Callable[[str], str],
        *,
        timeout: float = TIMEOUT_SECONDS,
        on_usage: Callable[[str, Usage], None] = _ignore_usage,
        on_rejected: Callable[[str, str, str], None] = _ignore_rejection,
    ) -> None:
        self._http = GraphHttp(base_url, timeout=timeout)
        self._token_of = token_of
        self._usage = UsageTold(on_usage)
        self._on_rejected = on_rejected

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def send_text(
        self,
        account: str,
        user: str,
        text: str,
        *,
        human_agent: bool = False,
        gate: Gate | None = None,
    ) -> str:
        """Sends at most 1000 bytes of UTF-8; returns Graph's ``message_id``.

        A success that names no message is OutcomeUnknown.
        """
        return await self._send(account, text_body(user, text, human_agent=human_agent), gate)

    async def send_pictures(
        self,
        account: str,
        user: str,
        pictures: Sequence[PictureToSend],
        *,
        human_agent: bool = False,
        gate: Gate | None = None,
    ) -> str:
        """Sends one to ten pictures as one message; returns Graph's ``message_id``.

        A success that names no message is OutcomeUnknown.
        """
        body = pictures_body(user, pictures, human_agent=human_agent)
        return await self._send(account, body, gate)

    async def upload_picture(self, account: str, url: str, *, gate: Gate | None = None) -> str:
        """Makes Meta fetch a picture and keep it for messages; returns its reusable id.

        Meta, "Attachment upload API": ids expire after 90 days. A success that names no id is
        OutcomeUnknown; nobody was written to.
        """
        content = await self._post(account, "message_attachments", upload_body(url), gate)
        found = read_attachment_id(content)
        if found is None:
            raise OutcomeUnknown("no_attachment_id")
        return found

    async def sender_action(
        self, account: str, user: str, action: SenderAction, *, gate: Gate | None = None
    ) -> None:
        """Shows the user that somebody is typing, has stopped, or has seen the message."""
        await self._post(account, "messages", action_body(user, action), gate)

    async def recent_messages(self, account: str, user: str) -> RecentMessages:
        """The newest messages of the conversation, at most 20, newest first. Makes two calls.

        Nothing is left out silently: a list that cannot be read in full raises NotSent, since a
        message that is missing here is taken as not sent.
        """
        query = {"platform": "instagram", "user_id": user}
        path = f"{quoted(account)}/conversations"
        conversation, told_ms = await self._read_dated(account, path, read_conversation, query)
        if conversation is None:
            return RecentMessages((), told_ms)
        fields = {"fields": MESSAGE_FIELDS}
        return RecentMessages(
            *await self._read_dated(account, quoted(conversation), read_messages, fields)
        )

    async def own_ids(self, account: str) -> frozenset[str]:
        """The account's ids: the webhooks', and the one that is scoped to the app.

        Which of them a listing bears is not documented.
        """
        me = await self.me(account)
        return frozenset({account, me.id, me.user_id})

    async def threads(self, account: str, after: str | None = None) -> ThreadPage:
        """One page of the account's conversations, the last updated first."""
        query = {
            "platform": "instagram",
            "fields": "id,updated_time",
            "limit": str(THREADS_AT_ONCE),
        }
        if after is not None:
            query["after"] = after
        return await self._read(account, f"{quoted(account)}/conversations", read_threads, query)

    async def thread_messages(self, account: str, thread: str) -> tuple[ListedMessage, ...]:
        """The newest messages of a conversation, at most 20, newest first."""
        return await self._read(account, quoted(thread), read_thread, {"fields": MESSAGE_FIELDS})

    async def me(self, account: str) -> Me:
        """Whose token this account's token is."""
        return await self._read(account, "me", read_me, {"fields": "id,user_id,username"})

    async def subscribed_apps(self, account: str) -> tuple[str, ...]:
        """The webhook fields that the token's app is subscribed to for this account, sorted."""
        return await self._read(account, f"{quoted(account)}/subscribed_apps", read_subscriptions)

    async def subscribe(self, account: str, fields: Collection[str]) -> None:
        """Subscribes the token's app to webhook fields of this account, in place of those before.

        Meta, "Webhooks setup": the app has to be live for them to come.
        """
        path, token = f"{quoted(account)}/subscribed_apps", self._token(account)
        query = {"subscribed_fields": ",".join(sorted(fields))}
        try:
            with GraphCall("subscribe", account):
                answer = await self._http.request("POST", path, token, query=query)
                self._content(account, token, answer)
        except OutcomeUnknown as error:  # nobody was written to: it may be asked again
            raise NotSent(error.reason, error.code, error.subcode) from None

    async def _send(self, account: str, body: Body, gate: Gate | None) -> str:
        content = await self._post(account, "messages", body, gate)
        mid = content.get("message_id") if isinstance(content, dict) else None
        if not isinstance(mid, str) or not mid:
            raise OutcomeUnknown("no_message_id")
        return mid

    async def _post(self, account: str, edge: str, body: Body, gate: Gate | None = None) -> object:
        path, token = f"{quoted(account)}/{edge}", self._token(account)
        with GraphCall("action" if "sender_action" in body else edge, account) as call:
            answer = await self._http.request("POST", path, token, body=body, gate=call.gate(gate))
            return self._content(account, token, answer)

    async def _read(
        self,
        account: str,
        path: str,
        read: Callable[[object], T],
        query: Mapping[str, str] | None = None,
    ) -> T:
        return (await self._read_dated(account, path, read, query))[0]

    async def _read_dated(
        self,
        account: str,
        path: str,
        read: Callable[[object], T],
        query: Mapping[str, str] | None = None,
    ) -> tuple[T, int | None]:
        """What was read, and when it was answered, by Meta's clock."""
        token = self._token(account)
        try:
            with GraphCall(named(read), account):
                answer = await self._http.request("GET", path, token, query=query)
                return read(self._content(account, token, answer)), answer.told_ms
        except OutcomeUnknown as error:
            raise NotSent(error.reason, error.code, error.subcode) from None
        except Malformed:
            raise NotSent("answer_malformed") from None

    def _content(self, account: str, token: str, answer: Answer) -> object:
        self._usage.note(account, parse_usage(answer.headers))
        failed = isinstance(answer.content, dict) and "error" in answer.content
        if failed or not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            error: GraphError = classify(answer.status, answer.content, answer.headers)
            if isinstance(error, TokenRejected):
                self._on_rejected(account, token, error.reason)
            raise error
        return answer.content

    def _token(self, account: str) -> str:
        try:
            token = self._token_of(account)
        except LookupError:
            raise TokenRejected("token_missing") from None
        if not _TOKEN_FORM.fullmatch(token):
            raise TokenRejected("token_malformed")
        return token
