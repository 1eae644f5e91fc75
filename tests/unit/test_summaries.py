"""Which messages are summed up, and what becomes of those that cannot be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

from structlog.testing import capture_logs

from tests.fakes.measures import measured
from vestlus.assistant.port import Assistant, Past
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.errors import AssistantError, AssistantInvalid, AssistantRefused, AssistantUnavailable
from vestlus.hosting.mailbox import HISTORY_MESSAGES, Mailbox
from vestlus.hosting.summaries import LEFT_OUT, MOST_AT_ONCE, SUM_UP_AT, Summaries
from vestlus.store.port import Turns
from vestlus.store.rows import Lease

REFUSED = AssistantRefused("content_filter")
MALFORMED = AssistantInvalid("malformed_reply")
AWAY = AssistantUnavailable("timeout")


@dataclass
class Model:
    """Fails as told, one failure a time, then says which messages it was given."""

    failures: list[AssistantError] = field(default_factory=list)
    asked: list[Past] = field(default_factory=list)

    async def summarise(self, past: Past) -> str:
        self.asked.append(past)
        if self.failures:
            raise self.failures.pop(0)
        return f"{past.summary} {past.messages[0].text}-{past.messages[-1].text}".strip()


@dataclass
class Store:
    """Has every message that is asked for, and keeps summaries, if it is to."""

    keeps: bool = True

    async def part_of_history(self, _: str, first: int, count: int) -> tuple[HistoryMessage, ...]:
        return tuple(HistoryMessage(Role.USER, str(n), n) for n in range(first, first + count))

    async def keep_summary(self, *_: object, **__: object) -> bool:
        return self.keeps


def box_of(messages: int, account: str = "summed") -> Mailbox:
    box = Mailbox(id="c", lease=cast("Lease", None), account=account, user="u")
    box.known.messages = messages
    return box


class Summing:
    """Looks at a mailbox, once a time."""

    def __init__(self, *failures: AssistantError) -> None:
        self.model, self.store = Model([*failures]), Store()
        self._ended = asyncio.Event()
        self.summaries = Summaries(
            cast("Turns", self.store), cast("Assistant", self.model), lambda _: self._ended.set()
        )

    async def look(self, box: Mailbox) -> None:
        self._ended.clear()
        self.summaries.look(box)
        if box.id in self.summaries:
            await asyncio.wait_for(self._ended.wait(), 5)


async def test_what_is_refused_is_in_no_summary_and_does_not_hold_up_what_comes_after_it() -> None:
    summing, box = Summing(REFUSED), box_of(SUM_UP_AT, account="refused")
    box.known.summary = "before"
    with capture_logs() as logs:
        await summing.look(box)
    assert (box.known.summary, box.known.summarised) == ("before", SUM_UP_AT - LEFT_OUT)
    assert [one["event"] for one in logs] == ["not_summed_up"]
    assert measured("vestlus_messages_not_summed_up_total", account="refused") == 15
    assert summing.summaries.made == 0
    box.known.messages += 15
    await summing.look(box)
    assert box.known.summary == "before 15-29"
    assert summing.summaries.made == 1
    assert measured("vestlus_messages_not_summed_up_total", account="refused") == 15


async def test_what_cannot_be_used_is_asked_for_again_until_messages_leave_the_prompts() -> None:
    summing, box = Summing(*[MALFORMED] * 9), box_of(SUM_UP_AT)
    while not box.known.summarised:
        await summing.look(box)
        box.known.messages += 2
    assert [len(past.messages) for past in summing.model.asked] == [15, 17, 19, 21, 23, 25, 27]
    assert box.known.summarised == HISTORY_MESSAGES + 2 - LEFT_OUT


async def test_a_model_that_is_away_loses_no_message_to_the_summary() -> None:
    summing, box = Summing(*[AWAY] * 200), box_of(SUM_UP_AT)
    for _ in range(200):
        await summing.look(box)
        box.known.messages += 2
    assert box.known.summarised == 0
    while box.known.messages - box.known.summarised >= SUM_UP_AT:
        await summing.look(box)
    assert [len(past.messages) for past in summing.model.asked[200:]] == [100, 100, 100, 100, 15]
    assert box.known.summary == "0-99 100-199 200-299 300-399 400-414"


async def test_no_more_messages_are_in_one_summary_however_often_one_is_refused() -> None:
    summing, box = Summing(*[REFUSED] * 5_000), box_of(2_000)
    for _ in range(100):
        await summing.look(box)
        box.known.messages += 2
    assert max(len(past.messages) for past in summing.model.asked) == MOST_AT_ONCE
    assert box.known.messages - box.known.summarised < SUM_UP_AT + 2


async def test_what_the_store_does_not_keep_is_not_lost_either() -> None:
    summing, box = Summing(REFUSED), box_of(SUM_UP_AT, account="not-kept")
    summing.store.keeps = False
    await summing.look(box)
    assert box.known.summarised == 0
    assert measured("vestlus_messages_not_summed_up_total", account="not-kept") == 0
