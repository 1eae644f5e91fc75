"""Signs of a delivery gap, and how soon Instagram is asked because of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from publishers.gaps import Gaps
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_ms
from tests.unit.missed_stage import ACCOUNT, RULES, Stage, texts
from vestlus.bus.port import Queue
from vestlus.errors import BusUnavailable
from vestlus.messages import ActionRequest, SearchRequest, encode, outbox_message

START_MS = 1_780_000_000_000
PAUSE_MS = round(RULES.missed_pause_seconds * 1000)
#: When nothing can be on its way any longer: the grace, and what clocks may differ by.
SETTLED_MS = 66_000


def at_pace(gaps: Gaps, every_ms: int, times: int = 20) -> int:
    """The account is heard of at this pace; the last moment."""
    for number in range(times):
        gaps.heard(START_MS + number * every_ms)
    return START_MS + (times - 1) * every_ms


def test_a_sign_leads_to_a_look_at_once_and_to_one_when_all_is_old_enough() -> None:
    gaps = Gaps(RULES)
    assert gaps.due_ms is None
    gaps.suspect(START_MS)
    assert gaps.due_ms == START_MS
    gaps.began(START_MS)
    assert gaps.due_ms == START_MS + SETTLED_MS
    gaps.began(START_MS + SETTLED_MS)
    assert gaps.due_ms is None


def test_a_look_for_another_reason_answers_a_sign_too() -> None:
    gaps = Gaps(RULES)
    gaps.suspect(START_MS)
    gaps.began(START_MS + SETTLED_MS)
    assert gaps.due_ms is None


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=40))
def test_however_many_signs_looks_have_a_pause_and_the_last_sign_is_answered(
    waits: list[int],
) -> None:
    gaps, now, looks = Gaps(RULES), START_MS, []

    def look_until(until: int) -> None:
        while (due := gaps.due_ms) is not None and due <= until:
            gaps.began(due)
            looks.append(due)

    for wait in waits:
        look_until(now + wait)
        now += wait
        gaps.suspect(now)
    assert gaps.due_ms is not None
    look_until(now + 10 * SETTLED_MS)
    assert gaps.due_ms is None
    assert all(later - earlier >= PAUSE_MS for earlier, later in pairwise(looks))
    assert looks[-1] >= now + SETTLED_MS


def test_a_silence_of_many_times_the_usual_pause_is_a_sign_once() -> None:
    gaps = Gaps(RULES)
    last = at_pace(gaps, 10_000)
    long_from = last + 20 * 10_000
    assert gaps.due_ms == long_from
    assert not gaps.began(long_from - 1)
    assert gaps.began(long_from + PAUSE_MS)
    assert gaps.due_ms is None
    gaps.heard(long_from + 2 * PAUSE_MS)
    assert gaps.due_ms is not None


def test_a_busy_account_is_silent_after_a_good_minute_at_the_earliest() -> None:
    gaps = Gaps(RULES)
    last = at_pace(gaps, 1_000)
    assert gaps.due_ms == last + SETTLED_MS


def test_the_parts_of_an_answer_are_one_moment() -> None:
    gaps = Gaps(RULES)
    at_pace(gaps, 100, times=190)
    assert gaps.due_ms is None


def test_of_an_account_that_is_seldom_heard_of_a_silence_tells_nothing() -> None:
    gaps = Gaps(RULES)
    # Twenty times as long is longer than until the next look by itself.
    at_pace(gaps, 31_000)
    assert gaps.due_ms is None


def test_where_nothing_is_looked_for_by_itself_no_sign_counts() -> None:
    gaps = Gaps(replace(RULES, missed_sweep_seconds=0))
    at_pace(gaps, 1_000)
    gaps.suspect(START_MS)
    assert gaps.due_ms is None


async def settled_stage(rules: SendingRules = RULES) -> Stage:
    """A publisher that looked when it began, found nothing, and looks again in ten minutes."""
    stage = Stage(rules)
    stage.looked()
    await stage.hold()
    await asyncio.sleep(30)
    assert stage.service.stats().searched == 1
    return stage


async def tell(stage: Stage, sign: str) -> None:
    request = SearchRequest(account=ACCOUNT, since_ms=virtual_ms(), sign=sign)
    message = outbox_message((), at_ms=virtual_ms(), searches=(request,))
    await stage.bus.publish(Queue.OUTBOX, 0, [encode(message)])


def test_what_a_sign_tells_of_is_taken_in_within_a_minute_and_a_half() -> None:
    async def scenario() -> None:
        stage = await settled_stage()
        async with stage.service:
            stage.instagram.user_wrote(ACCOUNT, "u1", "refused")
            for _ in range(30):
                await tell(stage, "webhook_refused")
            await asyncio.sleep(95)
            assert texts(stage.taken_in()) == ["refused"]
            # At once, and after the grace; what was found is a sign itself.
            assert stage.service.stats().searched == 3
            await asyncio.sleep(1800)
            assert stage.service.stats().searched <= 8

    run_virtual(scenario())


def test_what_a_look_found_is_a_sign_and_while_webhooks_stay_away_it_goes_on() -> None:
    async def scenario() -> None:
        stage = await settled_stage()
        async with stage.service:
            stage.instagram.user_wrote(ACCOUNT, "u1", "first")
            await asyncio.sleep(650)
            assert texts(stage.taken_in()) == ["first"]
            for word in ("second", "third", "fourth"):
                stage.instagram.user_wrote(ACCOUNT, "u1", word)
                found = []
                for _ in range(14):
                    await asyncio.sleep(10)
                    found += texts(stage.taken_in())
                assert found == [word]

    run_virtual(scenario())


def test_a_queue_that_was_not_reachable_is_a_sign_for_every_account() -> None:
    async def scenario() -> None:
        stage = await settled_stage()
        async with stage.service:
            stage.instagram.user_wrote(ACCOUNT, "u1", "refused")
            await stage.bus.lose_subscriptions()
            stage.bus.fail = lambda _: BusUnavailable()
            await asyncio.sleep(20)
            stage.bus.fail = lambda _: None
            await asyncio.sleep(95)
            assert texts(stage.taken_in()) == ["refused"]

    run_virtual(scenario())


def test_a_long_silence_of_a_busy_account_is_looked_into() -> None:
    async def scenario() -> None:
        stage = await settled_stage()
        async with stage.service:
            for _ in range(25):
                action = ActionRequest(
                    account=ACCOUNT, user="u2", action="typing_on", until_ms=virtual_ms()
                )
                message = outbox_message((), at_ms=virtual_ms(), actions=(action,))
                await stage.bus.publish(Queue.OUTBOX, 0, [encode(message)])
                await asyncio.sleep(3)
            stage.instagram.user_wrote(ACCOUNT, "u1", "nobody heard of it")
            await asyncio.sleep(70)
            assert texts(stage.taken_in()) == ["nobody heard of it"]

    run_virtual(scenario())
