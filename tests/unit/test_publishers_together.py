"""What partitions share: transactions and readings, and no trouble."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

import pytest

from publishers.rules import SendingRules
from publishers.together import TogetherLedger
from tests.fakes.clock import run_virtual, virtual_monotonic
from tests.fakes.store_ledger import MemoryLedger
from vestlus.errors import StoreUnavailable, ValuesRefused
from vestlus.store.ledger import SendState
from vestlus.store.rows import Lease, SendRow, Transition, TransitionResult

DONE, LOST = TransitionResult.DONE, TransitionResult.LEASE_LOST


class PickyLedger(MemoryLedger):
    """Fails whenever one partition's steps, or its rows, are among what is asked."""

    refuses = ""
    unreadable = -1
    error: Exception = ValueError()

    async def transitions(
        self, groups: Sequence[tuple[Lease, Sequence[Transition]]]
    ) -> list[list[TransitionResult]]:
        """See the port."""
        if any(lease.name == self.refuses for lease, _ in groups):
            self.transactions += 1
            raise self.error
        return await super().transitions(groups)

    async def heads(self, ids: Mapping[int, Collection[str]]) -> dict[int, tuple[SendRow, ...]]:
        """See the port."""
        if self.unreadable in ids:
            raise self.error
        return await super().heads(ids)


def together(ledger: MemoryLedger) -> TogetherLedger:
    return TogetherLedger(ledger, SendingRules(), virtual_monotonic)


def begin(row: SendRow) -> Transition:
    return Transition(id=row.id, before=SendState.PENDING, after=SendState.SENDING, at_ms=1)


def test_partitions_share_a_transaction_and_a_reading() -> None:
    async def scenario() -> None:
        ledger = MemoryLedger()
        shared = together(ledger)
        leases = [ledger.take_over(outbox) for outbox in range(3)]
        gone = Lease(leases[2].name, leases[2].epoch - 1)
        rows = [
            ledger.add(f"r{outbox}", account=f"a{outbox}", outbox=outbox) for outbox in range(3)
        ]
        heads = await asyncio.gather(*(shared.heads(n, [rows[n].id]) for n in range(3)))
        assert heads == [(row,) for row in rows]
        steps = zip((leases[0], leases[1], gone), map(begin, rows), strict=True)
        results = await asyncio.gather(*(shared.step(lease, step) for lease, step in steps))
        assert results == [DONE, DONE, LOST]
        assert (ledger.readings, ledger.transactions) == (1, 1)

    run_virtual(scenario())


@pytest.mark.parametrize("error", [ValueError(), ValuesRefused("the database failed")])
def test_what_is_wrong_with_one_partition_holds_up_no_other(error: Exception) -> None:
    async def scenario() -> None:
        ledger = PickyLedger()
        ledger.error = error
        shared = together(ledger)
        leases = [ledger.take_over(outbox) for outbox in range(2)]
        ledger.refuses = leases[1].name
        rows = [ledger.add(f"r{n}", account=f"a{n}", outbox=n) for n in range(2)]
        fine, wrong = await asyncio.gather(
            *(shared.step(leases[n], begin(rows[n])) for n in range(2)), return_exceptions=True
        )
        assert fine is DONE
        assert wrong is error

    run_virtual(scenario())


def test_a_row_that_cannot_be_read_fails_its_own_partition() -> None:
    async def scenario() -> None:
        ledger = PickyLedger()
        shared = together(ledger)
        ledger.unreadable = 1
        rows = [ledger.add(f"r{n}", account=f"a{n}", outbox=n) for n in range(3)]
        found = await asyncio.gather(
            *(shared.heads(n, [rows[n].id]) for n in range(3)), return_exceptions=True
        )
        assert found == [(rows[0],), ledger.error, (rows[2],)]

    run_virtual(scenario())


def test_a_store_that_is_away_is_told_to_everybody_at_once() -> None:
    async def scenario() -> None:
        ledger = MemoryLedger()
        shared = together(ledger)
        leases = [ledger.take_over(outbox) for outbox in range(2)]
        rows = [ledger.add(f"r{n}", account=f"a{n}", outbox=n) for n in range(2)]
        ledger.unavailable = 1
        results = await asyncio.gather(
            *(shared.step(leases[n], begin(rows[n])) for n in range(2)), return_exceptions=True
        )
        assert [type(one) for one in results] == [StoreUnavailable, StoreUnavailable]
        assert ledger.transactions == 1
        ledger.unavailable = 1
        with pytest.raises(StoreUnavailable):
            await shared.heads(0, [rows[0].id])

    run_virtual(scenario())
