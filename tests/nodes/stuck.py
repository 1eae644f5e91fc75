"""What of a service stands still, told when somebody waits for an answer in vain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import aiormq
import asyncpg

from vestlus.bus.port import Topology

#: Who has a lease and until when; who is there; what nobody has finished for a while. Seconds.
_QUESTIONS: Final = {
    "leases": "SELECT name, member_id, epoch, (expires_ms - now_ms) / 1000 FROM lease, clock "
    "ORDER BY name",
    "assigned": "SELECT lease, member_id FROM assignment ORDER BY lease",
    "members": "SELECT id, host, (now_ms - heartbeat_ms) / 1000 FROM member, clock ORDER BY id",
    "events": "SELECT e.conversation, e.partition, e.state, (now_ms - e.recorded_ms) / 1000, "
    "c.silence, c.failures, c.takeovers, (c.wake_ms - now_ms) / 1000 FROM clock, inbox_event e "
    "LEFT JOIN conversation c ON c.id = e.conversation WHERE e.state IN ('pending', 'undetermined')"
    " AND e.recorded_ms < now_ms - 15000 ORDER BY e.recorded_ms LIMIT 40",
    "sends": "SELECT id, outbox, state, reason, attempts, (now_ms - created_ms) / 1000, "
    "(due_ms - now_ms) / 1000 FROM ledger, clock WHERE state IN ('pending', 'sending', 'looking') "
    "AND created_ms < now_ms - 15000 LIMIT 40",
    "sent": "SELECT state, reason, count(*) FROM ledger GROUP BY 1, 2",
    "dead letters": "SELECT source, reason, count(*) FROM dead_letter GROUP BY 1, 2",
    "sessions": "SELECT state, wait_event_type, wait_event, count(*), max(now() - state_change) "
    "FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1, 2, 3",
}
_CLOCK: Final = (
    "WITH clock AS (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now_ms) "
)


async def tell_what_stands_still(settings: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Asks store and broker; a queue with messages or two consumers is told with both numbers."""
    store = await asyncpg.connect(settings["VESTLUS_DATABASE_URL"])
    try:
        for what, question in _QUESTIONS.items():
            rows = await store.fetch(_CLOCK + question)
            say(f"{what}: {[tuple(row) for row in rows]}")
    finally:
        await store.close()
    broker = await aiormq.connect(settings["VESTLUS_BUS_URL"])
    try:
        channel = await broker.channel()
        topology = Topology()
        names = [f"inbox.{number}" for number in range(topology.inbox)]
        names += [f"outbox.{number}" for number in range(topology.outbox)]
        counted = [await channel.queue_declare(name, passive=True) for name in names]
        queues = zip(names, counted, strict=True)
        say(f"queues: {[(name, one.message_count, one.consumer_count) for name, one in queues]}")
    finally:
        await broker.close()
