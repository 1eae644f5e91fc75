"""What is still asked where a provider's filter refuses a conversation for its past."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vestlus.assistant.failures import AttemptFailed
from vestlus.assistant.port import Question
from vestlus.conversation.history import HistoryMessage
from vestlus.errors import AssistantRefused

#: Conversations that are remembered, at some 100 bytes each: far more than have something vile in
#: their newest messages at a time.
MOST_REMEMBERED: Final = 4_096


class AskLess(AttemptFailed):
    """What was asked is refused as a whole; the next attempt asks with less of it, and at once.

    Does not count as output that cannot be used. Whoever raises it has something to leave out, so
    that it is raised once for a question.
    """

    def __init__(self, error: AssistantRefused) -> None:
        super().__init__(error, retry=True, retry_after=0.0)


class RefusedPasts:
    """Up to where histories are refused, so that not every next turn of theirs asks twice.

    In memory, by hashes of last messages and without texts or ids; the ``most`` newest. A
    conversation that is forgotten is asked about in whole and then with less, once more.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._ends: dict[int, None] = {}

    def remember(self, question: Question) -> None:
        """The question was refused with its history, and not without."""
        if not question.history:
            return
        while len(self._ends) >= self._most:
            del self._ends[next(iter(self._ends))]
        self._ends[_hash(question, question.history[-1])] = None

    def since(self, question: Question) -> Question:
        """The question with what was said since, or as it is where nothing is known of it.

        The end that is remembered leaves the history at last, and with it all that came before.
        """
        if self._ends:
            for place in range(len(question.history), 0, -1):
                if _hash(question, question.history[place - 1]) in self._ends:
                    return replace(question, history=question.history[place:], summary="")
        return question


def _hash(question: Question, message: HistoryMessage) -> int:
    """Of a text it is salted by the process, and so tells nobody what it was."""
    return hash((question.account, question.user, message.role, message.at_ms, message.text))
