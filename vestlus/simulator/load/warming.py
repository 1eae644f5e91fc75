"""The first messages, before a load: they tell whether the service is wired up rightly."""

import asyncio
import time
from collections import Counter
from dataclasses import replace

from vestlus.simulator.jsontypes import Json, as_list, as_object
from vestlus.simulator.load.control import Control
from vestlus.simulator.load.journal import Journal
from vestlus.simulator.load.plan import Plan
from vestlus.simulator.load.posting import Writers
from vestlus.simulator.load.schedule import Writing
from vestlus.simulator.tasks import TaskGroup
from vestlus.simulator.webhook_post import WebhookPoster

#: How often Graph is asked what users received.
LOOK_SECONDS = 0.1


class NotAnsweredError(Exception):
    """The first messages, before the load, were not answered in time; says what was seen."""


async def warm_up(
    plan: Plan, graph: Control, model: Control, poster: WebhookPoster, stop: asyncio.Event
) -> int:
    """Have a user of each account answered, so that what is missing shows before the load.

    Returns the number of the newest message at Graph.

    Raises:
        NotAnsweredError: If not all of them are answered in time.

    """
    journal = Journal()
    failed: list[BaseException] = []
    tasks = TaskGroup("warm-up", failed.append)
    # Other users than those of the load.
    others = replace(plan, run=f"8{plan.run[1:]}")
    writers = Writers(others, graph, poster, journal, picture="", tasks=tasks)
    now = time.time()
    for number in range(len(plan.accounts)):
        writing = Writing(0.0, number, 1, "Tere! Mis kell te avate?", picture=False)
        writers.post(await writers.tell([writing], now, 0.0))
    deadline = now + plan.patience
    seen = 0
    try:
        while journal.in_flight and time.time() < deadline and not stop.is_set():
            await asyncio.sleep(LOOK_SECONDS)
            found = await graph.get("feed", after=seen, direction="out")
            messages = as_list(found["messages"], "messages")
            seen = max((seq_of(each) for each in messages), default=seen)
            journal.received(messages)
    finally:
        await tasks.cancel()
    if failed:
        raise failed[0]
    if journal.in_flight and not stop.is_set():
        raise NotAnsweredError(await _diagnosis(plan, graph, model, journal))
    return seen


async def _diagnosis(plan: Plan, graph: Control, model: Control, journal: Journal) -> str:
    """Say how far the first messages came."""
    if journal.not_taken_in:
        seen = ", ".join(f"{n} x HTTP {status}" for status, n in journal.statuses.items())
        return (
            f"{plan.webhook_url} did not take the first webhooks ({seen}; 0 is no "
            "answer). 401 is another app secret; 0 a wrong address, or nothing listens there"
        )
    calls = Counter[str]()
    for name, control in (("graph", graph), ("model", model)):
        stats = as_object((await control.get("stats"))[f"{name}_calls"], "calls")
        calls[name] = sum(each for each in stats.values() if isinstance(each, int))
    return (
        f"the first webhooks were taken in and not answered within {plan.patience:g} s. "
        f"The pretend model was asked {calls['model']} times, the pretend Graph "
        f"{calls['graph']} times: where that is 0, the service has another address of it; "
        "otherwise its log says more"
    )


def seq_of(value: Json) -> int:
    """Return the number of a message or a turn."""
    seq = as_object(value, "one")["seq"]
    return seq if isinstance(seq, int) else 0
