"""What people at the account's side do through us: events like those of Instagram, and recorded so.

They travel in the inbox of the user's partition, so that they have their place among the user's
messages, are durable, and are done once. A webhook never makes such an event.
"""

from __future__ import annotations

from enum import StrEnum

from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id


class Act(StrEnum):
    """What a person does; the ``action`` of the event."""

    #: The bot is silent from now on, as after a person's message.
    TAKE_OVER = "take_over"
    #: The bot answers again.
    HAND_BACK = "hand_back"
    #: The person writes ``text``.
    REPLY = "reply"
    #: The drafts of turn ``number`` are sent; with ``text``, that instead.
    APPROVE = "approve"
    #: The drafts of turn ``number`` are not sent.
    REJECT = "reject"
    #: The dead letter ``payload`` goes on its way again; with ``number`` 1 also if it may have
    #: been sent. ``text`` says who wishes it.
    REPLAY = "replay"


def operator_event(
    act: Act,
    *,
    account: str,
    user: str,
    identity: str,
    at_ms: int,
    text: str | None = None,
    turn: int | None = None,
    letter: str | None = None,
) -> Event:
    """The event of an act. ``identity`` tells acts apart: the same one twice is done once.

    ``turn`` is the act's ``number`` and ``letter`` its ``payload``: see :class:`Act`.
    """
    return Event(
        key=event_key(EventKind.OPERATOR, account, identity),
        kind=EventKind.OPERATOR,
        account=account,
        user=user,
        conversation=conversation_id(account, user),
        mid=None,
        timestamp_ms=at_ms,
        text=text,
        action=str(act),
        number=turn,
        payload=letter,
    )
