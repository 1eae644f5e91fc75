"""What ``/api/v1/conversations`` takes and gives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import Field

from vestlus.console.operations import Shape
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, window_end_ms
from vestlus.desk.conversations import Handed
from vestlus.desk.looking import PAGE, place_word, silence_of
from vestlus.desk.moments import LAST_MS
from vestlus.desk.transcript_lines import Line
from vestlus.desk.transcripts import Transcript
from vestlus.desk.writing import Way, way_to_write
from vestlus.store.rows import Draft
from vestlus.store.talk_rows import Talk, TalkPage, Wanted

Account = Annotated[str | None, Field(max_length=64, description="Only those of this account.")]
Limit = Annotated[int, Field(ge=1, le=200, description="At most so many.")]


class ListQuery(Shape):
    """Which conversations, and from where on."""

    list: Wanted = Wanted.NEWEST
    account: Account = None
    closing_hours: float = Field(2.0, gt=0, le=24, description="For the list `closing`.")
    behind: str = Field("", max_length=64, description="The `next` of the page before.")
    limit: Limit = PAGE


class SearchBody(Shape):
    """What is looked for, and from where on."""

    q: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"\S",
        description="A user's number, an id, or words that were said.",
    )
    account: Account = None
    behind: str = Field("", max_length=64, description="The `next` of the page before.")
    limit: Limit = PAGE


class MessagesQuery(Shape):
    """Which part of a transcript."""

    before: int | None = Field(None, ge=0, lt=2**62, description="The `older` of the part before.")


class DraftsQuery(Shape):
    """How many drafts."""

    limit: Limit = PAGE


class ReplyBody(Shape):
    """What is written to the user."""

    text: str = Field(min_length=1, max_length=20_000)


class ApproveBody(Shape):
    """What is sent in place of a draft's own text, if anything is."""

    text: str | None = Field(None, max_length=20_000)


class ReadBody(Shape):
    """Up to when the user's messages were read: the `last_message_ms` that was seen."""

    until_ms: int | None = Field(None, ge=0, lt=2**62)


class ConversationShape(Shape):
    """How a conversation stands. Times are UTC, empty for none."""

    conversation: str
    account: str
    user: str
    language: str
    last_message_at: str
    last_message_ms: int
    #: Until when the bot may answer, and a person.
    window_closes_at: str
    person_may_write_until: str
    way: Way = Field(description="How a person's message would go out now.")
    waiting_since: str
    silence: str
    silent_until: str = Field(description="`for good` for a silence that only the user ends.")
    note: str
    unread: bool
    drafts: int
    failed: int

    @classmethod
    def of(cls, talk: Talk, now_ms: int) -> Self:
        """The shape of a conversation."""
        row, silence = talk.row, silence_of(talk.row, now_ms)
        return cls(
            conversation=row.id,
            account=row.account,
            user=row.user,
            language=row.language,
            last_message_at=at(row.user_ms),
            last_message_ms=row.user_ms,
            window_closes_at=at(window_end_ms(row.user_ms)) if row.user_ms else "",
            person_may_write_until=at(row.user_ms + HUMAN_AGENT_WINDOW_MS) if row.user_ms else "",
            way=way_to_write(row.user_ms, now_ms),
            waiting_since=at(row.waiting_ms),
            silence=str(silence),
            silent_until=at(row.silent_until_ms) if silence else "",
            note=row.note,
            unread=talk.unread,
            drafts=talk.drafts,
            failed=talk.failed,
        )


class ListShape(Shape):
    """A page of conversations."""

    conversations: tuple[ConversationShape, ...]
    next: str = Field(
        description="Given back as `behind`, it gives the next page; empty at the end."
    )
    looked_back_to: str = Field(description="For a search: how far back it went.")

    @classmethod
    def of(cls, page: TalkPage, now_ms: int) -> Self:
        """The shape of a page."""
        return cls(
            conversations=tuple(ConversationShape.of(one, now_ms) for one in page.talks),
            next=place_word(page.behind),
            looked_back_to=at(page.looked_ms),
        )


class AttachmentShape(Shape):
    """Something that came with a message. Its content is not given out."""

    type: str
    title: str


class LineShape(Shape):
    """One message, or one thing that happened."""

    id: str
    who: str = Field(description="`user`, `bot`, `person`, or `note` for what happened.")
    at: str
    text: str
    by: str = Field(description="The person's name, where the audit has it.")
    in_app: bool = Field(description="Written in the Instagram app.")
    state: str
    reason: str
    what: str
    attachments: tuple[AttachmentShape, ...]
    pictures: tuple[str, ...] = Field(description="Ids of the image bank's pictures.")
    turn: int | None
    edited: bool
    taken_back: bool
    reactions: tuple[str, ...]

    @classmethod
    def of(cls, line: Line) -> Self:
        """The shape of a line."""
        return cls(
            id=line.id,
            who=str(line.who),
            at=at(line.at_ms),
            text="" if line.taken_back else line.text,
            by=line.by,
            in_app=line.in_app,
            state=str(line.state),
            reason=line.reason,
            what=str(line.what),
            attachments=tuple(AttachmentShape(type=one.type, title=one.title) for one in line.came),
            pictures=line.bank_pictures,
            turn=line.turn,
            edited=line.edited,
            taken_back=line.taken_back,
            reactions=line.reactions,
        )


class TranscriptShape(Shape):
    """A part of a conversation, oldest message first."""

    conversation: ConversationShape
    messages: tuple[LineShape, ...]
    older: int | None = Field(description="Given back as `before`, it gives the part before.")
    taken_over_by: str

    @classmethod
    def of(cls, transcript: Transcript, now_ms: int) -> Self:
        """The shape of a part."""
        return cls(
            conversation=ConversationShape.of(transcript.talk, now_ms),
            messages=tuple(LineShape.of(one) for one in transcript.lines),
            older=transcript.older_ms or None,
            taken_over_by=transcript.holder.name if transcript.holder else "",
        )


class DraftShape(Shape):
    """A message that waits for a person's yes."""

    conversation: str
    turn: int
    account: str
    text: str
    pictures: tuple[str, ...]
    until: str

    @classmethod
    def of(cls, draft: Draft) -> Self:
        """The shape of a draft."""
        return cls(
            conversation=draft.conversation,
            turn=draft.turn,
            account=draft.account,
            text=draft.text,
            pictures=draft.pictures,
            until=at(draft.deadline_ms),
        )


class DraftsShape(Shape):
    """Drafts, nearest deadline first."""

    drafts: tuple[DraftShape, ...]


class HandedShape(Shape):
    """An act is handed in and done within moments."""

    conversation: str
    act: str = Field(description="The same for the same act handed in twice.")
    way: Way

    @classmethod
    def of(cls, handed: Handed) -> Self:
        """The shape of an act."""
        return cls(conversation=handed.conversation, act=handed.key, way=handed.way)


def at(at_ms: int) -> str:
    """A moment as programs read it, UTC; empty for none, ``for good`` for one that never comes."""
    if at_ms <= 0:
        return ""
    if at_ms > LAST_MS:
        return "for good"
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat().replace("+00:00", "Z")
