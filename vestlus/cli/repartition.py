"""``vestlus repartition``: another number of user partitions for a service that is stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from vestlus.cli.beside import AsJson, print_json, say
from vestlus.errors import VestlusError

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.repartition import Repartitioned

#: More would slow the broker down more than they could ever speed the service up.
MOST = 1024
#: How many rows are looked at between two lines of progress.
PROGRESS_ROWS = 100_000


class CannotRepartition(VestlusError):
    """The number is none, or messages wait in the queues. The message says what to mend."""


def repartition(partitions: int, *, as_json: AsJson = False) -> None:
    """Change the number of user partitions of a service that is stopped.

    The number of partitions is the largest number of ConversationActors that have work. Stop every
    service on the store, with the old VESTLUS_PARTITIONS still set, and run this; then set the new
    one everywhere and start. It refuses while a service runs or messages wait in the queues. All of
    it is one transaction: if it breaks off, the store is as it was.

    Parameters
    ----------
    partitions
        How many there shall be.
    as_json
        Print JSON.
    """
    from vestlus.cli.demo_settings import operator_settings
    from vestlus.cli.noting import work_done

    settings = operator_settings()
    old = settings.partitions
    if not 1 <= partitions <= MOST:
        raise CannotRepartition(f"{partitions}: the number of partitions is 1 to {MOST}")
    if partitions == old:
        raise CannotRepartition(
            f"VESTLUS_PARTITIONS={old} already. If the new number is set before the time, set it "
            "back to the one that the store has"
        )
    done = asyncio.run(_repartition(settings, partitions, quiet=as_json))
    work_done()
    if as_json:
        print_json(
            {
                "partitions": partitions,
                "before": old,
                "conversations_moved": done.conversations,
                "events_moved": done.events,
            }
        )
        return
    say(f"{done.conversations} conversations and {done.events} waiting events moved.")
    say(f"Now set VESTLUS_PARTITIONS={partitions} everywhere, and start the service.")
    if partitions < old and settings.bus.startswith("amqp"):
        say(
            f"The queues inbox.{partitions} to inbox.{old - 1} are empty and not used any more: "
            "delete them when you like."
        )


async def _repartition(settings: Settings, partitions: int, *, quiet: bool) -> Repartitioned:
    from vestlus.bus.open import open_bus
    from vestlus.bus.port import Queue, Topology
    from vestlus.store.repartition import repartition as move

    topology = Topology(inbox=settings.partitions)
    async with open_bus(settings.bus, topology) as bus:
        waiting = [depth for depth in await bus.depths(Queue.INBOX) if depth]
    if waiting:
        raise CannotRepartition(
            f"{sum(waiting)} messages wait in {len(waiting)} inbox queues: start the "
            f"service with VESTLUS_PARTITIONS={settings.partitions} and without webhooks, let it "
            "take them in, stop it, and try again"
        )

    told = 0

    def moved(rows: int) -> None:
        nonlocal told
        if not quiet and rows - told >= PROGRESS_ROWS:
            told = rows
            say(f"{rows} rows …")

    return await move(settings.database, settings.partitions, partitions, moved)
