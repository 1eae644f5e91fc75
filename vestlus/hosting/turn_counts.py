"""What happened to turns: for whoever asks this process, and for its measures."""

from __future__ import annotations

from dataclasses import dataclass

from vestlus.hosting.composing import Answer
from vestlus.measuring.catalogue import TURNS, of


@dataclass(slots=True)
class TurnCounts:
    """What happened since the start of this process."""

    answered: int = 0
    restarted: int = 0
    conflicts: int = 0
    failed: int = 0
    given_up: int = 0
    thinking: int = 0
    #: Conversations that a person was asked to take over, and apologies among those.
    handed_over: int = 0
    apologised: int = 0
    #: Turns whose user had used up what the account allows them.
    limited: int = 0
    #: Users who were erased by their own word.
    erased: int = 0

    def restart(self, account: str) -> None:
        """Something newer came, and the answer is thought anew."""
        self.restarted += 1
        of(TURNS, account, "restarted").inc()

    def conflict(self, account: str) -> None:
        """Something changed before the answer was committed."""
        self.conflicts += 1
        of(TURNS, account, "conflict").inc()

    def failure(self, account: str, *, passing: bool) -> None:
        """There is no answer yet. ``passing``: because the model is away."""
        self.failed += 1
        of(TURNS, account, "model_away" if passing else "failed").inc()

    def give_up(self, account: str, events: int) -> None:
        """So many events became dead letters."""
        self.given_up += events
        of(TURNS, account, "given_up").inc()

    def erase(self, account: str) -> None:
        """A user was erased by their own word."""
        self.erased += 1
        of(TURNS, account, "erased").inc()

    def committed(self, account: str, answer: Answer, *, handed_over: bool) -> None:
        """An answer is in the store. Of its outcomes the rarest counts."""
        self.answered += int(not answer.leaves_unanswered)
        self.limited += int(answer.limited)
        self.apologised += int(bool(answer.after.apology_ms))
        self.handed_over += int(handed_over)
        outcome = "answered"
        if answer.after.apology_ms:
            outcome = "apologised"
        elif handed_over:
            outcome = "handed_over"
        elif answer.limited:
            outcome = "limited"
        elif answer.leaves_unanswered:
            outcome = "left_open"
        elif not answer.parts:
            outcome = "said_nothing"
        of(TURNS, account, outcome).inc()
