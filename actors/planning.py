"""What a SchedulerActor runs: opens the adapters, and plans while it holds the right to."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from functools import partial

from actors.shell import Controls, new_member
from vestlus.accounts.budgets import open_budgets
from vestlus.bus.measured import MeasuredBus
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Topology
from vestlus.clock import system_clock
from vestlus.errors import LeaseLost
from vestlus.hosting.assigning import Deputy
from vestlus.hosting.membership import Membership
from vestlus.hosting.predecessor import make_sure_gone
from vestlus.hosting.run import pass_on, until_failed
from vestlus.measuring.reporter import Reporter, identity_of, reporting
from vestlus.measuring.spent import SpentMeasures
from vestlus.planning.definitions import rows_of_file
from vestlus.planning.late_drafting import LateDrafter
from vestlus.planning.service import PlannerService
from vestlus.privacy.finishing import keep_finishing
from vestlus.retention.pruner import keep_pruned
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Lease, MemberKind
from vestlus.tracing_setup import traced


class PlannerHolder:
    """The scheduler's service as membership wants it. There is one lease to hold."""

    def __init__(self, service: PlannerService) -> None:
        self._service = service
        self.lost: set[Lease] = set()

    async def hold(self, lease: Lease) -> None:
        """See :class:`vestlus.hosting.membership.Holder`."""
        await self._service.hold(lease)

    async def let_go(self, name: str, deadline_seconds: float) -> None:
        """See :class:`vestlus.hosting.membership.Holder`."""
        del name
        await self._service.let_go(deadline_seconds)

    async def rest(self, name: str) -> None:
        """See :class:`vestlus.hosting.membership.Holder`. Bells make others look only sooner."""
        del name

    async def resume(self, name: str) -> None:
        """See :class:`vestlus.hosting.membership.Holder`. It did not rest."""
        del name

    async def watch(self, failed: asyncio.Future[None]) -> None:
        """Notes a lost lease; anything else that fails makes ``failed`` fail."""
        while True:
            failure = await self._service.failed()
            if isinstance(failure.error, LeaseLost):
                self.lost.add(failure.lease)
            elif not failed.done():
                failed.set_exception(failure.error)


async def _keep_house(settings: Settings, store: Store, bus: Bus) -> None:
    """Takes away what is old and carries erasures to their end, until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(keep_pruned(store, settings.periods), name="pruning")
        group.create_task(keep_finishing(store, bus), name="finishing erasures")


async def serve_planning(settings: Settings, member_id: str, controls: Controls) -> None:
    """Opens the adapters, joins the members, and plans until told to stop."""
    controls.opening = True
    topology = Topology(inbox=settings.partitions)
    member = new_member(member_id, MemberKind.SCHEDULER)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(traced(settings.otel, member_id))
        store = await stack.enter_async_context(
            open_store(
                settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
            )
        )
        bus = await stack.enter_async_context(MeasuredBus(open_bus(settings.bus, topology)))
        # Ends after the service: it tells of what that does while it ends.
        reporter = Reporter(store, identity_of(member), clock=system_clock)
        await stack.enter_async_context(reporting(reporter))
        budgets = await stack.enter_async_context(open_budgets(settings, store, system_clock))
        reporter.reads_off(SpentMeasures(budgets).read_off)
        drafter = await stack.enter_async_context(
            LateDrafter(settings, store, system_clock, spender=budgets)
        )
        service = await stack.enter_async_context(
            PlannerService(
                bus=bus,
                store=store,
                drafter=drafter,
                kept=partial(rows_of_file, settings.schedules, settings.accounts),
                clock=system_clock,
                monotonic=time.monotonic,
                besides=partial(_keep_house, settings, store, bus),
            )
        )
        holder = PlannerHolder(service)
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watch = asyncio.create_task(holder.watch(failed), name="planner failures")
        stack.callback(watch.cancel)
        budgets.failed(lambda task: pass_on(task, failed))
        deputy = Deputy(store, member, topology)
        membership = Membership(store, member, holder, deputy=deputy)
        controls.describe = lambda: {"leases": len(membership.held), **service.stats()}
        await make_sure_gone(store, member)
        controls.opening = False
        serving = membership.run(controls.stop, lambda: controls.deadline_seconds)
        await until_failed(serving, failed)
