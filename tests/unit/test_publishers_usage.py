"""Meta's usage headers: how fast an account may go by what was told of each limit."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from publishers.usage import (
    REGAIN_SECONDS,
    SLOWEST_FACTOR,
    KnownUsage,
    usage_factor,
)
from tests.fakes.clock import run_virtual
from tests.fakes.messaging import Fault, once
from tests.fakes.outbox import Place, told
from vestlus.instagram.usage import BUSINESS_HEADER, Load, Usage, parse_usage
from vestlus.instagram.usage_told import REMEMBERED_SECONDS

loads = st.builds(
    Load,
    kind=st.sampled_from(["", "messenger", "instagram"]),
    id=st.sampled_from(["", "1", "2"]),
    calls=st.floats(0, 120),
    cpu=st.floats(0, 95),
    regain_minutes=st.one_of(st.just(0.0), st.floats(0.1, 60)),
)
answers = st.lists(
    st.tuples(st.floats(0, REMEMBERED_SECONDS / 2), st.builds(Usage, st.lists(loads, max_size=3))),
    max_size=20,
)


@given(st.floats(0, 200))
def test_the_nearer_metas_limit_the_slower_but_never_stopped_for_good(percent: float) -> None:
    assert SLOWEST_FACTOR <= usage_factor(percent) <= 1
    assert usage_factor(percent) >= usage_factor(percent + 1)
    assert usage_factor(percent) == 1 or percent > 80


@given(answers, st.floats(0, 2 * REMEMBERED_SECONDS))
def test_the_fullest_limit_of_the_last_hour_decides_by_what_was_told_of_it_last(
    told_after: list[tuple[float, Usage]], later: float
) -> None:
    known, now = KnownUsage(), 0.0
    last: dict[tuple[str, str], tuple[float, float]] = {}
    for after, usage in told_after:
        now += after
        lost = [one for one in usage.loads if one.regain_minutes or one.percent >= 100]
        waits = [one.regain_minutes * 60 or REGAIN_SECONDS for one in lost]
        assert known.note(usage, now) == max(waits, default=0.0)
        for load in usage.loads:
            last[load.id, load.kind] = (0.0 if load in lost else load.percent, now)
    now += later
    fresh = [percent for percent, at in last.values() if now - at < REMEMBERED_SECONDS]
    assert known.factor(now) == usage_factor(max(fresh, default=0.0))


def test_an_answer_that_names_no_limit_or_another_one_lifts_nothing() -> None:
    known = KnownUsage()
    known.note(told(99), 0.0)
    slow = known.factor(0.0)
    for silent in (Usage(), parse_usage({}), told(3, kind="instagram")):
        known.note(silent, 1.0)
        assert known.factor(1.0) == slow < 1
    known.note(told(10), 2.0)
    assert known.factor(2.0) == 1.0


def test_each_use_case_of_a_header_counts_for_itself() -> None:
    cases = [
        {"type": "messenger", "call_count": 95},
        {"type": "instagram", "call_count": 2},
    ]
    known = KnownUsage()
    known.note(parse_usage({BUSINESS_HEADER: json.dumps({"1": cases})}), 0.0)
    assert known.factor(0.0) == usage_factor(95)


def test_a_slow_account_stays_slow_whatever_else_is_asked_of_instagram() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("first")
        async with place.serving() as worker:
            await asyncio.wait_for(place.ledger.settled(), 5)
            worker.usage("a1", told(99))
            place.backlog("a1", 100)
            for _ in range(10):
                await asyncio.sleep(1)
                worker.usage("a1", Usage())
                worker.usage("a1", told(3, kind=""))
            assert 40 <= len(place.instagram.written) <= 60
            await asyncio.wait_for(place.ledger.settled(), 20)

    run_virtual(scenario())


def test_usage_that_slows_an_account_down_does_not_keep_it_from_its_new_token() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = once(Fault.TOKEN)
        place.ledger.add("r1")
        async with place.serving() as worker:
            await asyncio.sleep(1)
            worker.usage("a1", told(85))
            worker.token_renewed("a1")
            await asyncio.wait_for(place.ledger.settled(), 2)

    run_virtual(scenario())
