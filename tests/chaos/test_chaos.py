"""A minute of everything that breaks, on RabbitMQ and PostgreSQL: all are answered, once, in order.

``make chaos`` goes on for ten, with more kinds of fault.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.chaos.plan import drawn
from tests.chaos.run import run_pair
from tests.e2e.conftest import PRODUCTION
from tests.services import PostgresServer, RabbitMQServer

SECONDS, USERS, SEED = 60.0, 40, 4


async def test_whatever_breaks_nothing_is_lost_doubled_or_out_of_order(
    tmp_path: Path,
    say: Callable[[str], None],
    rabbitmq_server: RabbitMQServer,
    postgres_server: PostgresServer,
) -> None:
    plan = drawn(SEED, SECONDS, users=USERS)
    report = await run_pair(PRODUCTION, plan, tmp_path, say, (rabbitmq_server, postgres_server))
    say(str(report))
    assert report.problems() == [], str(report)
