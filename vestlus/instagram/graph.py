"""The part of the Graph API that answering direct messages needs, for Instagram Login.

Meta, "Send messages (Instagram API with Instagram Login)", "Conversations API", "Sender actions"
and "Webhooks: setup".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import quote

from vestlus.errors import GraphError, NotSent, OutcomeUnknown, Refused, TokenRejected
from vestlus.instagram.graph_errors import classify
from vestlus.instagram.graph_http import TIMEOUT_SECONDS, Answer, GraphHttp
from vestlus.instagram.json_values import Json, Malformed, ident, moment, record, text
from vestlus.instagram.port import RecentMessage
from vestlus.instagram.usage import Usage, parse_usage

#: Meta, "Send messages": text is UTF-8 of at most 1000 bytes.
MAX_TEXT_BYTES: Final = 1000

#: Meta, "Conversations API": details are given for the newest 20 messages only.
MAX_RECENT: Final = 20

SenderAction = Literal["typing_on", "typing_off", "mark_seen"]

#: What a header can carry: visible ASCII.
_TOKEN_FORM: Final = re.compile(r"[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Me:
    """Whose token it is. ``user_id`` is the webhook's ``entry.id``; ``id`` is scoped to the app."""

    id: str
    user_id: str
    username: str


def _ignore_usage(account: str, usage: Usage) -> None:
    """Nobody wants to know."""


class GraphClient:
    """Calls the Graph API for accounts, over one session. ``async with`` opens and closes it.

    ``base_url`` ends with the API's version. ``token_of`` gives an account's access token at the
    moment of each request, so that a refreshed one is used at once, and raises LookupError where
    there is none. ``on_usage`` gets each answer's usage headers.

    Every method raises the GraphError family and repeats nothing by itself. For what sends,
    ``OutcomeUnknown`` means that request bytes were written and no usable answer came. What only
    reads does nothing at Instagram: it raises ``NotSent`` for whatever may be asked again.
    """

    def __init__(
        self,
        base_url: str,
        token_of: Callable[[str], str],
        *,
        timeout: float = TIMEOUT_SECONDS,
        on_usage: Callable[[str, Usage], None] = _ignore_usage,
    ) -> None:
        self._http = GraphHttp(base_url, timeout=timeout)
        self._token_of = token_of
        self._on_usage = on_usage

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

    async def send_text(self, account: str, user: str, text: str) -> str:
        """Sends at most 1000 bytes of UTF-8; returns Graph's ``message_id``.

        A success that names no message is OutcomeUnknown.
        """
        _check_text(text)
        content = await self._write(account, user, {"message": {"text": text}})
        mid = content.get("message_id") if isinstance(content, dict) else None
        if not isinstance(mid, str) or not mid:
            raise OutcomeUnknown("no_message_id")
        return mid

    async def sender_action(self, account: str, user: str, action: SenderAction) -> None:
        """Shows the user that somebody is typing, has stopped, or has seen the message."""
        await self._write(account, user, {"sender_action": action})

    async def recent_messages(self, account: str, user: str) -> tuple[RecentMessage, ...]:
        """The newest messages of the conversation, at most 20, newest first. Makes two calls.

        Nothing is left out silently: a list that cannot be read in full raises NotSent, since a
        message that is missing here is taken as not sent.
        """
        query = {"platform": "instagram", "user_id": user}
        found = await self._read(account, f"{_quoted(account)}/conversations", query)
        try:
            conversations = _listed(found)
            if not conversations:
                return ()
            conversation = _given(record(conversations[0]).get("id"))
            fields = {"fields": "messages{id,created_time,from,to,message}"}
            content = await self._read(account, _quoted(conversation), fields)
            listed = _listed(_object(content).get("messages"))
            messages = [_recent(one) for one in listed]
        except Malformed:
            raise NotSent("answer_malformed") from None
        # Moments are whole seconds: within one, Graph's own order, newest first, is kept.
        messages.sort(key=lambda message: -message.created_ms)
        return tuple(messages[:MAX_RECENT])

    async def me(self, account: str) -> Me:
        """Whose token this account's token is."""
        content = await self._read(account, "me", {"fields": "id,user_id,username"})
        try:
            body = _object(content)
            return Me(
                id=_given(body.get("id")),
                user_id=_given(body.get("user_id")),
                username=text(body.get("username")) or "",
            )
        except Malformed:
            raise NotSent("answer_malformed") from None

    async def subscribed_apps(self, account: str) -> tuple[str, ...]:
        """The webhook fields that the token's app is subscribed to for this account, sorted."""
        content = await self._read(account, f"{_quoted(account)}/subscribed_apps")
        try:
            fields = {name for app in _listed(content) for name in _subscribed(app)}
        except Malformed:
            raise NotSent("answer_malformed") from None
        return tuple(sorted(fields))

    async def _write(self, account: str, user: str, body: dict[str, object]) -> object:
        path = f"{_quoted(account)}/messages"
        body = {"recipient": {"id": user}, **body}
        answer = await self._http.request("POST", path, self._token(account), body=body)
        return self._content(account, answer)

    async def _read(
        self, account: str, path: str, query: Mapping[str, str] | None = None
    ) -> object:
        try:
            answer = await self._http.request("GET", path, self._token(account), query=query)
            content = self._content(account, answer)
        except OutcomeUnknown as error:
            raise NotSent(error.reason, error.code, error.subcode) from None
        if content is None:
            raise NotSent("answer_malformed")
        return content

    def _content(self, account: str, answer: Answer) -> object:
        self._on_usage(account, parse_usage(answer.headers))
        failed = isinstance(answer.content, dict) and "error" in answer.content
        if failed or not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            error: GraphError = classify(answer.status, answer.content, answer.headers)
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


def _check_text(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Refused("text_not_unicode") from None
    if not 0 < size <= MAX_TEXT_BYTES:
        raise Refused("text_too_long" if size else "text_empty")


def _quoted(node: str) -> str:
    """An id as one segment of a path, whatever is in it."""
    if not node or set(node) == {"."} or not node.isascii():
        raise Refused("bad_node_id")
    return quote(node, safe="")


def _object(content: object) -> dict[str, Json]:
    if not isinstance(content, dict):
        raise Malformed
    return content


def _listed(content: object) -> list[Json]:
    """The items of one of Graph's lists, ``{"data": […]}``."""
    data = _object(content).get("data")
    if not isinstance(data, list):
        raise Malformed
    return data


def _given(value: Json) -> str:
    found = ident(value)
    if found is None:
        raise Malformed
    return found


def _subscribed(app: Json) -> list[str]:
    named = record(app).get("subscribed_fields")
    if named is None:
        return []
    if not isinstance(named, list):
        raise Malformed
    return [_given(name) for name in named]


def _recent(value: Json) -> RecentMessage:
    body = _object(value)
    created_ms = moment(body.get("created_time"))
    if created_ms is None:
        raise Malformed
    return RecentMessage(
        mid=_given(body.get("id")),
        sender=_given(record(body.get("from")).get("id")),
        text=text(body.get("message")) or "",
        created_ms=created_ms,
    )
