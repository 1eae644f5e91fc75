"""A backlog is sent at Meta's rate by the real service: nothing is too much, lost or out of order.

How fast it is, ``python -m benchmarks.drain`` says.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.drain import drain
from benchmarks.sending import stage


async def test_a_backlog_is_sent_in_order_and_nothing_is_throttled(tmp_path: Path) -> None:
    async with stage(tmp_path) as opened:
        found = await drain(opened, answers=360, parts=3, latency=0.05)
    assert found.throttled == 0
    assert found.most_in_a_second <= 100
    assert found.wrong == 0
    assert found.rows == {"sent": 360}
    assert found.calls == {"messages": 360}
