"""Dead letters that were deliveries: what of them may be published again. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from vestlus.conversation.events import Event, calls_for_answer
from vestlus.conversation.identity import partition_of
from vestlus.conversation.replaying import Refusal
from vestlus.conversation.window import window_end_ms, written_at_ms
from vestlus.errors import UndecodableMessage
from vestlus.messages import InboxMessage, decode_inbox, encode


@dataclass(frozen=True, slots=True)
class Republish:
    """Messages for inbox partitions, and how many events were left out as too late."""

    messages: tuple[tuple[int, bytes], ...]
    left_out: int = 0


def inbox_of(body: bytes) -> InboxMessage | None:
    """The inbox message that a delivery held, if it can be read."""
    try:
        return decode_inbox(body)
    except UndecodableMessage:
        return None


def republish(
    message: InboxMessage, partitions: int, user_ms: Callable[[str], int], now_ms: int
) -> Republish | Refusal:
    """How the events of a delivery are taken in once more. ``user_ms`` gives, for a conversation,
    when its user last wrote, 0 where that is not known.

    Event keys make what was recorded already harmless. What calls for an answer is left out once
    its user's window has closed; if nothing else is left, it is refused.
    """
    kept: dict[int, list[Event]] = {}
    left_out = 0
    for event in message.events:
        if calls_for_answer(event) and _is_too_late(event, message.at_ms, user_ms, now_ms):
            left_out += 1
            continue
        partition = partition_of(event.account, event.user or "", partitions)
        kept.setdefault(partition, []).append(event)
    if not kept:
        return Refusal.WINDOW_CLOSED if left_out else Refusal.ERASED
    messages = tuple(
        (partition, encode(replace(message, events=tuple(events))))
        for partition, events in sorted(kept.items())
    )
    return Republish(messages, left_out)


def _is_too_late(
    event: Event, taken_in_ms: int, user_ms: Callable[[str], int], now_ms: int
) -> bool:
    last = max(written_at_ms(event.timestamp_ms, taken_in_ms), user_ms(event.conversation or ""))
    return window_end_ms(last) <= now_ms
