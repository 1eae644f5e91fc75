"""What to do with unanswered messages before, and instead of, asking the assistant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vestlus.conversation.words import Command


class Step(StrEnum):
    """What happens with the messages that wait."""

    #: The assistant answers.
    ASK = "ask"
    #: They wait until the silence ends.
    WAIT = "wait"
    #: Nobody answers: the user asked for that.
    IGNORE = "ignore"
    #: A fixed text answers, and no model sees them.
    CONFIRM_STOP = "confirm_stop"
    CONFIRM_START = "confirm_start"
    #: The user is asked whether everything is really to be erased.
    ASK_DELETE = "ask_delete"
    #: The user has said so twice.
    DELETE = "delete"
    EMERGENCY = "emergency"
    HAND_OVER = "hand_over"
    #: A person sees to it that the user gets a copy of their data.
    HAND_OVER_EXPORT = "hand_over_export"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a conversation stands, as far as it matters here."""

    #: A person answers this user, or is waited for.
    people: bool
    #: A person answers, also where the user asked for no more answers of ours, or another app
    #: does; a hand-over alone does not make it so.
    person_wrote: bool
    #: The user asked for no more answers.
    stopped: bool
    #: The user was asked just before whether everything is to be erased.
    erase_asked: bool = False


def next_step(commands: Sequence[Command | None], standing: Standing) -> Step:
    """What to do with a burst. ``commands`` are what each message asks for, in order.

    Danger comes first: an answer to it is worth more than doing at once what can be asked for
    again. Then the user's own rights, whatever else goes on; then people.
    """
    if Command.EMERGENCY in commands and not standing.person_wrote:
        # Also to somebody who wanted no more answers.
        return Step.EMERGENCY
    if standing.erase_asked and commands and commands[0] in (Command.YES, Command.DELETE):
        return Step.DELETE
    commands = [None if one is Command.YES else one for one in commands]
    wishes = [one for one in commands if one in (Command.STOP, Command.START, Command.DELETE)]
    # Somebody who never stopped says "start" about something else.
    if wishes and (standing.stopped or wishes[-1] is not Command.START):
        return _wish(commands, wishes[-1], standing)
    step = Step.ASK
    if standing.stopped and Command.EMERGENCY not in commands:
        step = Step.IGNORE
    elif standing.people:
        step = Step.WAIT
    elif Command.PERSON in commands:
        step = Step.HAND_OVER
    elif Command.EXPORT in commands:
        step = Step.HAND_OVER_EXPORT
    return step


def _wish(commands: Sequence[Command | None], wish: Command | None, standing: Standing) -> Step:
    if wish is Command.DELETE:
        return Step.ASK_DELETE
    if wish is Command.STOP:
        return Step.CONFIRM_STOP
    # Who starts again with a question wants its answer rather than a confirmation; but that is
    # the person's to give who has the conversation.
    return Step.CONFIRM_START if all(commands) or standing.person_wrote else Step.ASK


def may_apologise(*, apology_ms: int, answered_ms: int, now_ms: int, again_ms: int) -> bool:
    """Whether an apology may be sent: not a second one before an answer came or a day is over."""
    return apology_ms == 0 or answered_ms > apology_ms or now_ms - apology_ms >= again_ms
