"""One load from its first message to the verdict."""

import asyncio
import io
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

import aiohttp
from PIL import Image

from vestlus.simulator import checker
from vestlus.simulator.jsontypes import JsonObject, as_list, as_object
from vestlus.simulator.load.control import Control, Faults, events
from vestlus.simulator.load.journal import Journal
from vestlus.simulator.load.plan import Plan
from vestlus.simulator.load.posting import Writers
from vestlus.simulator.load.schedule import Post, draw_posts
from vestlus.simulator.load.warming import seq_of, warm_up
from vestlus.simulator.tasks import TaskGroup
from vestlus.simulator.webhook_post import WebhookPoster

#: How often Graph is asked what users received. No latency comes of it: Graph notes the times.
LOOK_SECONDS = 0.1
#: Between two lines on how it goes.
LINE_SECONDS = 1.0
#: Of each kind of breach, so many are told of one by one.
EXAMPLES = 20
#: Connections to the service at once, so that a slow one exhausts nobody's sockets. Who waits for
#: one is waiting for the service: the time counts.
CONNECTIONS = 512
PICTURE_SIZE = (320, 240)

Emit = Callable[[JsonObject], None]


class Load:
    """Runs a plan. `stop` may be set at any time: then what there is is judged."""

    def __init__(self, plan: Plan, emit: Emit, stop: asyncio.Event) -> None:
        self._plan = plan
        self._emit = emit
        self._stop = stop
        self._journal = Journal()
        self._seen = self._turn_seen = self._second = 0
        self._in_model = 0

    async def run(self) -> None:
        """Run it; every second a line, and the verdict at the end.

        Raises:
            NotAnsweredError: If the service does not answer at all.

        """
        plan = self._plan
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))
            )
            inner = await stack.enter_async_context(aiohttp.ClientSession())
            self._graph, self._model = (
                Control(inner, plan.graph_url),
                Control(inner, plan.model_url),
            )
            failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            # What is still posted again when the load ends is given up with it.
            tasks = TaskGroup("load", lambda error: _fail(failed, error))
            stack.push_async_callback(tasks.cancel)
            poster = WebhookPoster(plan.webhook_url, plan.app_secret, session)
            picture = await self._graph.upload(_picture())
            self._seen = await warm_up(plan, self._graph, self._model, poster, self._stop)
            writers = Writers(
                plan, self._graph, poster, self._journal, picture=picture, tasks=tasks
            )
            posts = await asyncio.to_thread(draw_posts, plan)
            await self._model.post("model", {"latency_seconds": plan.model_latency})
            await self._through(writers, posts, failed)

    async def _through(
        self, writers: Writers, posts: list[Post], failed: asyncio.Future[None]
    ) -> None:
        start = time.time() + 0.2
        self._emit({"kind": "started", "at": start})
        writing = asyncio.create_task(writers.write(posts, start), name="writing")
        watching = asyncio.create_task(self._watch(start), name="watching")
        breaking = asyncio.create_task(self._break(start), name="breaking")
        stopping = asyncio.create_task(self._stop.wait(), name="stopping")
        side = {watching, breaking, stopping, writing}
        try:
            await self._first_of(writing, {watching, stopping, failed})
            # The last arrivals may be some time before the end that was asked for.
            rest = start + self._plan.seconds - time.time()
            await self._first_of(_timer(rest), {watching, stopping, failed})
            written_until = time.time()
            at_end: JsonObject = {
                "seconds": written_until - start,
                "in_flight": self._journal.in_flight,
                "in_model": self._in_model,
                "answered": self._journal.answered,
                "due": self._journal.written,
            }
            drained = asyncio.create_task(self._drain(), name="draining")
            await self._first_of(drained, {watching, stopping, failed})
        finally:
            for task in side:
                task.cancel()
            await asyncio.wait(side)
        await self._look()
        self._line()
        await self._judge(at_end)

    async def _first_of(
        self, main: "asyncio.Task[None]", others: "set[asyncio.Future[None] | asyncio.Task[bool]]"
    ) -> None:
        """Wait for the main task, or until it is told to stop, or something fails."""
        waited: set[asyncio.Future[object]] = {main, *others}  # type: ignore[arg-type]
        done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if main not in done:
            main.cancel()
            with suppress(asyncio.CancelledError):
                await main
        for task in done:
            task.result()

    async def _watch(self, start: float) -> None:
        next_line = start + LINE_SECONDS
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()
            if time.time() >= next_line:
                await self._ask_model()
                self._line()
                next_line += LINE_SECONDS

    async def _look(self) -> None:
        while True:
            found = await self._graph.get("feed", after=self._seen, direction="out", limit=1000)
            messages = as_list(found["messages"], "messages")
            if not messages:
                return
            self._seen = max(seq_of(each) for each in messages)
            self._journal.received(messages)

    async def _ask_model(self) -> None:
        found = await self._model.get("model-turns", after=self._turn_seen)
        turns = as_list(found["turns"], "turns")
        self._turn_seen = max((seq_of(each) for each in turns), default=self._turn_seen)
        under_way = found["under_way"]
        self._in_model = under_way if isinstance(under_way, int) else 0
        self._journal.model_turned(turns)

    def _line(self) -> None:
        journal = self._journal
        self._second += 1
        statuses: JsonObject = {str(key): n for key, n in sorted(journal.statuses.items())}
        self._emit(
            {
                "kind": "second",
                "second": self._second,
                **journal.take(time.time()).to_json(),
                "in_flight": journal.in_flight,
                "in_model": self._in_model,
                "not_taken_in": journal.not_taken_in,
                "statuses": statuses,
            }
        )

    async def _break(self, start: float) -> None:
        faults = Faults(self._graph, self._model)
        usual = as_object(await self._graph.post("webhooks", {}), "webhooks")
        for at, begins, fault in events(self._plan.faults):
            await asyncio.sleep(max(0.0, start + at - time.time()))
            if begins:
                await faults.begin(fault)
            else:
                await faults.end(fault, usual)

    async def _drain(self) -> None:
        deadline = time.time() + self._plan.drain
        while self._journal.in_flight and time.time() < deadline:  # noqa: ASYNC110 - of another task
            await asyncio.sleep(LOOK_SECONDS)

    async def _judge(self, at_end: JsonObject) -> None:
        verdict = await asyncio.to_thread(checker.check, self._journal.conversations())
        found = verdict.to_json()
        breaches = {name: each for name, each in found.items() if isinstance(each, list)}
        graph, model = await self._graph.get("stats"), await self._model.get("stats")
        self._emit(
            {
                "kind": "ended",
                "stopped": self._stop.is_set(),
                "at_end": at_end,
                "in_flight": self._journal.in_flight,
                "verdict": {
                    **found,
                    **{name: len(each) for name, each in breaches.items()},
                },
                "examples": {name: each[:EXAMPLES] for name, each in breaches.items() if each},
                "graph_calls": graph["graph_calls"],
                "graph_over_limit": graph["graph_over_limit"],
                "graph_faults_fired": graph["graph_faults_fired"],
                "model_calls": model["model_calls"],
                "model_faults_fired": model["model_faults_fired"],
                "echo_statuses": graph["webhook_statuses"],
            }
        )


def _fail(failed: "asyncio.Future[None]", error: BaseException) -> None:
    if not failed.done():
        failed.set_exception(error)


def _timer(seconds: float) -> "asyncio.Task[None]":
    return asyncio.create_task(asyncio.sleep(max(0.0, seconds)), name="rest")


def _picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", PICTURE_SIZE, (120, 160, 90)).save(made, "PNG")
    return made.getvalue()
