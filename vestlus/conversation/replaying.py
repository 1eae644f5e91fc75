"""Whether something that was given up may go on its way again. Pure."""

from __future__ import annotations

from enum import StrEnum

from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, WINDOW_MS


class Refusal(StrEnum):
    """Why a dead letter is not replayed."""

    #: Instagram lets nobody write to this user now.
    WINDOW_CLOSED = "window_closed"
    #: It may have been sent, and whoever asks has not said that it should go all the same.
    MAY_HAVE_BEEN_SENT = "may_have_been_sent"
    #: The user asked for no more answers.
    USER_STOPPED = "user_stopped"
    #: Its content was erased or taken back.
    ERASED = "erased"
    #: Its bytes cannot be read.
    UNDECODABLE = "undecodable"
    #: It is not given up any more.
    NOT_DEAD = "not_dead"


def replay_refusal(
    *,
    erased: bool,
    doubtful: bool,
    although_sent: bool,
    stopped: bool,
    persons: bool,
    user_ms: int,
    now_ms: int,
) -> Refusal | None:
    """Why a message of, or an answer to, a user is not replayed; ``None`` when it may be.

    ``persons``: a person at the account's side wrote it, so that Meta allows seven days.
    ``user_ms`` is when the user last wrote, 0 for never; both times in milliseconds since 1970.
    """
    window_ms = HUMAN_AGENT_WINDOW_MS if persons else WINDOW_MS
    refusals = (
        (erased, Refusal.ERASED),
        (stopped, Refusal.USER_STOPPED),
        (user_ms + window_ms <= now_ms, Refusal.WINDOW_CLOSED),
        (doubtful and not although_sent, Refusal.MAY_HAVE_BEEN_SENT),
    )
    return next((refusal for holds, refusal in refusals if holds), None)
