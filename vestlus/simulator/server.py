"""Puts the simulator together and runs it."""

import asyncio
import random
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from vestlus.simulator.arrivals import Arrivals
from vestlus.simulator.config import SimulatorConfig
from vestlus.simulator.control import ControlApi
from vestlus.simulator.control_faults import FaultControlApi
from vestlus.simulator.control_input import refuse_bad_input
from vestlus.simulator.control_people import PeopleControlApi
from vestlus.simulator.control_publishing import PublishingControlApi
from vestlus.simulator.control_tokens import TokenControlApi
from vestlus.simulator.faults import (
    GRAPH_KINDS,
    GRAPH_OPS,
    MODEL_KINDS,
    MODEL_OPS,
    FaultPlan,
)
from vestlus.simulator.graph import GraphApi
from vestlus.simulator.graph_publish import PublishApi
from vestlus.simulator.graph_rate import RateMeter
from vestlus.simulator.graph_send import SendApi
from vestlus.simulator.graph_tokens import GraphTokenApi
from vestlus.simulator.media import MediaStore
from vestlus.simulator.model import ModelApi
from vestlus.simulator.model_http import RequestLog
from vestlus.simulator.moderation import ModerationApi
from vestlus.simulator.page import ChatPage
from vestlus.simulator.persistence import DataFile
from vestlus.simulator.posts import Posts
from vestlus.simulator.state import State
from vestlus.simulator.tasks import TaskGroup
from vestlus.simulator.tokens import TokenDesk
from vestlus.simulator.webhook_post import WebhookPoster
from vestlus.simulator.webhooks import WebhookSender

# Large enough for a batch of a thousand events and for a picture.
LARGEST_BODY = 32 * 1024 * 1024
SHUTDOWN_SECONDS = 2.0
BACKLOG = 1024


class Simulator:
    """A running simulator: `async with Simulator(config) as simulator`.

    Leaving the block stops it: no new requests, webhooks stop, what is undelivered and the
    history are in the data file. `clock` gives Unix seconds, `monotonic` seconds for rates.
    """

    def __init__(
        self,
        config: SimulatorConfig,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = ""
        self._config = config
        self._clock = clock
        self._monotonic = monotonic
        self._stack = AsyncExitStack()
        self._failed: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def wait_failed(self) -> None:
        """Wait until something inside has failed, and raise it."""
        if self._failed is None:
            message = "the simulator is not running"
            raise RuntimeError(message)
        await asyncio.shield(self._failed)

    async def _start(self, stack: AsyncExitStack) -> None:  # noqa: PLR0915 - it joins all parts
        config = self._config
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()
        self._failed = failed

        def fail(error: BaseException) -> None:
            if not failed.done():
                failed.set_exception(error)
                # Without this an owner that never waits would be told of it at exit.
                failed.exception()

        def fail_from_thread(error: sqlite3.Error) -> None:
            loop.call_soon_threadsafe(fail, error)

        data = DataFile(config.data, fail_from_thread)
        saved = await asyncio.to_thread(data.open)
        stack.push_async_callback(asyncio.to_thread, data.close)
        # Each part draws from its own stream, so that one does not disturb another's chances.
        seeds = random.Random(config.seed)  # noqa: S311  (chances of a simulation)

        def rng() -> random.Random:
            return random.Random(seeds.random())  # noqa: S311

        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        tasks = TaskGroup("simulator", fail)
        stack.push_async_callback(tasks.cancel)
        ids = rng()
        if config.run:
            ids.seed(f"{config.seed} {config.run}")
        state = State(config.account_ids, data, saved, clock=self._clock, rng=ids)
        media = MediaStore(data, session)
        webhooks = WebhookSender(
            WebhookPoster(config.webhook_url, config.app_secret, session),
            state,
            data,
            rng=rng(),
            tasks=tasks,
        )
        stack.push_async_callback(webhooks.stop)
        graph_faults = FaultPlan(GRAPH_KINDS, GRAPH_OPS, rng())
        model_faults = FaultPlan(MODEL_KINDS, MODEL_OPS, rng())
        meter = RateMeter(self._monotonic, newest=lambda: state.last_seq)
        sender = SendApi(state, webhooks, media, meter=meter, faults=graph_faults, tasks=tasks)
        tokens = TokenDesk(
            config.account_ids,
            access_token=config.access_token,
            app_secret=config.app_secret,
            clock=self._clock,
        )
        arrivals = Arrivals()
        # Its chances come last, so that those of the parts before stay what they were.
        graph_rng, tokens_rng, model_rng = rng(), rng(), rng()
        posts = Posts(data, saved, clock=self._clock, rng=rng())
        publisher = PublishApi(posts, media, faults=graph_faults, tasks=tasks)
        graph = GraphApi(
            state,
            sender,
            publisher,
            meter,
            graph_faults,
            arrivals=arrivals,
            tokens=tokens,
            rng=graph_rng,
        )
        graph_tokens = GraphTokenApi(tokens, graph.calls, rng=tokens_rng)
        log = RequestLog(self._clock)
        model = ModelApi(model_faults, log, sender.times, clock=self._clock, rng=model_rng)
        moderation = ModerationApi(log)
        page = ChatPage(state, media)
        control = ControlApi(config, state, webhooks, media, meter)
        people = PeopleControlApi(state, webhooks)
        token_control = TokenControlApi(state, tokens)
        publishing = PublishingControlApi(state, posts)
        fault_control = FaultControlApi(
            state,
            webhooks,
            graph=graph,
            meter=meter,
            model=model,
            moderation=moderation,
            graph_faults=graph_faults,
            model_faults=model_faults,
        )
        instagram = (graph, graph_tokens, control, people, token_control, publishing, page)
        halves = {"graph": instagram, "model": (model, moderation)}
        wanted = [each for name in halves if config.only in {None, name} for each in halves[name]]
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[refuse_bad_input])
        for part in (*wanted, fault_control):
            app.add_routes(part.routes())
        await self._listen(app, arrivals, stack)
        state.origin = self.url
        stack.callback(page.stop)
        webhooks.start(saved.webhooks)

    async def _listen(
        self, app: web.Application, arrivals: Arrivals, stack: AsyncExitStack
    ) -> None:
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        family = socket.AF_INET6 if ":" in self._config.host else socket.AF_INET
        bound = socket.create_server(
            (self._config.host, self._config.port), family=family, backlog=BACKLOG
        )
        site = web.SockSite(runner, arrivals.listening(bound), backlog=BACKLOG)
        await site.start()
        host, port = runner.addresses[0][:2]
        # Every address of the machine is none to be reached at.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
