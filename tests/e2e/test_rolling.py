"""An upgrade under traffic: the service beside its successor, and stopped before its successor."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from tests.e2e.conftest import QUICK
from tests.e2e.service import (
    Service,
    everybody,
    family,
    running_serve,
    running_simulator,
)
from tests.e2e.switch import Switch
from tests.e2e.traffic import Habits, Traffic
from tests.services import AmqpSpace
from vestlus.bus.port import Topology
from vestlus.cli.ports import free_port
from vestlus.store.open import open_store

HABITS = Habits(seed=7, users=25)
MODEL_SECONDS = (0.5, 2.0)

#: For the last answers, after everybody stopped writing.
SETTLE_SECONDS = 180.0

#: Turns and sends under way end within it, and everything else takes a few seconds.
STOP_SECONDS = 60.0


class Fleet:
    """Starts and stops whole services, each with a Ray cluster of its own, behind one switch."""

    def __init__(
        self, folder: Path, simulator: str, settings: dict[str, str], switch: Switch
    ) -> None:
        self._folder = folder
        self._simulator = simulator
        self._settings = settings
        self._switch = switch
        self._started = 0

    @contextmanager
    def start(self) -> Iterator[Service]:
        """One more service, which gets no webhooks yet."""
        self._started += 1
        own = {"VESTLUS_HTTP_PORT": str(free_port("127.0.0.1"))}
        folder = self._folder / f"service-{self._started}"
        with running_serve(folder, self._simulator, self._settings | own) as service:
            yield service

    def direct(self, service: Service) -> None:
        """New connections go to this one."""
        self._switch.target = int(service.address.rpartition(":")[2])


def stop(service: Service) -> float:
    """Ends a service as systemd and Kubernetes do; returns how many seconds it took."""
    before = family(service.process.pid)
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(STOP_SECONDS) == 0, service.tail()
    took = time.monotonic() - began
    assert "Not drained in good order" not in service.tail()
    after = {one.pid: one.arguments for one in everybody()}
    assert [one for one in before if after.get(one.pid) == one.arguments] == []
    return took


async def more_answers(traffic: Traffic, running: asyncio.Task[None], count: int) -> None:
    """Waits until so many more answers have come."""
    wanted = traffic.answers + count
    async with asyncio.timeout(120):
        while traffic.answers < wanted:
            assert not running.done(), running.result()
            await asyncio.sleep(0.05)


async def shared(database: str) -> None:
    """Waits until two clusters serve, each some partitions of either kind."""
    topology = Topology()
    store = open_store(database, partitions=topology.inbox, outbox_partitions=topology.outbox)
    async with asyncio.timeout(60), store:
        for prefix in ("inbox.", "outbox."):
            while True:
                assigned = await store.assignment(prefix)
                if len({member.partition("/")[0] for member in assigned.values()}) > 1:
                    break
                await asyncio.sleep(0.2)


async def test_an_upgrade_under_traffic_loses_and_doubles_nothing(
    tmp_path: Path,
    amqp_space: AmqpSpace,
    postgres_database: str,
    say: Callable[[str], None],
) -> None:
    with Switch() as switch, running_simulator(tmp_path, switch.port) as (simulator, settings):
        fleet = Fleet(
            tmp_path,
            simulator,
            settings
            | QUICK
            | {
                "VESTLUS_INGRESS": "default",
                "VESTLUS_BUS_URL": amqp_space.url,
                "VESTLUS_DATABASE_URL": postgres_database,
            },
            switch,
        )
        took: list[float] = []
        with fleet.start() as first:
            fleet.direct(first)
            timeout = aiohttp.ClientTimeout(total=120)
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
                traffic = Traffic(simulator, session, HABITS, accounts=[first.account])
                await traffic.call("model", {"latency_seconds": list(MODEL_SECONDS)})
                running = asyncio.create_task(traffic.run(), name="traffic")
                try:
                    await more_answers(traffic, running, 40)
                    beside = fleet.start()
                    second = await asyncio.to_thread(beside.__enter__)
                    try:
                        await shared(postgres_database)
                        await more_answers(traffic, running, 40)
                        fleet.direct(second)
                        took.append(await asyncio.to_thread(stop, first))
                        await more_answers(traffic, running, 40)
                        took.append(await asyncio.to_thread(stop, second))
                    finally:
                        await asyncio.to_thread(beside.__exit__, None, None, None)
                    after = fleet.start()
                    third = await asyncio.to_thread(after.__enter__)
                    try:
                        fleet.direct(third)
                        await more_answers(traffic, running, 40)
                        traffic.stopped.set()
                        async with asyncio.timeout(SETTLE_SECONDS):
                            await running
                        verdict = await traffic.call("check?after=0&user_prefix=u&wait=20")
                    finally:
                        await asyncio.to_thread(after.__exit__, None, None, None)
                finally:
                    running.cancel()
                    await asyncio.wait({running})
        say(
            f"{traffic.written} messages over three services; drained in "
            f"{took[0]:.1f} s beside the next one, {took[1]:.1f} s alone"
        )
        assert verdict["ok"], verdict
        assert verdict["not_accepted"] == 0
        assert verdict["answered"] == traffic.written
