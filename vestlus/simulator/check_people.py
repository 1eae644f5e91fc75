"""When a person of the account had a conversation, and what the service did meanwhile."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vestlus.simulator.graph_message import HUMAN_AGENT
from vestlus.simulator.records import Message, TakeOver


@dataclass(frozen=True, slots=True)
class Silence:
    """From the tick at which a person's echo was answered 200, or of a take-over, until the
    hand-back's.
    """

    begin: int
    begin_at: float
    end: float


def silences(
    conversation: Sequence[Message], take_overs: Sequence[TakeOver], hand_backs: Sequence[int]
) -> list[Silence]:
    """Return when the service had to be silent: for each message that a person wrote, and for
    each time that a person took over.
    """
    begins = [
        (message.echoed, message.echoed_at or 0.0)
        for message in conversation
        if message.author == "person" and message.echoed is not None
    ]
    begins += [(mark.tick, mark.at) for mark in take_overs]
    return [
        Silence(tick, at, min((end for end in hand_backs if end > tick), default=math.inf))
        for tick, at in begins
    ]


def left_to_person(message: Message, quiet: Sequence[Silence]) -> bool:
    """Tell whether an accepted message need not be answered by the service.

    So is what came before a person answered, and what came until the hand-back.
    """
    return message.accepted is not None and any(message.accepted < each.end for each in quiet)


def after_person(
    answers: Sequence[Message], quiet: Sequence[Silence], grace_seconds: float
) -> Iterator[tuple[Message, float]]:
    """Yield what the service began to send when it had to be silent, with the seconds into it.

    What bears the tag HUMAN_AGENT was written by a person, and sent through the API.
    """
    for answer in answers:
        if answer.started is None or answer.tag == HUMAN_AGENT:
            continue
        into = [each for each in quiet if each.begin < answer.started < each.end]
        if into:
            first = min(into, key=lambda each: each.begin)
            seconds = max(0.0, (answer.started_at or 0.0) - first.begin_at)
            if grace_seconds == 0 or seconds > grace_seconds:
                yield answer, seconds
