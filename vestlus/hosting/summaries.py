"""Sums up what no longer fits into a prompt, beside the turns and never in their way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from vestlus.assistant.port import Assistant, Past
from vestlus.errors import (
    AssistantError,
    AssistantInvalid,
    AssistantRefused,
    LeaseLost,
    StoreError,
)
from vestlus.hosting.mailbox import HISTORY_MESSAGES, Mailbox
from vestlus.measuring.catalogue import NOT_SUMMED_UP, of
from vestlus.store.port import Turns

_log = structlog.get_logger(__name__)

#: A summary is made when so many messages are in none, and leaves the newest ones out. The two
#: together keep every message either in the summary or among those that prompts are made from.
SUM_UP_AT = HISTORY_MESSAGES - 10
LEFT_OUT = 15

#: Messages in one summary, the oldest first: after an outage there are more. Each has some 400
#: characters of what one may be made of.
MOST_AT_ONCE = 100

#: Summaries made at a time: they are in no hurry and compete with answers for the model.
TOGETHER = 4

#: Summaries that are being made or wait for it; whoever comes on top is looked at after the next
#: turn.
MOST = 200


class Summaries:
    """Keeps each long conversation's running summary. One that fails is made later.

    What the model will not sum up is in no summary, and the one before it stays: where it is
    refused, at once; where what comes of it cannot be used, once the messages leave the prompts.
    Otherwise all that comes after it would be lost too. What fails otherwise is tried again for as
    long as it takes.

    ``done`` is told of each mailbox whose summary is not under way any more, however it ended.
    """

    def __init__(self, store: Turns, assistant: Assistant, done: Callable[[Mailbox], None]) -> None:
        self._store = store
        self._assistant = assistant
        self._done = done
        self._slots = asyncio.Semaphore(TOGETHER)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        #: Summaries made since the start.
        self.made = 0

    def __contains__(self, conversation: str) -> bool:
        """Whether a summary of the conversation is being made, or waits for it."""
        return conversation in self._tasks

    def look(self, box: Mailbox) -> None:
        """Begins a summary of the conversation, if it needs one and none is being made.

        Of a mailbox that was stopped none is made: somebody else may have the conversation.
        """
        if box.stopped:
            return
        if box.known.messages - box.known.summarised < SUM_UP_AT or box.id in self._tasks:
            return
        if len(self._tasks) >= MOST:
            return
        task = asyncio.create_task(self._sum_up(box), name="summary")
        self._tasks[box.id] = task
        task.add_done_callback(lambda done: self._ended(box, done))

    def forget(self, conversation: str) -> None:
        """Makes no summary of it: its user was erased."""
        task = self._tasks.get(conversation)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Cancels what is being made."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _sum_up(self, box: Mailbox) -> None:
        first = box.known.summarised
        until = min(box.known.messages - LEFT_OUT, first + MOST_AT_ONCE)
        lost = 0
        version = box.version
        async with self._slots:
            messages = await self._store.part_of_history(box.id, first, until - first)
            summary = box.known.summary
            if messages:
                past = Past(account=box.account, user=box.user, summary=summary, messages=messages)
                try:
                    summary = await self._assistant.summarise(past)
                except AssistantInvalid as error:
                    if not _is_hopeless(box, error):
                        raise
                    lost = len(messages)
                    _log.warning(
                        "not_summed_up", conversation=box.id, reason=error.reason, messages=lost
                    )
            kept = await self._store.keep_summary(
                box.lease, box.id, summary=summary, summarised=until, version=version
            )
        # Otherwise something was said, taken back or erased meanwhile: it is made anew.
        if not kept:
            return
        box.known.summary, box.known.summarised = summary, until
        if lost:
            of(NOT_SUMMED_UP, box.account).inc(lost)
        else:
            self.made += 1

    def _ended(self, box: Mailbox, task: asyncio.Task[None]) -> None:
        self._tasks.pop(box.id, None)
        self._done(box)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, AssistantError | StoreError | LeaseLost):
            _log.warning("summary_put_off", conversation=box.id, error=type(error).__name__)
        else:
            _log.error("summary_failed", conversation=box.id, error=type(error).__name__)


def _is_hopeless(box: Mailbox, error: AssistantInvalid) -> bool:
    """Whether trying again would hold up what comes after it."""
    unsummed = box.known.messages - box.known.summarised
    return isinstance(error, AssistantRefused) or unsummed > HISTORY_MESSAGES
