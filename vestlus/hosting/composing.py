"""An answer as what a turn commits: history, sends, and how the conversation stands afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from vestlus.conversation.events import Event
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.reply import Part, PicturePart, TextPart
from vestlus.conversation.splitting import split_text
from vestlus.conversation.window import window_end_ms, written_at_ms
from vestlus.hosting.mailbox import Mailbox
from vestlus.store.rows import EMERGENCY_FROM, MOST_SENDS, After, Kind, NewSend, TurnCommit

#: Meta, "Send Messages": at most ten pictures in one message.
MOST_PICTURES = 10

#: Picture ids kept per conversation: far more than anybody is sent.
_MOST_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Burst:
    """Unanswered messages that are answered together."""

    seqs: tuple[int, ...]
    #: In the order in which the user wrote them.
    events: tuple[Event, ...]
    #: The same as messages of the history.
    asked: tuple[HistoryMessage, ...]
    #: When each was taken in, in the same order; milliseconds since 1970.
    taken_in: tuple[int, ...]
    #: One message, heeded before others that came earlier and wait.
    ahead: bool = False
    #: The context of the turn that answers them, empty when it is not traced.
    traceparent: str = ""

    @property
    def asked_ms(self) -> int:
        """When the oldest message was durable, 0 where it is not known."""
        return min((event.durable_ms for event in self.events if event.durable_ms), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said, and what it makes of the conversation. Without parts nothing is said."""

    parts: tuple[Part, ...] = ()
    after: After = field(default_factory=After)
    #: Waits for a person's yes.
    draft: bool = False
    #: Says what somebody in danger can do; no stop cancels it.
    emergency: bool = False
    #: Changes how the conversation stands, and answers nothing.
    leaves_unanswered: bool = False
    #: The user has used up what the account allows them.
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Erase:
    """The user wants everything erased, and has said so twice. ``text`` is the last word."""

    text: str


@dataclass(frozen=True, slots=True)
class PutOff:
    """An erasure that is recorded, and that a person has to see to."""

    #: The confirmation code.
    code: str
    #: What the user is told of it: the code, or the address of its page.
    where: str


def written_ms(box: Mailbox, burst: Burst) -> int:
    """When the user last wrote, as far as it is known: in this burst or, where an old message is
    answered late, after it. Milliseconds since 1970; the window begins there.
    """
    written = (
        written_at_ms(event.timestamp_ms, taken_in, listed=event.missed is not None)
        for event, taken_in in zip(burst.events, burst.taken_in, strict=True)
    )
    return max(box.known.user_ms, *written)


def turn_of(box: Mailbox, burst: Burst, answer: Answer, *, version: int, now_ms: int) -> TurnCommit:
    """The commit of an answer to a burst. ``version`` is the one that the answer was made for."""
    if answer.leaves_unanswered:
        return TurnCommit(
            lease=box.lease,
            conversation=box.id,
            version=version,
            answered=(),
            history=(),
            sends=(),
            after=answer.after,
        )
    said = "\n\n".join(_in_history(part) for part in answer.parts)
    history = [replace(message, images=()) for message in burst.asked]
    if said:
        history.append(HistoryMessage(Role.ASSISTANT, said, now_ms))
    shown = tuple(part.picture for part in answer.parts if isinstance(part, PicturePart))
    after = answer.after
    if shown:
        seen = tuple(dict.fromkeys((*box.known.pictures, *shown)))[-_MOST_REMEMBERED:]
        after = replace(after, pictures=seen)
    return TurnCommit(
        lease=box.lease,
        conversation=box.id,
        version=version,
        answered=burst.seqs,
        history=tuple(history),
        sends=_sends(box, burst, answer, version=version),
        after=after,
    )


def with_prefix(parts: Sequence[Part], text: str) -> tuple[Part, ...]:
    """The parts with a paragraph put before them, in the first text where that comes first."""
    if not text:
        return tuple(parts)
    first = parts[0] if parts else None
    if isinstance(first, TextPart):
        return (TextPart(f"{text}\n\n{first.text}"), *parts[1:])
    return (TextPart(text), *parts)


def with_suffix(parts: Sequence[Part], text: str) -> tuple[Part, ...]:
    """The parts with a paragraph put after them."""
    if not text:
        return tuple(parts)
    last = parts[-1] if parts else None
    if isinstance(last, TextPart):
        return (*parts[:-1], TextPart(f"{last.text}\n\n{text}"))
    return (*parts, TextPart(text))


def _sends(box: Mailbox, burst: Burst, answer: Answer, *, version: int) -> tuple[NewSend, ...]:
    deadline_ms = window_end_ms(written_ms(box, burst))
    messages = tuple(_messages(answer.parts))
    first = EMERGENCY_FROM if answer.emergency else 0
    return tuple(
        NewSend(
            # The same turn always makes the same ids: a repeated commit writes nothing twice.
            id=f"{box.id}.{version}.{place}",
            account=box.account,
            user=box.user,
            conversation=box.id,
            position=version * MOST_SENDS + place,
            text=text,
            kind=Kind.PICTURES if pictures else Kind.TEXT,
            pictures=pictures,
            answers=tuple(event.mid for event in burst.events if event.mid),
            # At once, by whatever clock.
            due_ms=0,
            deadline_ms=deadline_ms,
            traceparent=burst.traceparent,
            turn=version,
            draft=answer.draft,
            asked_ms=burst.asked_ms if place == first + len(messages) - 1 else 0,
        )
        for place, (text, pictures) in enumerate(messages, first)
    )


def _messages(parts: Sequence[Part]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Texts of at most 1000 bytes, and pictures that follow each other together."""
    together: list[str] = []
    for part in parts:
        if isinstance(part, PicturePart):
            together.append(part.picture)
            if len(together) == MOST_PICTURES:
                yield "", tuple(together)
                together = []
            continue
        if together:
            yield "", tuple(together)
            together = []
        for piece in split_text(part.text):
            yield piece, ()
    if together:
        yield "", tuple(together)


def _in_history(part: Part) -> str:
    return part.text if isinstance(part, TextPart) else f"[picture {part.picture}]"
