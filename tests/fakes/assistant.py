"""An assistant that answers by rule, and records what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vestlus.assistant.port import Past, Question
from vestlus.conversation.reply import Reply, TextPart


def echoing(question: Question) -> str:
    """Repeats what was asked."""
    return "; ".join(message.text for message in question.messages)


class ScriptedAssistant:
    """Answers with ``script(question)``, which may raise; waits for ``gate`` first, if closed."""

    def __init__(self, script: Callable[[Question], str | Reply] = echoing) -> None:
        self.script = script
        self.asked: list[Question] = []
        self.summed_up: list[Past] = []
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._changed = asyncio.Condition()

    async def reply(self, question: Question) -> Reply:
        """See :class:`vestlus.assistant.port.Assistant`."""
        self.asked.append(question)
        async with self._changed:
            self._changed.notify_all()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        said = self.script(question)
        return said if isinstance(said, Reply) else Reply(parts=(TextPart(said),))

    async def summarise(self, past: Past) -> str:
        """See :class:`vestlus.assistant.port.Assistant`."""
        self.summed_up.append(past)
        return f"{past.summary} {len(past.messages)} more".strip()

    async def was_asked(self, times: int) -> None:
        """Waits until it was asked that many times."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.asked) >= times)

    async def aclose(self) -> None:
        """Nothing to close."""
