"""What the model is offered for one question: pictures, and passages of the account's documents."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from vestlus.assistant.knowledge import Knowledge, Passages
from vestlus.assistant.pictures import Offered, Pictures
from vestlus.assistant.port import Question
from vestlus.conversation.history import Role
from vestlus.settings_account import Account

#: A question of fewer characters ("ja pühapäeval?") is searched for with the one before it.
_SHORT: Final = 60

#: Of a question, in characters: meaning does not get clearer with more.
_LONGEST_QUERY: Final = 2_000

NO_PASSAGES: Final = Passages(items=(), whole=True)
NO_PICTURES: Final = Offered(items=(), whole=True)


@dataclass(frozen=True, slots=True)
class Offer:
    """What an answer may draw on besides the persona and the facts."""

    pictures: Offered = NO_PICTURES
    passages: Passages = NO_PASSAGES


class Offers:
    """Gathers offers, both kinds at the same time. ``None`` stands for a kind there is not."""

    def __init__(self, *, pictures: Pictures | None, knowledge: Knowledge | None) -> None:
        self._pictures = pictures
        self._knowledge = knowledge

    async def of(self, account: Account, question: Question) -> Offer:
        """What fits the question, whose texts may go to the embedding model.

        Raises AssistantError when the account's documents cannot be searched: an answer without
        them would say that there is nothing to know.
        """
        query = query_of(question)
        pictures, passages = await asyncio.gather(
            self._offered(account, query, question.now_ms), self._found(account, query)
        )
        return Offer(pictures, passages)

    async def _offered(self, account: Account, query: str, now_ms: int) -> Offered:
        if self._pictures is None:
            return NO_PICTURES
        return await self._pictures.offered(account, query, now_ms)

    async def _found(self, account: Account, query: str) -> Passages:
        if self._knowledge is None:
            return NO_PASSAGES
        return await self._knowledge.passages(account, query)


def query_of(question: Question) -> str:
    """What the user wants to know: the unanswered messages, after the one before if short."""
    newest = "\n".join(message.text for message in question.messages).strip()
    if len(newest) < _SHORT:
        before = [one.text for one in question.history if one.role is Role.USER][-1:]
        newest = "\n".join([*before, newest]).strip()
    return newest[-_LONGEST_QUERY:]
