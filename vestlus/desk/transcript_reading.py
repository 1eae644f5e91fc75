"""What the tables keep of a conversation, put together to lines, each message once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from vestlus.conversation.events import Event, EventKind
from vestlus.conversation.history import Role
from vestlus.conversation.operating import Act
from vestlus.conversation.splitting import split_text
from vestlus.desk.transcript_lines import Came, Line, LineState, What, Who
from vestlus.store.ledger import SendState
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.rows import EventState, Origin, RecordedEvent
from vestlus.store.talk_rows import HistoryLine, Sending, TranscriptPart

_STATES: Final = {
    SendState.DRAFT: LineState.DRAFT,
    SendState.PENDING: LineState.QUEUED,
    SendState.SENDING: LineState.SENDING,
    SendState.LOOKING: LineState.LOOKING,
    SendState.SENT: LineState.SENT,
    SendState.DEAD: LineState.FAILED,
    SendState.UNKNOWN: LineState.UNKNOWN,
    SendState.CANCELLED: LineState.CANCELLED,
}
_WITH_REASON: Final = frozenset({LineState.FAILED, LineState.UNKNOWN, LineState.CANCELLED})

_NOTED: Final = {str(act): What(str(act)) for act in Act if act is not Act.REPLY}

#: Events of what a user said.
_USERS: Final = frozenset({EventKind.MESSAGE, EventKind.POSTBACK, EventKind.STANDBY})


class Reading:
    """One reading of a part."""

    def __init__(self, part: TranscriptPart, entries: Sequence[AuditEntry]) -> None:
        self._part = part
        #: By the key of the act's event.
        self._names = {one.detail: one.person for one in entries if one.detail}
        self._edited = {one.event.mid for one in part.about if one.event.kind is EventKind.EDIT}
        self._gone = {one.event.mid for one in part.about if one.event.kind is EventKind.UNSEND}
        self._reactions = _reactions(part.about)
        self._agreed = {
            one.event.number: self._names.get(one.event.key, "")
            for one in part.events
            if one.event.action == Act.APPROVE
        }
        self._replies = [one for one in part.events if one.event.action == Act.REPLY]
        self._persons_texts = {one.text for one in part.sends if one.origin is Origin.PERSON}

    def lines(self) -> list[Line]:
        """All lines, oldest first."""
        found = [
            *((one.at_ms, 0, one.position, line) for one, line in self._of_history()),
            *((line.at_ms, 1, one.seq, line) for one, line in self._of_events()),
            *((line.at_ms, 2, one.position, line) for one, line in self._of_sends()),
        ]
        found.sort(key=lambda one: one[:3])
        return [line for *_, line in found]

    def _of_events(self) -> Iterator[tuple[RecordedEvent, Line]]:
        for one in self._part.events:
            line = self._of_event(one)
            if line is not None:
                yield one, line

    def _of_event(self, one: RecordedEvent) -> Line | None:
        event = one.event
        line: Line | None = None
        match event.kind:
            case kind if kind in _USERS:
                line = self._of_user(one)
            case EventKind.ECHO if (
                event.mid not in self._part.claimed and one.state is not EventState.UNDETERMINED
            ):
                line = self._in_app(one)
            case EventKind.OPERATOR if event.action in _NOTED:
                line = self._note(one, _NOTED[event.action], by=self._names.get(event.key, ""))
            case EventKind.HANDOVER:
                line = self._note(one, What.HANDOVER, text=event.action or "")
            case EventKind.REFERRAL:
                line = self._note(one, What.REFERRAL, text=event.referral or "")
        return line

    def _of_user(self, one: RecordedEvent) -> Line:
        event, state = one.event, LineState.NONE
        if one.state is EventState.PENDING:
            state = LineState.UNANSWERED
        elif one.state is EventState.DEAD:
            state = LineState.FAILED
        return Line(
            id=f"e{one.seq}",
            who=Who.USER,
            at_ms=event.timestamp_ms,
            text=event.text or "",
            state=state,
            reason="not_answered" if state is LineState.FAILED else "",
            seq=one.seq,
            came=_came(event),
            edited=event.mid in self._edited,
            taken_back=event.mid in self._gone,
            reactions=self._reactions.get(event.mid or "", ()),
            replies_to=_replies_to(event),
            unsupported=event.is_unsupported,
        )

    def _in_app(self, one: RecordedEvent) -> Line:
        event = one.event
        return Line(
            id=f"e{one.seq}",
            who=Who.PERSON,
            at_ms=event.timestamp_ms,
            text=event.text or "",
            in_app=True,
            state=LineState.SENT,
            seq=one.seq,
            came=_came(event),
            edited=event.mid in self._edited,
            taken_back=event.mid in self._gone,
            reactions=self._reactions.get(event.mid or "", ()),
        )

    @staticmethod
    def _note(one: RecordedEvent, what: What, *, text: str = "", by: str = "") -> Line:
        return Line(
            id=f"e{one.seq}",
            who=Who.NOTE,
            at_ms=one.event.timestamp_ms,
            what=what,
            text=text,
            by=by,
        )

    def _of_sends(self) -> Iterator[tuple[Sending, Line]]:
        for one in self._part.sends:
            persons = one.origin is Origin.PERSON
            state = _STATES[one.state]
            if state is LineState.SENT and one.changed_ms <= self._part.seen_ms:
                state = LineState.READ
            reactions = (self._reactions.get(mid or "", ()) for mid in (one.sent_mid, one.echo_mid))
            yield (
                one,
                Line(
                    id=f"s{one.id.replace('.', '-')}",
                    who=Who.PERSON if persons else Who.BOT,
                    at_ms=one.created_ms,
                    text=one.text,
                    by=self._writer(one) if persons else self._agreed.get(one.turn, ""),
                    state=state,
                    reason=one.reason if state in _WITH_REASON else "",
                    bank_pictures=one.pictures,
                    turn=one.turn,
                    deadline_ms=one.deadline_ms,
                    reactions=next((found for found in reactions if found), ()),
                ),
            )

    def _writer(self, one: Sending) -> str:
        """Who wrote a person's message: their act was recorded in the same moment."""
        for reply in self._replies:
            same = reply.recorded_ms == one.created_ms
            if same and one.text in split_text(reply.event.text or ""):
                return self._names.get(reply.event.key, "")
        return ""

    def _of_history(self) -> Iterator[tuple[HistoryLine, Line]]:
        for one in self._part.history:
            if not self._is_told(one):
                yield one, _of_history(one)

    def _is_told(self, one: HistoryLine) -> bool:
        """Whether the events or the ledger tell it, and better."""
        part = self._part
        if one.mid is not None:
            return one.mid in part.recorded or one.mid in part.claimed
        match one.role:
            case Role.ASSISTANT:
                return one.turn in part.promised
            case Role.OPERATOR:
                pieces = split_text(one.text)
                return bool(pieces) and self._persons_texts.issuperset(pieces)
            case _:
                # A reaction, or where the user came from.
                told = (*part.about, *part.events)
                return any(event.event.timestamp_ms == one.at_ms for event in told)


def _of_history(one: HistoryLine) -> Line:
    who = {Role.ASSISTANT: Who.BOT, Role.OPERATOR: Who.PERSON}.get(Role(one.role), Who.USER)
    told = who is Who.USER and one.mid is None and one.text.startswith("[")
    return Line(
        id=f"h{one.position}",
        who=Who.NOTE if told else who,
        what=What.TOLD if told else What.NONE,
        at_ms=one.at_ms,
        text=one.text,
    )


def _came(event: Event) -> tuple[Came, ...]:
    return tuple(
        Came(one.type, number, one.title or "") for number, one in enumerate(event.attachments)
    )


def _replies_to(event: Event) -> str:
    if event.story_id or event.story_url:
        return "story"
    return "message" if event.reply_to_mid else ""


def _reactions(about: Sequence[RecordedEvent]) -> dict[str, tuple[str, ...]]:
    """By mid, what users feel about it now: one thing each."""
    felt: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for one in sorted(about, key=lambda one: one.seq):
        event = one.event
        if event.kind is not EventKind.REACTION or event.mid is None:
            continue
        if event.action == "unreact":
            felt[event.mid].pop(event.user or "", None)
        else:
            felt[event.mid][event.user or ""] = event.emoji or "♥"
    return {mid: tuple(by_user.values()) for mid, by_user in felt.items()}
