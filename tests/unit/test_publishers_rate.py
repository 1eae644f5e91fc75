"""Rates: never more than allowed, never stuck, and cancelling costs nothing."""

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publishers.bucket import Bucket, Limit
from publishers.rate import (
    AccountBudget,
    CallKind,
)
from publishers.rules import DEFAULT_LIMITS
from tests.fakes.clock import frozen_for, run_virtual, virtual_monotonic
from tests.fakes.outbox import limited, told

TEXT_LIMIT = DEFAULT_LIMITS.calls[CallKind.TEXT]
LOOK_LIMIT = DEFAULT_LIMITS.calls[CallKind.LOOK]
UPLOAD_LIMIT = DEFAULT_LIMITS.calls[CallKind.UPLOAD]

limits = st.builds(Limit, rate=st.floats(0.1, 500), burst=st.integers(min_value=1, max_value=20))
ceilings = st.builds(
    Limit, rate=st.floats(0.1, 500), burst=st.integers(1, 50), ceiling=st.integers(1, 50)
)
gaps = st.lists(st.floats(0, 5), max_size=200)


def most_within(times: list[float], window: float) -> int:
    """Return the most times that any closed window of that length holds."""
    return max(
        (sum(1 for other in times if first <= other <= first + window) for first in times),
        default=0,
    )


@given(limits, gaps, st.floats(0.01, 10), st.floats(0.05, 1.0))
def test_no_window_holds_more_than_rate_times_window_plus_burst(
    limit: Limit, waits: list[float], window: float, factor: float
) -> None:
    bucket, now, granted = Bucket(limit, 0.0), 0.0, []
    for gap in waits:
        now += gap
        while bucket.take(now, factor=factor):
            granted.append(now)
    # The share of a call: floating point may round a boundary either way.
    assert most_within(granted, window) <= limit.rate * window + limit.burst + 1e-6


@given(ceilings, gaps)
def test_no_second_holds_more_than_its_ceiling_whatever_was_saved_up(
    limit: Limit, waits: list[float]
) -> None:
    bucket, now, granted = Bucket(limit, 0.0), 0.0, []
    for gap in waits:
        now += gap
        while bucket.take(now):
            granted.append(now)
    assert most_within(granted, 1.0) <= (limit.ceiling or 0)


def test_stalls_of_a_quarter_of_a_second_cost_nothing() -> None:
    bucket, now, granted = Bucket(TEXT_LIMIT, 0.0), 0.0, []
    while now < 11:
        # Every second the process is frozen, and else it looks a thousand times a second.
        now += 0.25 if int(now * 4) % 4 == 0 else 0.001
        while bucket.take(now):
            granted.append(now)
    assert len(granted) >= 0.97 * 10 * 100
    assert most_within(granted, 1.0) <= 98


@pytest.mark.parametrize(("share", "saved"), [(1.0, False), (0.7, True)])
def test_who_calls_as_often_as_may_be_saves_nothing_up(*, share: float, saved: bool) -> None:
    bucket, granted = Bucket(TEXT_LIMIT, 0.0), 0
    for tick in range(1, 10_001):
        now = tick / 1000
        if granted < share * TEXT_LIMIT.rate * now and bucket.take(now):
            granted += 1
        # The first seconds have what the holder before may have used up.
        if tick > 3000:
            assert bucket.has_saved(now) is saved


@given(limits, gaps)
def test_whoever_waits_as_long_as_told_is_granted(limit: Limit, waits: list[float]) -> None:
    bucket, now = Bucket(limit, 0.0), 0.0
    for gap in waits:
        now += gap + 1e-6 + bucket.wait(now + gap)
        assert bucket.take(now)
        assert bucket.wait(now) <= 1 / limit.rate + 1e-6


@given(limits)
def test_a_bucket_starts_empty(limit: Limit) -> None:
    bucket = Bucket(limit, 0.0)
    assert not bucket.take(0.0)
    assert bucket.wait(0.0) == pytest.approx(1 / limit.rate)


@pytest.mark.parametrize(
    ("limit", "allowed"), [(TEXT_LIMIT, 99), (LOOK_LIMIT, 2), (UPLOAD_LIMIT, 8)]
)
def test_the_defaults_never_exceed_metas_limit_in_any_second(limit: Limit, allowed: int) -> None:
    bucket, now, granted = Bucket(limit, 0.0), 0.0, []
    while now < 20:
        now += 0.0007
        while bucket.take(now):
            granted.append(now)
    assert most_within(granted, 1.0) <= allowed
    assert len(granted) >= 0.95 * allowed * 19.4


@pytest.mark.parametrize(
    ("rate", "burst", "ceiling"),
    [(0, 1, None), (-1, 1, None), (1, 0, None), (math.nan, 1, None), (1, 1, 0)],
)
def test_a_senseless_limit_is_refused(rate: float, burst: int, ceiling: int | None) -> None:
    with pytest.raises(ValueError, match="rate above 0"):
        Limit(rate, burst, ceiling)


def budget(text: Limit = TEXT_LIMIT) -> AccountBudget:
    return AccountBudget(limited(text=text).calls, virtual_monotonic)


def test_waiting_takers_are_served_in_order_at_the_rate() -> None:
    async def scenario() -> None:
        account = budget(Limit(10))
        served: list[int] = []

        async def one(number: int) -> None:
            await account.take(CallKind.TEXT)
            served.append(number)

        await asyncio.gather(*(one(number) for number in range(30)))
        assert served == list(range(30))
        assert virtual_monotonic() == pytest.approx(3.0, abs=0.01)

    run_virtual(scenario())


def test_a_cancelled_taker_spends_nothing() -> None:
    async def scenario() -> None:
        account = budget(Limit(10))
        takers = [asyncio.create_task(account.take(CallKind.TEXT)) for _ in range(3)]
        await asyncio.sleep(0.01)
        takers[0].cancel()
        await takers[1]
        assert virtual_monotonic() == pytest.approx(0.1, abs=0.001)
        await takers[2]
        assert virtual_monotonic() == pytest.approx(0.2, abs=0.001)

    run_virtual(scenario())


def test_classes_of_call_do_not_wait_for_each_other() -> None:
    async def scenario() -> None:
        account = budget(Limit(0.1))
        waiting = asyncio.create_task(account.take(CallKind.TEXT))
        await account.take(CallKind.LOOK)
        assert virtual_monotonic() < 1.1
        assert not waiting.done()
        waiting.cancel()

    run_virtual(scenario())


def test_a_pause_holds_every_class_and_a_new_token_lifts_one_that_waits_for_it() -> None:
    async def scenario() -> None:
        account = budget()
        account.pause(100, until_renewed=True)
        account.pause(10)
        for _ in range(99):
            assert not any([await account.take(kind) for kind in CallKind])
            await asyncio.sleep(1)
        account.resume()
        assert all(await asyncio.gather(*(account.take(kind) for kind in CallKind)))

    run_virtual(scenario())


@pytest.mark.parametrize("what", ["account", "class"])
def test_a_pause_that_begins_sends_away_who_waits_and_costs_nothing(what: str) -> None:
    async def scenario() -> None:
        account = AccountBudget(limited(look=Limit(0.5)).calls, virtual_monotonic)
        assert await account.take(CallKind.LOOK)
        granted = virtual_monotonic()
        waiting = asyncio.create_task(account.take(CallKind.LOOK, 3))
        await asyncio.sleep(2.5)
        if what == "account":
            account.pause(0.6)
        else:
            account.pause_class(CallKind.LOOK, 0.6)
        assert not await waiting
        assert virtual_monotonic() <= granted + 3
        await asyncio.sleep(account.paused_seconds(CallKind.LOOK))
        before = virtual_monotonic()
        assert await account.take(CallKind.LOOK)
        assert virtual_monotonic() == before

    run_virtual(scenario())


def test_writing_is_refused_when_the_moment_is_too_far_off() -> None:
    async def scenario() -> None:
        account = budget(Limit(1))
        assert await account.pace(2)
        assert not await account.pace(0.5)
        account.pause(60)
        assert not await account.pace(5)

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("percent", "regain_seconds", "stopped"), [(100, 120, 120), (10, 120, 120), (100, 0, 60)]
)
def test_lost_access_stops_for_as_long_as_meta_says(
    percent: float, regain_seconds: float, stopped: float
) -> None:
    async def scenario() -> None:
        account = budget()
        await asyncio.sleep(1)
        assert account.usage(told(percent, minutes=regain_seconds / 60)) == stopped
        assert account.paused_seconds() == stopped
        assert not await account.take(CallKind.TEXT)
        await asyncio.sleep(stopped)
        assert await account.take(CallKind.TEXT)
        assert virtual_monotonic() == pytest.approx(1 + stopped, abs=1)

    run_virtual(scenario())


def test_usage_near_the_limit_slows_down() -> None:
    async def scenario() -> float:
        account = budget(Limit(100))
        account.usage(told(90))
        for _ in range(20):
            await account.take(CallKind.TEXT)
        return virtual_monotonic()

    assert run_virtual(scenario()) == pytest.approx(2 * 20 / 100, rel=0.1)


@given(limits, st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=100))
def test_calls_given_back_let_nobody_exceed_the_limit(
    limit: Limit, steps: list[tuple[float, bool]]
) -> None:
    bucket, now, made = Bucket(limit, 0.0), 0.0, []
    for gap, is_used in steps:
        now += gap
        while bucket.take(now):
            if not is_used:
                bucket.give_back()
                break
            made.append(now)
    assert most_within(made, 1.0) <= limit.rate + limit.burst + 1e-6


@given(limits, gaps)
def test_reserved_calls_made_when_told_keep_to_the_limit(limit: Limit, waits: list[float]) -> None:
    bucket, now, made = Bucket(limit, 0.0), 0.0, []
    for gap in waits:
        now += gap
        made.append(now + bucket.reserve(now))
    assert most_within(made, 1.0) <= limit.rate + limit.burst + 1e-6


def test_a_call_that_is_wanted_soon_is_had_soon_or_not_at_all() -> None:
    async def scenario() -> None:
        account = AccountBudget(limited(upload=Limit(1)).calls, virtual_monotonic)
        assert await account.take_within(CallKind.UPLOAD, 1.5)
        assert virtual_monotonic() == pytest.approx(1)
        wanted = [account.take_within(CallKind.UPLOAD, 2.5) for _ in range(5)]
        assert await asyncio.gather(*wanted) == [True, True, False, False, False]
        account.pause_class(CallKind.UPLOAD, 10)
        assert not await account.take_within(CallKind.UPLOAD, 2.5)
        await asyncio.sleep(10)
        assert await account.take_within(CallKind.UPLOAD, 2.5)
        account.pause(5)
        assert not await account.take_within(CallKind.UPLOAD, 100)

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("kind", "allowed"), [(CallKind.TEXT, 100), (CallKind.ACTION, 100), (CallKind.UPLOAD, 10)]
)
@settings(deadline=None, max_examples=60)
@given(
    before=st.lists(st.floats(0, 1.5), max_size=30),
    between=st.dictionaries(st.integers(0, 250), st.floats(0, 1.5), max_size=30),
    others=st.lists(st.tuples(st.floats(0, 4), st.floats(0, 1.5)), max_size=10),
)
def test_no_second_holds_more_than_metas_limit_however_the_process_is_frozen(
    kind: CallKind,
    allowed: int,
    before: list[float],
    between: dict[int, float],
    others: list[tuple[float, float]],
) -> None:
    written: list[float] = []

    async def request(account: AccountBudget, connecting: float) -> None:
        await asyncio.sleep(connecting)
        assert await account.pace(200, kind)
        # Frozen after the grant and before the write: nothing of ours runs in between.
        frozen_for(between.get(len(written), 0.0))
        written.append(virtual_monotonic())

    async def freezes(after: float, seconds: float) -> None:
        await asyncio.sleep(after)
        frozen_for(seconds)

    async def scenario() -> None:
        account = budget()
        await asyncio.sleep(1)
        waits = before + [0.0] * (250 - len(before))
        await asyncio.gather(
            *(request(account, wait) for wait in waits), *(freezes(*one) for one in others)
        )

    run_virtual(scenario())
    assert len(written) == 250
    assert most_within(written, 1.0) <= allowed


def test_a_spare_call_delays_no_message() -> None:
    async def scenario() -> None:
        account = budget(Limit(100, burst=3))
        assert not account.take_spare()
        await asyncio.sleep(1)
        assert account.take_spare()
        assert not account.take_spare()
        before = virtual_monotonic()
        await account.take(CallKind.TEXT)
        assert await account.pace(1)
        assert virtual_monotonic() == before

    run_virtual(scenario())


@pytest.mark.parametrize("why", ["paused", "extras paused", "near the limit"])
def test_nothing_is_spare_for_an_account_in_trouble(why: str) -> None:
    async def scenario() -> None:
        account = budget()
        await asyncio.sleep(1)
        match why:
            case "paused":
                account.pause(10)
            case "extras paused":
                account.pause_extras(10)
            case _:
                account.usage(told(96))
        assert not account.take_spare()
        account.usage(told(10))
        await asyncio.sleep(11)
        assert account.take_spare()

    run_virtual(scenario())


def test_messages_of_pictures_are_paced_as_messages_and_as_pictures() -> None:
    async def scenario() -> None:
        limits = limited(text=Limit(10), pictures=Limit(2)).calls
        account = AccountBudget(limits, virtual_monotonic)
        await asyncio.gather(*(account.pace(60, CallKind.PICTURES) for _ in range(6)))
        assert virtual_monotonic() == pytest.approx(3, abs=0.01)
        await asyncio.gather(*(account.pace(60) for _ in range(10)))
        assert virtual_monotonic() == pytest.approx(4, abs=0.01)

    run_virtual(scenario())


def test_looks_and_searches_of_an_account_together_keep_to_two_calls_a_second() -> None:
    """A look makes two calls, a search one; which comes next is not known."""

    async def scenario() -> None:
        budget = AccountBudget(DEFAULT_LIMITS.calls, virtual_monotonic)
        # The holder before used its second up to the moment of the takeover.
        called = [virtual_monotonic() - 0.5, virtual_monotonic()]
        for calls in (2, 1, 2, 2, 1, 1, 2):
            await budget.take(CallKind.LOOK, calls)
            for _ in range(calls):
                called.append(virtual_monotonic())
                await asyncio.sleep(0.03)
            budget.spent(CallKind.LOOK, calls)
        assert all(later - earlier > 1 for earlier, later in zip(called, called[2:], strict=False))

    run_virtual(scenario())
