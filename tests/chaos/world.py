"""The service, Instagram, the model, broker and database, with a proxy between any two of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from image_bank import starter_folder
from tests.chaos.kinds import HAS_HAPROXY, POSTGRES, RABBITMQ, Place
from tests.chaos.plan import SETTLING_SECONDS, Plan
from tests.chaos.proxy import TcpProxy
from tests.chaos.steps import Steps
from tests.chaos.supervised import Supervised
from tests.e2e.conftest import EMBEDDED
from tests.e2e.service import running_simulator
from tests.services import PostgresServer, RabbitMQServer, Server
from tests.services.kept import free_port
from vestlus.conversation.identity import outbox_partition_of

OUTBOX_PARTITIONS = 4


def _accounts(first: int) -> tuple[str, ...]:
    """One account for each outbox partition, so that every publisher always has some."""
    found: dict[int, str] = {}
    for number in count(first):
        account = f"1784140000{number:07}"
        found.setdefault(outbox_partition_of(account, OUTBOX_PARTITIONS), account)
        if len(found) == OUTBOX_PARTITIONS:
            return tuple(found[partition] for partition in sorted(found))
    raise AssertionError


#: Users write to these, and their requests go wrong.
BUSY = _accounts(1000)
#: Newcomers write to these: what single requests meet is not what a kill costs.
QUIET = _accounts(2000)
#: The scenarios' own, one each since some hold up their whole account, and the one that approves
#: answers first.
STAGES, DESK = tuple(f"1784140000000300{number}" for number in range(5)), "17841400000003009"
ACCOUNTS = (*BUSY, *QUIET, *STAGES, DESK)

COMMON = {
    "VESTLUS_HTTP_HOST": "127.0.0.1",
    "VESTLUS_BURST_WAIT_SECONDS": "0.4",
    "VESTLUS_SETTLING_SECONDS": f"{SETTLING_SECONDS:g}",
    "VESTLUS_WEBHOOK_REPLICAS": "2",
    "VESTLUS_LOG_LEVEL": "INFO",
    # A few users write as no person does.
    "VESTLUS_ANSWERS_PER_USER_HOUR": "0",
    "VESTLUS_ANSWERS_PER_USER_DAY": "0",
    "VESTLUS_INGRESS": "haproxy" if HAS_HAPROXY else "default",
    # Ray's default of 15 has its processes wait for all others: here for Instagram and its users,
    # which in production are on machines of their own.
    "RAY_worker_niceness": "0",
}


@dataclass(frozen=True, slots=True)
class World:
    """Everything that runs, and how to reach and to disturb it."""

    folder: Path
    #: Of the service, for commands beside it.
    settings: Mapping[str, str]
    simulator: str
    proxies: Mapping[Place, TcpProxy]
    servers: Mapping[str, Server]
    serve: Supervised
    steps: Steps


@asynccontextmanager
async def running_world(
    folder: Path,
    say: Callable[[str], None],
    *,
    plan: Plan,
    rabbitmq: RabbitMQServer | None = None,
    postgres: PostgresServer | None = None,
) -> AsyncIterator[World]:
    """Starts everything, on these servers or on the embedded pair, and stops it in good order.

    Raises ServiceError when the service does not start, or leaves a process behind.
    """
    config = folder / "vestlus.toml"
    config.write_text("".join(_tables()), "utf-8")
    port, webhook_port = free_port(), free_port()
    async with AsyncExitStack() as stack:
        simulator, given = stack.enter_context(
            running_simulator(
                folder, port, webhook_port=webhook_port, accounts=ACCOUNTS, seed=plan.seed
            )
        )
        there = _address(simulator)
        upstream = {
            Place.GRAPH: there,
            Place.MODEL: there,
            Place.WEBHOOK: ("127.0.0.1", port),
        }
        servers: dict[str, Server] = {}
        urls: dict[Place, str] = {}
        if rabbitmq is not None and postgres is not None:
            servers = {RABBITMQ: rabbitmq, POSTGRES: postgres}
            urls = {
                Place.BUS: (await asyncio.to_thread(rabbitmq.fresh_space)).url,
                Place.STORE: await asyncio.to_thread(postgres.fresh_database),
            }
            upstream |= {place: _address(url) for place, url in urls.items()}
        proxies = {
            place: await stack.enter_async_context(
                TcpProxy(place, address, port=webhook_port if place is Place.WEBHOOK else None)
            )
            for place, address in upstream.items()
        }
        settings = {
            **given,
            **COMMON,
            "VESTLUS_CONVERSATION_ACTORS": str(plan.actors),
            "VESTLUS_PUBLISHER_ACTORS": str(plan.actors),
            "VESTLUS_CONFIG": str(config),
            "VESTLUS_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "VESTLUS_MEDIA_HOSTS": urlsplit(simulator).netloc,
            "VESTLUS_IMAGE_FOLDER": str(starter_folder()),
            "VESTLUS_GRAPH_URL": f"http://127.0.0.1:{proxies[Place.GRAPH].port}/graph/v25.0",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{proxies[Place.MODEL].port}/openai/v1",
        }
        for name, place in (("BUS", Place.BUS), ("DATABASE", Place.STORE)):
            if place in urls:
                settings[f"VESTLUS_{name}_URL"] = _through(urls[place], proxies[place])
        serve = Supervised(folder, simulator, settings, say)
        stack.push_async_callback(serve.stop)
        await serve.start()
        if rabbitmq is not None:
            await asyncio.to_thread(rabbitmq.settle)
        steps = Steps(urls.get(Place.STORE, f"sqlite:///{folder / 'store.sqlite'}"))
        await steps.begin()
        yield World(folder, settings, simulator, proxies, servers, serve, steps)


def _tables() -> Iterator[str]:
    for account in ACCOUNTS:
        approve = str(account == DESK).lower()
        yield (
            f'[[accounts]]\nid = "{account}"\naccess_token = "the-access-token"\n'
            f"approve = {approve}\n"
        )
    for account in BUSY:
        yield (
            f'[[event_rules]]\nname = "{event_of(account)}"\nevent = "{event_of(account)}"\n'
            f'account = "{account}"\npictures = ["where-to-find-us"]\n'
            'caption = "{{ event.caption }}"\n'
        )


def event_of(account: str) -> str:
    """The event, and its rule, by which this account posts."""
    return f"post-of-{account}"


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 0


def _through(url: str, proxy: TcpProxy) -> str:
    """The same address, with the proxy in its place."""
    parts = urlsplit(url)
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return parts._replace(netloc=f"{user}127.0.0.1:{proxy.port}").geturl()


def is_embedded(pair: str) -> bool:
    """Whether a pair needs no servers."""
    return pair == EMBEDDED
