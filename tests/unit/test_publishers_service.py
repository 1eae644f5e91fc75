"""The service: partitions held and let go of, bells heard, failures told."""

import asyncio
import random
from typing import Literal

import pytest

from publishers.rules import SendingRules
from publishers.service import PublisherService
from tests.fakes.bus import MemoryBus, MemorySubscription
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault, PretendInstagram
from tests.fakes.outbox import MemoryPictures, reference, told
from tests.fakes.store_ledger import MemoryLedger
from vestlus.bus.port import Queue
from vestlus.errors import BusUnavailable, LeaseLost
from vestlus.messages import ActionRequest, encode, outbox_message
from vestlus.store.ledger import SendState
from vestlus.store.rows import Lease, SendRow

ACTIONS: tuple[Literal["mark_seen", "typing_on"], ...] = ("mark_seen", "typing_on")

#: Long enough that only bells explain a prompt send.
RARE = SendingRules(poll_seconds=1000)


class UnreliableBus(MemoryBus):
    """Refuses as many subscriptions as it is told."""

    refused = 0
    subscriptions: list[MemorySubscription]

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions = []

    async def subscribe(self, queue: Queue, partition: int) -> MemorySubscription:
        if self.refused:
            self.refused -= 1
            raise BusUnavailable
        subscription = await super().subscribe(queue, partition)
        self.subscriptions.append(subscription)
        return subscription


class Stage:
    """A service between fakes, to which leases are given by hand."""

    def __init__(self, rules: SendingRules = RARE) -> None:
        self.bus = UnreliableBus()
        self.ledger = MemoryLedger()
        self.instagram = PretendInstagram()
        self.service = PublisherService(
            bus=self.bus,
            store=self.ledger,
            messaging=self.instagram,
            pictures=MemoryPictures(),
            clock=virtual_ms,
            monotonic=virtual_monotonic,
            rules=rules,
            chance=random.Random(0),  # noqa: S311 - no secret
        )

    async def hold(self, outbox: int = 0) -> Lease:
        lease = self.ledger.take_over(outbox)
        self.service.lease_extended([lease.name], virtual_monotonic() + 10_000)
        await self.service.hold(lease)
        await asyncio.sleep(0.1)
        return lease

    async def ring(self, *rows: SendRow, outbox: int = 0) -> None:
        message = outbox_message(tuple(map(reference, rows)), at_ms=virtual_ms())
        await self.bus.publish(Queue.OUTBOX, outbox, [encode(message)])

    async def settled(self, seconds: float = 1.0) -> None:
        await asyncio.wait_for(self.ledger.settled(), seconds)


def test_a_bell_on_the_bus_starts_a_send_and_is_acknowledged() -> None:
    async def scenario() -> None:
        stage = Stage()
        async with stage.service:
            await stage.hold()
            await stage.ring(stage.ledger.add("r1"), stage.ledger.add("r2", user="u2"))
            await stage.settled()
            assert not stage.bus.subscriptions[0]._taken
            stats = stage.service.stats()
        assert (stats.sent, stats.in_flight, stats.waiting, stats.looking) == (2, 0, 0, 0)
        assert stats.steps == {"pending/sending": 2, "sending/sent": 2}

    run_virtual(scenario())


def test_a_bell_asks_for_actions_that_nobody_misses() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.instagram.action_fault = lambda _, action: (
            Fault.CUT if action == "mark_seen" else Fault.NONE
        )
        async with stage.service:
            await stage.hold()
            until_ms = virtual_ms() + 5_000
            actions = tuple(
                ActionRequest(account="a1", user="u1", action=action, until_ms=until_ms)
                for action in ACTIONS
            )
            message = outbox_message((), at_ms=virtual_ms(), actions=actions)
            await stage.bus.publish(Queue.OUTBOX, 0, [encode(message)])
            await asyncio.sleep(1)
            assert not stage.bus.subscriptions[0]._taken
            stats = stage.service.stats()
        assert (stats.acted, stats.actions_dropped) == (1, 1)
        assert [action for *_, action in stage.instagram.actions] == ["mark_seen", "typing_on"]

    run_virtual(scenario())


def test_actions_of_a_partition_that_fails_trouble_nobody() -> None:
    async def scenario() -> None:
        stage = Stage()
        async with stage.service:
            await stage.hold()
            stage.ledger.take_over(0)
            await stage.ring(stage.ledger.add("r0"))
            action = ActionRequest(
                account="new", user="u1", action="typing_on", until_ms=virtual_ms() + 5_000
            )
            message = outbox_message((), at_ms=virtual_ms(), actions=(action,))
            await stage.bus.publish(Queue.OUTBOX, 0, [encode(message)])
            failure = await asyncio.wait_for(stage.service.failed(), 1)
            assert isinstance(failure.error, LeaseLost)
        assert len(asyncio.all_tasks()) == 1

    run_virtual(scenario())


def test_nothing_is_sent_before_it_is_known_how_long_the_lease_lasts() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.ledger.add("r1")
        async with stage.service:
            lease = stage.ledger.take_over(0)
            await stage.service.hold(lease)
            await asyncio.sleep(60)
            assert not stage.instagram.written
            stage.service.lease_extended([lease.name], virtual_monotonic() + 20)
            await stage.settled()

    run_virtual(scenario())


def test_partitions_are_served_side_by_side_and_only_those_that_are_held() -> None:
    async def scenario() -> None:
        stage = Stage()
        for outbox in range(3):
            stage.ledger.add(f"r{outbox}", account=f"a{outbox}", outbox=outbox)
        async with stage.service:
            leases = {await stage.hold(0), await stage.hold(2)}
            await asyncio.sleep(5)
            assert stage.service.held == leases
        assert stage.ledger.state("r0") is stage.ledger.state("r2") is SendState.SENT
        assert stage.ledger.state("r1") is SendState.PENDING

    run_virtual(scenario())


def test_an_unreadable_bell_is_buried_whole_and_later_ones_ring() -> None:
    async def scenario() -> None:
        stage = Stage()
        async with stage.service:
            await stage.hold()
            stage.ledger.unavailable = 3
            await stage.bus.publish(Queue.OUTBOX, 0, [b"{not json", b"{not json"])
            await stage.ring(stage.ledger.add("r1"))
            await stage.settled(5)
            await asyncio.sleep(5)
            assert not stage.bus.subscriptions[0]._taken
        (letter,) = stage.ledger.letters.values()
        assert (letter.body, letter.source) == (b"{not json", "outbox.0")
        assert letter.reason

    run_virtual(scenario())


def test_a_lost_subscription_is_replaced() -> None:
    async def scenario() -> None:
        stage = Stage()
        async with stage.service:
            await stage.hold()
            stage.bus.refused = 3
            await stage.bus.subscriptions[0].close()
            await asyncio.sleep(5)
            await stage.ring(stage.ledger.add("r1"))
            await stage.settled()
            assert len(stage.bus.subscriptions) == 2

    run_virtual(scenario())


def test_without_the_bus_the_ledger_is_read_all_the_same() -> None:
    async def scenario() -> None:
        stage = Stage(SendingRules())
        stage.bus.refused = 10**6
        async with stage.service:
            await stage.hold()
            stage.ledger.add("r1")
            await stage.settled(2.5)

    run_virtual(scenario())


def test_a_lost_lease_is_told_and_dropped_and_the_others_go_on() -> None:
    async def scenario() -> None:
        stage = Stage()
        async with stage.service:
            lost, kept = await stage.hold(0), await stage.hold(1)
            stage.ledger.take_over(0)
            await stage.ring(stage.ledger.add("r0"))
            failure = await asyncio.wait_for(stage.service.failed(), 1)
            assert failure.name == lost.name
            assert isinstance(failure.error, LeaseLost)
            assert stage.service.held == {kept}
            await stage.ring(stage.ledger.add("r1", account="b", outbox=1), outbox=1)
            await asyncio.sleep(1)
        assert stage.ledger.state("r1") is SendState.SENT
        assert stage.ledger.state("r0") is SendState.PENDING

    run_virtual(scenario())


def test_a_defect_in_a_worker_is_told() -> None:
    async def scenario() -> None:
        stage = Stage()

        async def broken(*_args: object, **_kwargs: object) -> tuple[SendRow, ...]:
            raise ZeroDivisionError

        stage.ledger.unfinished = broken  # type: ignore[method-assign]
        async with stage.service:
            await stage.hold()
            failure = await asyncio.wait_for(stage.service.failed(), 1)
            assert isinstance(failure.error, ZeroDivisionError)
            assert not stage.service.held

    run_virtual(scenario())


def test_letting_go_lets_sends_in_flight_settle_and_leaves_the_rest() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.instagram.latency = 5.0
        stage.ledger.add("r1")
        stage.ledger.add("r2")
        async with stage.service:
            lease = await stage.hold()
            await stage.service.let_go(lease.name)
            assert stage.ledger.state("r1") is SendState.SENT
            assert stage.ledger.state("r2") is SendState.PENDING
            assert not stage.service.held
            await stage.service.let_go(lease.name)
            await stage.ring(stage.ledger.add("r3", user="u3"))
            await asyncio.sleep(60)
        assert len(stage.instagram.written) == 1

    run_virtual(scenario())


def test_letting_go_in_haste_leaves_what_is_in_flight_to_the_next_holder() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.instagram.user_wrote("a1", "u1")
        stage.instagram.fault = lambda *_: Fault.HANG_DONE
        stage.ledger.add("r1")
        async with stage.service:
            lease = await stage.hold()
            await stage.service.let_go(lease.name, drain_seconds=0)
            assert virtual_monotonic() < 1
            assert stage.ledger.state("r1") is SendState.SENDING
            await stage.hold()
            await stage.settled(20)
        assert stage.ledger.state("r1") is SendState.SENT
        assert len(stage.instagram.sent) == 1

    run_virtual(scenario())


def test_letting_go_that_is_cancelled_while_sends_settle_still_ends_the_worker() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.instagram.latency = 8.0
        stage.ledger.add("r1")
        stage.ledger.add("r2")
        async with stage.service:
            lease = await stage.hold()
            going = asyncio.create_task(stage.service.let_go(lease.name))
            await asyncio.sleep(1)
            going.cancel()
            await asyncio.wait({going})
            assert going.cancelled()
            names = [task.get_name() for task in asyncio.all_tasks()]
            assert not [name for name in names if name.startswith(lease.name)]
            await asyncio.sleep(60)
            assert stage.ledger.state("r1") is SendState.SENDING
            assert len(stage.instagram.written) == 1

    run_virtual(scenario())


def test_letting_go_a_second_time_returns_when_the_first_is_through() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.instagram.latency = 8.0
        stage.ledger.add("r1")
        async with stage.service:
            lease = await stage.hold()
            going = asyncio.create_task(stage.service.let_go(lease.name))
            await asyncio.sleep(1)
            await stage.service.let_go(lease.name)
            assert stage.ledger.state("r1") is SendState.SENT
            # What partitions share ends by itself, and is of none of them.
            left = {task.get_name() for task in asyncio.all_tasks() if task is not going}
            assert len(left - {"ledger readings", "ledger steps"}) == 1
            await going

    run_virtual(scenario())


def test_holding_again_is_nothing_and_a_new_epoch_replaces_the_old() -> None:
    async def scenario() -> None:
        stage = Stage()
        async with stage.service:
            first = await stage.hold()
            await stage.service.hold(first)
            assert len(stage.bus.subscriptions) == 1
            second = await stage.hold()
            assert stage.service.held == {second}
            await stage.ring(stage.ledger.add("r1"))
            await stage.settled()
            assert len(stage.bus.subscriptions) == 2

    run_virtual(scenario())


def test_leaving_ends_every_task() -> None:
    async def scenario() -> None:
        stage = Stage()
        async with stage.service:
            for outbox in range(3):
                await stage.hold(outbox)
                stage.ledger.add(f"r{outbox}", account=f"a{outbox}", outbox=outbox)
            await asyncio.sleep(5)
        assert len(asyncio.all_tasks()) == 1

    run_virtual(scenario())


@pytest.mark.parametrize("percent", [100, 140])
def test_lost_access_stops_that_account_alone(percent: float) -> None:
    async def scenario() -> None:
        stage = Stage()
        async with stage.service:
            await stage.hold()
            await stage.ring(stage.ledger.add("r1"), stage.ledger.add("s1", account="a2"))
            await stage.settled()
            stage.service.usage("a1", told(percent, minutes=5))
            await stage.ring(stage.ledger.add("r2"), stage.ledger.add("s2", account="a2"))
            await asyncio.sleep(299)
            assert stage.ledger.state("r2") is SendState.PENDING
            assert stage.ledger.state("s2") is SendState.SENT
            await stage.settled(3)

    run_virtual(scenario())
