"""``kill -9`` of every process in turn while 200 users write: all are answered, once, in order.

Few kills here, so that the suite stays short; ``make kills`` makes 20 of each kind on both pairs,
with two webhook replicas instead of the one here, without which no webhook gets through.
On RabbitMQ and PostgreSQL ``tests/chaos`` kills them too, among much else.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.conftest import EMBEDDED
from tests.e2e.kills import KINDS, LEAST_IN_FLIGHT, Plan, run_kills
from tests.e2e.service import Service

KILLS_OF_EACH = 1


@pytest.mark.parametrize("pair", [EMBEDDED], indirect=True)
async def test_nothing_is_lost_doubled_or_out_of_order(
    service: Service, say: Callable[[str], None]
) -> None:
    report = await run_kills(service, Plan(seed=11, kills_of_each=KILLS_OF_EACH), say)
    say(f"{EMBEDDED}: {report.summary()}")
    assert [kill.kind for kill in report.kills].count(KINDS[0]) == KILLS_OF_EACH
    assert min(kill.in_flight for kill in report.kills) >= LEAST_IN_FLIGHT
    assert report.verdict["ok"], report.verdict
    assert report.verdict["not_accepted"] == 0
    assert report.verdict["answered"] == report.written
