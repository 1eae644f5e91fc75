"""What a PublisherActor runs: opens the adapters, and sends."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import asdict
from functools import partial

from actors.shell import Controls, new_member
from image_bank.open import open_links
from publishers.limits import account_limits
from publishers.posts_rules import PostRules
from publishers.posts_worker import Posting
from publishers.rules import SendingRules
from publishers.service import PublisherService
from vestlus.accounts.open import being_read, token_book
from vestlus.bus.measured import MeasuredBus
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.errors import LeaseLost
from vestlus.garbage import collect_seldom
from vestlus.hosting.assigning import Deputy
from vestlus.hosting.membership import Membership
from vestlus.hosting.predecessor import make_sure_gone
from vestlus.hosting.run import pass_on, until_failed
from vestlus.instagram.graph import GraphClient
from vestlus.measuring.catalogue import SENDING, of
from vestlus.measuring.reporter import Reporter, identity_of, reporting
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.rows import Lease, MemberKind
from vestlus.tracing_setup import traced


class PublisherHolder:
    """The publisher service as membership wants it."""

    def __init__(self, service: PublisherService) -> None:
        self._service = service
        self._leases: dict[str, Lease] = {}
        self.lost: set[Lease] = set()

    async def hold(self, lease: Lease) -> None:
        """See :class:`vestlus.hosting.membership.Holder`."""
        self._leases[lease.name] = lease
        await self._service.hold(lease)

    async def let_go(self, name: str, deadline_seconds: float) -> None:
        """See :class:`vestlus.hosting.membership.Holder`."""
        await self._service.let_go(name, drain_seconds=deadline_seconds)

    async def rest(self, name: str) -> None:
        """See :class:`vestlus.hosting.membership.Holder`. Whoever has the lease looks through the
        ledger every two seconds, whoever hears the bells.
        """
        del name

    async def resume(self, name: str) -> None:
        """See :class:`vestlus.hosting.membership.Holder`. It did not rest."""
        del name

    async def watch(self, failed: asyncio.Future[None]) -> None:
        """Notes lost leases; anything else that fails makes ``failed`` fail."""
        while True:
            failure = await self._service.failed()
            if isinstance(failure.error, LeaseLost):
                self.lost.add(self._leases[failure.name])
            elif not failed.done():
                failed.set_exception(failure.error)


async def serve_publishing(settings: Settings, member_id: str, controls: Controls) -> None:
    """Opens the adapters, joins the members, and sends until told to stop."""
    controls.opening = True
    topology = Topology(inbox=settings.partitions)
    member = new_member(member_id, MemberKind.PUBLISHER)
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
        pictures = await stack.enter_async_context(open_links(settings, store, system_clock))
        # The service, which hears of new tokens, is made of what is made with the tokens.
        book = token_book(settings, store, lambda one: service.token_renewed(one))  # noqa: PLW0108
        graph = await stack.enter_async_context(
            GraphClient(
                settings.graph_url,
                book.token_of,
                on_rejected=book.rejected,
                on_usage=lambda account, usage: service.usage(account, usage),  # noqa: PLW0108
            )
        )
        service: PublisherService = await stack.enter_async_context(
            PublisherService(
                bus=bus,
                store=store,
                messaging=graph,
                pictures=pictures,
                clock=system_clock,
                monotonic=time.monotonic,
                rules=SendingRules(
                    settling_seconds=settings.settling_seconds,
                    missed_sweep_seconds=settings.missed_sweep_minutes * 60,
                    missed_stale_seconds=settings.missed_stale_hours * 3600,
                    limits_by_account={
                        account.id: account_limits(account.limits) for account in settings.accounts
                    },
                ),
                chance=random.Random(),  # noqa: S311 - jitter, no secret
                accounts=[account.id for account in settings.accounts],
                topology=topology,
                posting=Posting(
                    store=store,
                    publishing=graph,
                    pictures=pictures,
                    rules=PostRules(settling_seconds=settings.settling_seconds),
                ),
            )
        )
        reporter.reads_off(partial(_read_off, service))
        reading = await stack.enter_async_context(being_read(book))
        holder = PublisherHolder(service)
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watch = asyncio.create_task(holder.watch(failed), name="publisher failures")
        stack.callback(watch.cancel)
        deputy = Deputy(store, member, topology)
        membership = Membership(
            store, member, holder, deputy=deputy, extended=service.lease_extended
        )
        controls.describe = lambda: {
            "leases": len(membership.held),
            "backlog_seconds": service.backlog_seconds,
            **asdict(service.stats()),
        }
        await make_sure_gone(store, member)
        reading.add_done_callback(lambda task: pass_on(task, failed))
        collect_seldom()
        controls.opening = False
        serving = membership.run(controls.stop, lambda: controls.deadline_seconds)
        await until_failed(serving, failed)


def _read_off(service: PublisherService) -> None:
    """Tells the measures what is in the publisher's hands."""
    stats = service.stats()
    of(SENDING, "in_flight").set(stats.in_flight)
    of(SENDING, "waiting").set(stats.waiting)
    of(SENDING, "looking").set(stats.looking)
