"""What a recorded event means for its conversation: its first state, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vestlus.conversation.echoes import EchoPolicy, Judgement, Whose, normalised
from vestlus.conversation.events import Event, EventKind, Missed, calls_for_answer
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.operating import Act
from vestlus.conversation.splitting import split_text
from vestlus.conversation.transcript import (
    as_history,
    as_operator,
    reaction_note,
    referral_note,
    spoken,
)
from vestlus.conversation.words import Command, command_of
from vestlus.settings_account import Account
from vestlus.store.rows import (
    Change,
    EventState,
    NewEvent,
    PersonSend,
    ReplayWish,
    Silence,
)

#: How long a thread that another app controls is left alone, when nothing gives it back.
#: Meta, "Conversation Control APIs": control lapses after a day without messages.
STANDBY_MS = 24 * 60 * 60 * 1000

#: How much longer than its judgement takes an echo may hold sends: the time in which a partition
#: that lost its owner certainly has another one.
HOLD_BEYOND_MS = 10 * 60 * 1000

#: Why people are wanted, in the note for them: nobody answers such an old message by itself.
MISSED = "missed_message"

DEFAULT_PAUSE_MS = 60 * 60 * 1000

#: What a user has a right to, however late it is heard of.
_RIGHTS = frozenset({Command.STOP, Command.START, Command.DELETE})


@dataclass(frozen=True, slots=True)
class PeoplePolicy:
    """How an account's people and its bot share conversations."""

    #: How long the bot stays silent after a person's message or a hand-over.
    pause_ms: int = DEFAULT_PAUSE_MS
    echoes: EchoPolicy = field(default_factory=EchoPolicy)


def people_policy(account: Account | None) -> PeoplePolicy:
    """The account's own; the defaults for one that is not in the settings."""
    if account is None:
        return PeoplePolicy()
    return PeoplePolicy(
        pause_ms=round(account.pause_minutes * 60_000),
        echoes=EchoPolicy(
            match_ids=account.match_echo_ids,
            match_content=account.match_echo_content,
            automation_texts=frozenset(normalised(text) for text in account.automation_texts),
        ),
    )


def effect_of(
    event: Event,
    policy: PeoplePolicy,
    now_ms: int,
    *,
    judgement: Judgement | None = None,
    quotes: Mapping[str, str] | None = None,
) -> NewEvent:
    """The event as it is to be recorded.

    ``judgement`` says whose an echo is. ``quotes``: mid → text, of what a reaction is about.
    """
    if event.conversation is None:
        return NewEvent(event, EventState.NOTED)
    if calls_for_answer(event):
        too_late = event.missed in (Missed.STALE, Missed.PAST)
        if too_late and command_of(event.text or "") not in _RIGHTS:
            return NewEvent(event, EventState.NOTED, _stale(event, now_ms))
        return NewEvent(event, EventState.PENDING)
    if event.kind is EventKind.ECHO and judgement is not None:
        return _echo(event, judgement, policy, now_ms)
    return NewEvent(event, EventState.NOTED, _change(event, policy, now_ms, quotes))


def settled_change(
    echo: Event, judgement: Judgement, policy: PeoplePolicy, now_ms: int
) -> Change | None:
    """What an echo changes of which it is known now whose it is."""
    match judgement.whose:
        case Whose.PERSON:
            return _person_wrote(echo, policy, now_ms)
        case Whose.AUTOMATION:
            return Change(rethink=False, history=(as_operator(echo),))
        case _:
            return None


def _echo(event: Event, judgement: Judgement, policy: PeoplePolicy, now_ms: int) -> NewEvent:
    if judgement.whose is Whose.UNDETERMINED:
        # Longer than it may take: settling ends the hold, and whoever settles may be away.
        until = now_ms + policy.echoes.undetermined_ms + HOLD_BEYOND_MS
        held = Change(rethink=False, held_until_ms=until)
        return NewEvent(event, EventState.UNDETERMINED, held)
    change = settled_change(event, judgement, policy, now_ms)
    echo_of = judgement.send if judgement.whose is Whose.OURS else None
    return NewEvent(event, EventState.NOTED, change, echo_of)


def _stale(event: Event, now_ms: int) -> Change:
    """A message too old to be answered: people see it, and what is said next knows of it."""
    said, heard_ms = (as_history(event),), min(event.timestamp_ms, now_ms)
    if event.missed is Missed.PAST:
        return Change(history=said, heard_ms=heard_ms)
    when = datetime.fromtimestamp(event.timestamp_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    return Change(
        history=said,
        waiting_ms=now_ms,
        note=f"{MISSED} ({when} UTC)",
        heard_ms=heard_ms,
    )


def _person_wrote_before(event: Event, policy: PeoplePolicy, now_ms: int) -> Change:
    """A person's message that is told late: the pause began when it was written, and what the
    user wrote since then waits for an answer still.
    """
    until_ms = min(event.timestamp_ms, now_ms) + policy.pause_ms
    return Change(
        silence=Silence.PERSON if until_ms > now_ms else None,
        silent_until_ms=until_ms,
        cancel_sends=True,
        answers_all=True,
        # Listed times are whole seconds.
        answers_until_ms=event.timestamp_ms + 999,
        history=(as_operator(event),),
        disclose_again=True,
    )


def _person_wrote(event: Event, policy: PeoplePolicy, now_ms: int) -> Change:
    if event.missed is not None:
        return _person_wrote_before(event, policy, now_ms)
    return Change(
        silence=Silence.PERSON,
        silent_until_ms=now_ms + policy.pause_ms,
        cancel_sends=True,
        answers_all=True,
        history=(as_operator(event),),
        waiting_ms=0,
        note="",
        disclose_again=True,
    )


def _change(
    event: Event, policy: PeoplePolicy, now_ms: int, quotes: Mapping[str, str] | None
) -> Change | None:
    change: Change | None = None
    match event.kind:
        case EventKind.UNSEND if event.mid:
            change = Change(removed_mid=event.mid)
        case EventKind.EDIT if event.mid and event.text:
            change = Change(edited=(event.mid, event.text))
        case EventKind.REACTION if event.action != "unreact":
            change = Change(rethink=False, history=(reaction_note(event, quotes),))
        case EventKind.REFERRAL:
            change = Change(rethink=False, history=(referral_note(event),))
        case EventKind.STANDBY:
            said = HistoryMessage(Role.USER, spoken(event), event.timestamp_ms, event.mid)
            change = _standby(now_ms, said)
        case EventKind.HANDOVER:
            change = _thread_control(event, now_ms)
        case EventKind.OPERATOR if event.action == Act.REPLAY:
            change = _replay(event)
        case EventKind.OPERATOR:
            change = _operator(event, policy, now_ms)
    return change


def _standby(now_ms: int, *said: HistoryMessage) -> Change:
    return Change(
        silence=Silence.STANDBY,
        silent_until_ms=now_ms + STANDBY_MS,
        cancel_sends=True,
        history=said,
    )


def _thread_control(event: Event, now_ms: int) -> Change | None:
    match event.action:
        case "take_thread_control":
            return _standby(now_ms)
        case "pass_thread_control":
            # It is told to the app that gets the control.
            return Change(silence=Silence.NONE, disclose_again=True)
        case _:
            return None


def _replay(event: Event) -> Change | None:
    if not event.payload:
        return None
    wish = ReplayWish(
        letter=event.payload, by=event.text or "somebody", although_sent=event.number == 1
    )
    return Change(replay=wish)


def _operator(event: Event, policy: PeoplePolicy, now_ms: int) -> Change | None:
    text = (event.text or "").strip()
    match event.action:
        case Act.TAKE_OVER:
            return Change(
                silence=Silence.PERSON,
                silent_until_ms=now_ms + policy.pause_ms,
                cancel_sends=True,
                waiting_ms=0,
                disclose_again=True,
            )
        case Act.HAND_BACK:
            return Change(silence=Silence.NONE, waiting_ms=0, note="", disclose_again=True)
        case Act.REPLY if text:
            return Change(
                silence=Silence.PERSON,
                silent_until_ms=now_ms + policy.pause_ms,
                cancel_sends=True,
                answers_all=True,
                history=(HistoryMessage(Role.OPERATOR, text, event.timestamp_ms),),
                waiting_ms=0,
                note="",
                disclose_again=True,
                sends=tuple(PersonSend(text=piece) for piece in split_text(text)),
            )
        case Act.APPROVE if event.number is not None:
            return Change(approved_turn=event.number, approved_texts=split_text(text))
        case Act.REJECT if event.number is not None:
            return Change(rejected_turn=event.number)
        case _:
            return None
