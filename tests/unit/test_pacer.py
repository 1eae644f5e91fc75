"""Who waits for the key's rate limit, and in which order."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from vestlus.assistant.pace import Call
from vestlus.assistant.pace_line import Asker
from vestlus.assistant.pacer import Pacer
from vestlus.errors import AssistantUnavailable


def pacer(sharers: int = 1, *, most: int = 100) -> Pacer:
    clock = asyncio.get_running_loop().time
    return Pacer(clock, Random(1), lambda: sharers, most=most)  # noqa: S311 - reproducible


def asker(account: str, since: float = 0.0, *, seconds: float = 60.0, later: bool = False) -> Asker:
    until = asyncio.get_running_loop().time() + seconds
    return Asker(account=account, since=since, until=until, later=later)


def left(requests: float, limit: int, reset: str) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": str(limit),
        "x-ratelimit-remaining-requests": f"{requests:g}",
        "x-ratelimit-reset-requests": reset,
    }


async def used_up(one: Pacer, headers: dict[str, str]) -> None:
    """One call is answered with these headers."""
    call = await one.go(asker("first"), 1)
    one.heard(call, headers)
    one.done()


async def settle() -> None:
    """Lets tasks run up to where they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_of_each_account_goes_in_turn_and_of_one_who_has_waited_longest() -> None:
    one = pacer()
    await used_up(one, left(0, 60, "1h"))
    order: list[str] = []

    async def ask(account: str, since: float, *, later: bool = False) -> None:
        name = f"{account}{since:g}"
        async with one.turns(asker(account, since, later=later)).call(1):
            order.append(name)

    wanted = [("a", 2.0), ("a", 1.0), ("a", 3.0), ("b", 9.0), ("c", 5.0)]
    tasks = [asyncio.create_task(ask("late", 0.0, later=True))]
    await settle()
    tasks += [asyncio.create_task(ask(*each)) for each in wanted]
    await settle()
    assert (order, len(one)) == ([], 6)
    # An answer to a call made before says that there is plenty.
    one.heard(one._pace.sent(asyncio.get_running_loop().time(), 1), left(9e5, 1_000_000, "1s"))
    one.done()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert order == ["a1", "b9", "c5", "a2", "a3", "late0"]


async def test_who_gives_up_waiting_holds_up_nobody_and_is_not_counted() -> None:
    one = pacer()
    await used_up(one, left(0, 60, "1h"))
    tasks = [asyncio.create_task(one.go(asker("a", each), 1)) for each in (1.0, 2.0)]
    await settle()
    tasks[0].cancel()
    await asyncio.wait({tasks[0]})
    one.heard(one._pace.sent(asyncio.get_running_loop().time(), 1), left(900, 1000, "1s"))
    one.done()
    await asyncio.wait_for(tasks[1], 10)
    one.done()
    assert (len(one), one._pace.under_way) == (0, 0)


async def test_who_is_let_go_in_the_moment_of_giving_up_is_not_under_way_for_ever() -> None:
    one = pacer()
    await used_up(one, left(0, 60, "1h"))
    task = asyncio.create_task(one.go(asker("a"), 1))
    await settle()
    one.heard(one._pace.sent(asyncio.get_running_loop().time(), 1), left(900, 1000, "1s"))
    one.done()
    while len(one):  # let go, and not run since
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert one._pace.under_way == 0


async def test_who_gets_no_turn_in_time_is_told_so() -> None:
    one = pacer()
    await used_up(one, left(0, 60, "1h"))
    with pytest.raises(AssistantUnavailable, match="paced"):
        await one.go(asker("a", seconds=0.01), 1)
    assert one._pace.under_way == 0


async def test_a_call_waited_for_ahead_and_never_made_is_not_under_way() -> None:
    one = pacer()
    turns = one.turns(asker("a"))
    await turns.ready()
    assert one._pace.under_way == 1
    turns.close()
    turns.close()
    assert one._pace.under_way == 0


async def test_the_first_call_within_uses_the_turn_that_was_waited_for_ahead() -> None:
    one = pacer()
    turns = one.turns(asker("a"))
    await turns.ready()
    for _ in range(2):
        async with turns.call(1):
            assert one._pace.under_way == 1
    turns.close()
    assert (one._pace.under_way, one.counts.calls) == (0, 2)


async def refused(task: asyncio.Task[Call]) -> AssistantUnavailable:
    with pytest.raises(AssistantUnavailable, match="paced") as caught:
        await asyncio.wait_for(task, 10)
    return caught.value


async def test_beyond_its_room_the_crowd_s_youngest_is_told_to_come_again_and_nobody_else() -> None:
    one = pacer(most=4)
    await used_up(one, left(0, 6, "1h"))

    def ask(account: str, since: float) -> asyncio.Task[Call]:
        return asyncio.create_task(one.go(asker(account, since), 1))

    crowd = {since: ask("crowd", since) for since in (1.0, 2.0, 3.0, 9.0)}
    await settle()
    assert len(one) == 4
    # Another account finds room; of its own account the older one does.
    other, older, younger = ask("other", 10.0), ask("crowd", 0.5), ask("crowd", 8.0)
    errors = [await refused(task) for task in (crowd[9.0], crowd[3.0], younger)]
    assert not any(task.done() for task in (other, older, crowd[1.0], crowd[2.0]))
    assert len(one) == 4
    # One after the other, at the pace of the limit, when half of the line has gone.
    waits = sorted(error.again_seconds for error in errors)
    assert waits == pytest.approx([30, 40, 50], abs=1)
    left_over = [other, older, crowd[1.0], crowd[2.0]]
    for task in left_over:
        task.cancel()
    await asyncio.wait(left_over)
    assert len(one) == 0


async def test_summaries_and_captions_take_no_answer_s_room() -> None:
    one = pacer(most=1)
    await used_up(one, left(0, 60, "1h"))
    calls = [asker("a", later=True), asker("b", later=True), asker("a")]
    tasks = [asyncio.create_task(one.go(each, 1)) for each in calls]
    await settle()
    assert len(one) == 3
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_who_gave_up_behind_one_who_waits_is_neither_counted_nor_kept() -> None:
    one = pacer()
    await used_up(one, left(0, 60, "1h"))
    first = asyncio.create_task(one.go(asker("a"), 1))
    await settle()
    for later in (False, True):
        tasks = [
            asyncio.create_task(one.go(asker("a", each, later=later), 1)) for each in range(1, 51)
        ]
        await settle()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert len(one) == 1
    assert one._line.held <= 10
    first.cancel()
    await asyncio.wait({first})
