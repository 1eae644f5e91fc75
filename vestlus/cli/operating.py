"""What commands of operators share: the store and the bus beside a running service, and output."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.cli.noting import handing_in, work_done
from vestlus.clock import Clock, system_clock
from vestlus.conversation.events import Event
from vestlus.conversation.identity import partition_of
from vestlus.desk.conversations import HandIn
from vestlus.desk.dead_letters import Handing
from vestlus.desk.moments import moment
from vestlus.messages import encode, inbox_message
from vestlus.settings import Mode, Settings, load_settings
from vestlus.store.open import open_store
from vestlus.store.port import Store

__all__ = ["AsJson", "Service", "moment", "print_json", "run"]

AsJson = Annotated[bool, Parameter(name="--json", negative="")]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service keeps its things, for as long as a command runs."""

    store: Store
    bus: Bus
    settings: Settings
    clock: Clock = system_clock

    async def hand_in(self, event: Event) -> None:
        """Publishes an act to its user's partition, durably; its owner does it within moments."""
        partition = partition_of(event.account, event.user or "", self.settings.partitions)
        message = encode(inbox_message((event,), at_ms=system_clock()))
        await self.bus.publish(Queue.INBOX, partition, [message])

    @property
    def hand_in_written(self) -> HandIn:
        """The same for acts upon conversations, each with its entry in the audit before it."""

        async def hand_in(event: Event) -> None:
            async with handing_in(self.store, event.conversation or "", event.key, event.account):
                await self.hand_in(event)

        return hand_in

    @property
    def handing_written(self) -> Handing:
        """The same for dead letters."""
        return lambda letter, key: handing_in(self.store, letter.id, key, letter.account or "")


@asynccontextmanager
async def _service() -> AsyncIterator[Service]:
    settings = load_settings(mode=Mode.OPERATE)
    topology = Topology(inbox=settings.partitions)
    store = open_store(
        settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
    )
    async with store as opened, open_bus(settings.bus, topology) as bus:
        yield Service(opened, bus, settings)


def run(work: Callable[[Service], Awaitable[T]]) -> T:
    """Runs a command's work beside the service; the audit is told that it went through. Raises
    VestlusError.
    """

    async def main() -> T:
        async with _service() as service:
            return await work(service)

    done = asyncio.run(main())
    work_done()
    return done


def print_json(value: dict[str, Any] | Sequence[Any]) -> None:
    """Prints for programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2))  # noqa: T201 - a command's output
