"""When to answer: the rest of a burst is waited for, something newer restarts the answer.

Times are milliseconds since 1970 on the service's own clock, not Meta's: they say how long a
person has been waiting for us.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vestlus.conversation.events import Event
from vestlus.conversation.history import estimated_tokens
from vestlus.conversation.transcript import spoken

#: A text that ends like a finished thought, closing marks and emoji aside.
_FINISHED = re.compile(r"[.!?…。]['\"”’»)\]]*[^\w\s]*\s*$")


@dataclass(frozen=True, slots=True)
class BurstPolicy:
    """How long to wait for the rest of a burst."""

    #: Never longer than this after the first unanswered message; 0 answers at once.
    longest_ms: int = 1500

    @property
    def after_sentence_ms(self) -> int:
        """Quiet time after something that reads as finished."""
        return self.longest_ms // 4

    @property
    def after_fragment_ms(self) -> int:
        """Quiet time after something that reads as unfinished."""
        return (self.longest_ms * 2) // 3


def answer_at(arrivals: Sequence[tuple[int, Event]], policy: BurstPolicy) -> int:
    """When the burst counts as complete: the moment to start answering.

    ``arrivals`` are the unanswered events with the time each was taken in, at least one. A
    pressed button is finished by itself.
    """
    first = min(at for at, _ in arrivals)
    last_at, last = max(arrivals, key=lambda arrival: arrival[0])
    quiet = policy.after_sentence_ms if _reads_finished(last) else policy.after_fragment_ms
    return min(last_at + quiet, first + policy.longest_ms)


def _reads_finished(event: Event) -> bool:
    if event.payload is not None:
        return True
    return bool(event.text and _FINISHED.search(event.text))


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How often something newer may restart an answer that is being thought of."""

    most: int = 3
    #: Not any more once the person has waited this long for the answer.
    longest_ms: int = 15_000


def may_restart(restarts: int, waiting_since_ms: int, now_ms: int, policy: RestartPolicy) -> bool:
    """Whether a newer message still cancels the answer; else it gets the next one."""
    return restarts < policy.most and now_ms - waiting_since_ms < policy.longest_ms


#: Messages that are answered together at most. More is no burst but a flood, and is answered in
#: pieces, so that no prompt and no transaction grows with it.
MOST_TOGETHER = 30

#: And tokens. With what replies quote they fit into the 6,000 that a prompt has for messages:
#: nothing that is answered was left out of its prompt.
MOST_TOGETHER_TOKENS = 4_000


def first_together(events: Sequence[Event]) -> Sequence[Event]:
    """Of unanswered events, in order of recording, the first ones that one answer may be to.

    At least one. Pieces of a flood are taken in order of recording, so that none overtakes
    another; Meta's order holds within each.
    """
    left = MOST_TOGETHER_TOKENS
    for place, event in enumerate(events):
        left -= estimated_tokens(spoken(event))
        if place == MOST_TOGETHER or (left < 0 and place):
            return events[:place]
    return events


def in_meta_order(events: Sequence[Event]) -> tuple[Event, ...]:
    """The order of a burst as the user wrote it: Meta's timestamp, then the order of arrival."""
    return tuple(sorted(events, key=lambda event: event.timestamp_ms))


class AfterFailure(StrEnum):
    """What to do with messages that could not be answered this time."""

    TRY_AGAIN = "try_again"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """How often and how long to try again when the assistant fails."""

    #: Tries before the assistant gives the messages up, and people are told.
    most: int = 2
    #: How long a model that is away is waited for before that.
    patience_ms: int = 120_000
    first_wait_ms: int = 2_000
    longest_wait_ms: int = 120_000

    def decide(self, failures: int, *, passing: bool, waited_ms: int) -> tuple[AfterFailure, int]:
        """What to do after this many failures in a row, and the wait before it.

        ``passing`` says that the model did not answer at all, which is no message's fault; such
        failures are counted apart. ``waited_ms`` is how long ago the oldest of the messages was
        taken in.
        """
        tired = failures >= self.most and (waited_ms >= self.patience_ms or not passing)
        if tired:
            return AfterFailure.GIVE_UP, 0
        doubled = self.first_wait_ms * 2 ** min(failures - 1, 20)
        return AfterFailure.TRY_AGAIN, min(doubled, self.longest_wait_ms)


class Start(StrEnum):
    """How a turn may begin after its conversation changed owners."""

    #: With all the others.
    FREELY = "freely"
    #: In a group of suspects, counted beforehand: earlier owners died with it under way.
    WATCHED = "watched"
    #: Not at all: owners died in every group it was in, down to itself alone.
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class SuspectPolicy:
    """When a turn is suspected of killing its process, and how the guilty one is found.

    Suspects are tried in groups that shrink with every owner that dies: whoever is innocent is
    answered as soon as a group lives long enough, whoever is guilty ends up alone. Processes also
    die for other reasons, so being alone once proves nothing.
    """

    #: Takeovers without an answer in between that make a suspect.
    takeovers: int = 3
    #: How many are tried together, by the number of groups that died so far.
    groups: tuple[int, ...] = (32, 8, 2, 1, 1, 1)

    def decide(self, takeovers: int, probes: int) -> Start:
        """How the next turn may begin."""
        if takeovers < self.takeovers:
            return Start.FREELY
        return Start.QUARANTINE if probes >= len(self.groups) else Start.WATCHED

    def together(self, probes: int) -> int:
        """How many suspects may be tried at the same time as one with so many probes."""
        return self.groups[min(probes, len(self.groups) - 1)]
