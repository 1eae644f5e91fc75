"""One account's flood of sends beside other accounts of the same outbox partition."""

import asyncio

import pytest

from publishers.bucket import Limit
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.outbox import Place, limited, reference
from tests.fakes.store_ledger import DAY_MS

FLOOD = 3_000
OTHERS = 20
#: A tenth of Meta's rate, so that the flood takes five minutes.
RULES = SendingRules(page=100, longest_page=400, known=400, limits=limited(text=Limit(10)))


def waits(flood: int, *, rung: bool) -> tuple[list[float], int]:
    """How long each of the other accounts waits for its message to be sent, virtual seconds; and
    how much of the flood was sent before the last of them.
    """
    asked: dict[str, float] = {}

    async def scenario() -> tuple[list[float], int]:
        place = Place(rules=RULES)
        # Nearer deadlines than anybody else's: by these alone it would go first.
        bells = place.backlog("flooded", flood, deadline_ms=virtual_ms() + DAY_MS // 4)
        async with place.serving() as worker:
            if rung:
                worker.ring(bells)
            for number in range(OTHERS):
                await asyncio.sleep(0.3)
                row = place.ledger.add(f"r{number}", account=f"a{number}", user="u")
                asked[row.account] = virtual_monotonic()
                worker.ring([reference(row)])
            async with asyncio.timeout(60):
                while not asked.keys() <= {one.account for one in place.instagram.sent}:
                    await asyncio.sleep(0.01)
            begun = {account: at for at, account, _ in place.instagram.written}
            before = sum(one.account == "flooded" for one in place.instagram.sent)
            return [begun[account] - at for account, at in asked.items()], before

    return run_virtual(scenario())


@pytest.mark.parametrize("rung", [False, True])
def test_a_flood_of_one_accounts_sends_holds_up_no_other_account(*, rung: bool) -> None:
    quiet, _ = waits(0, rung=rung)
    beside, sent = waits(FLOOD, rung=rung)
    # By less than half the time between two sends of the flood: by its transactions alone.
    assert beside == pytest.approx(quiet, abs=0.05)
    # The flood was far from over.
    assert 0 < sent < FLOOD / 10
