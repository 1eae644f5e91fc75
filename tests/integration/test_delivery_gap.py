"""A delivery gap is seen, and what Meta gave up meanwhile is soon answered all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.chaos.proxy import TcpProxy
from tests.integration.recovery_support import QUICK, TOPOLOGY, Stage, opened_stage, said
from tests.integration.simulator_harness import FIRST
from tests.services.rabbitmq import AmqpSpace
from vestlus.bus.open import open_bus
from vestlus.clock import system_clock


@asynccontextmanager
async def away(proxy: TcpProxy) -> AsyncIterator[None]:
    """Nobody reaches what is behind the proxy."""
    refusing = asyncio.create_task(proxy.refuse(600))
    try:
        yield
    finally:
        refusing.cancel()
        await asyncio.wait({refusing})


async def refused(stage: Stage, times: int = 1) -> bool:
    """Whether Meta got so many 503s."""
    stats = await stage.client.get("/control/stats")
    return int(stats["webhook_statuses"].get("503", 0)) >= times


@pytest.mark.parametrize("whose", ["everybody's", "the webhook's"])
async def test_what_meta_gave_up_while_the_bus_was_away_is_answered_soon_after(
    whose: str, tmp_path: Path, amqp_space: AmqpSpace
) -> None:
    parts = urlsplit(amqp_space.url)
    upstream = (parts.hostname or "127.0.0.1", parts.port or 0)
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    async with TcpProxy("bus", upstream) as proxy:
        through = parts._replace(netloc=f"{user}127.0.0.1:{proxy.port}").geturl()
        prefix = amqp_space.queue_prefix
        async with (
            open_bus(amqp_space.url, TOPOLOGY, prefix=prefix) as near,
            open_bus(through, TOPOLOGY, prefix=prefix) as far,
            opened_stage(
                tmp_path, far if whose == "everybody's" else near, webhook_bus=far
            ) as stage,
        ):
            await stage.host()
            # Nothing else leads to a look within the test.
            assert QUICK.missed_sweep_seconds >= 600
            await stage.publish(until_ms=system_clock())
            await stage.searched()
            async with away(proxy):
                await stage.client.control("messages", said("a", "Kas olete avatud?"))
                await stage.until(lambda: refused(stage))
                discarded = await stage.client.control("webhooks/discard", {})
                assert discarded == {"discarded": 1}
            assert await stage.got("a", 1) == ["Kas olete avatud?"]
            assert stage.services[0].stats().missed == 1
            assert (await stage.row("a")).account == FIRST


async def test_a_reply_to_a_message_that_never_came_leads_to_that_message(tmp_path: Path) -> None:
    async with (
        open_bus(f"sqlite:///{tmp_path / 'bus.sqlite'}", TOPOLOGY) as bus,
        opened_stage(tmp_path, bus) as stage,
    ):
        await stage.host()
        await stage.publish(until_ms=system_clock())
        await stage.searched()
        (lost,) = await stage.outage(said("a", "Kas olete avatud?"))
        await stage.client.control("webhooks/discard", {})
        await stage.client.control("webhooks", {"paused": False})
        reply = {
            "sender": {"id": "a"},
            "recipient": {"id": FIRST},
            "timestamp": system_clock(),
            "message": {"mid": "reply", "text": "Noh?", "reply_to": {"mid": lost["mid"]}},
        }
        payload = {
            "object": "instagram",
            "entry": [{"id": FIRST, "time": system_clock(), "messaging": [reply]}],
        }
        await stage.client.control("raw-webhook", {"payload": payload})
        first, second = await stage.got("a", 2)
        assert first.startswith("Noh?")
        assert second == "Kas olete avatud?"
        assert stage.services[0].stats().missed == 1
