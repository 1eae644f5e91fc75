"""What a ConversationActor runs: opens the adapters, and converses."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict

from actors.shell import Controls, new_member
from image_bank.open import open_bank
from vestlus.accounts.budgets import open_budgets
from vestlus.assistant.open import open_assistant
from vestlus.bus.measured import MeasuredBus
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.bus.reach import Reach
from vestlus.clock import system_clock
from vestlus.conversation.turn import BurstPolicy
from vestlus.garbage import collect_seldom
from vestlus.hosting.assigning import Deputy
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.membership import Membership
from vestlus.hosting.predecessor import make_sure_gone
from vestlus.hosting.run import pass_on, until_failed
from vestlus.hosting.sharers import Sharers
from vestlus.hosting.turn_parts import TurnPolicies
from vestlus.hosting.turn_places import MEGABYTE, Limits
from vestlus.measuring.reporter import Reporter, identity_of, reporting
from vestlus.measuring.spent import SpentMeasures
from vestlus.notify import Notifier
from vestlus.privacy.chat import ChatEraser
from vestlus.privacy.open import open_graves, open_privacy
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.rows import MemberKind
from vestlus.tracing_setup import traced


async def serve_conversations(settings: Settings, member_id: str, controls: Controls) -> None:
    """Opens the adapters, joins the members, and converses until told to stop."""
    controls.opening = True
    topology = Topology(inbox=settings.partitions)
    member = new_member(member_id, MemberKind.CONVERSATION)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(traced(settings.otel, member_id))
        store = await stack.enter_async_context(
            open_store(
                settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
            )
        )
        bus = await stack.enter_async_context(MeasuredBus(open_bus(settings.bus, topology)))
        bank = await stack.enter_async_context(open_bank(settings, store, system_clock))
        sharers = Sharers(store)
        # Ends after the host and the notifier: it tells of what they do while they end.
        reporter = Reporter(store, identity_of(member), clock=system_clock)
        await stack.enter_async_context(reporting(reporter))
        notifier = await stack.enter_async_context(Notifier(settings))
        budgets = await stack.enter_async_context(
            open_budgets(settings, store, system_clock, notifier.budget)
        )
        assistant = open_assistant(
            settings,
            clock=system_clock,
            store=store,
            bank=bank,
            sharers=sharers,
            spender=budgets,
        )
        stack.push_async_callback(assistant.aclose)
        burst = BurstPolicy(longest_ms=int(settings.burst_wait_seconds * 1000))
        privacy = open_privacy(settings, store, bus)
        host = await stack.enter_async_context(
            ConversationHost(
                store=store,
                bus=bus,
                assistant=assistant,
                clock=system_clock,
                partitions=topology.inbox,
                outbox_partitions=topology.outbox,
                policies=TurnPolicies(burst=burst),
                account_of=settings.accounts_by_id().get,
                handed_over=notifier,
                limits=Limits(
                    live=settings.live_conversations,
                    live_bytes=settings.live_memory_mb * MEGABYTE,
                ),
                spent_until=budgets.spent_until,
                graves=open_graves(settings),
                eraser=ChatEraser(privacy, settings.public_url),
                forgotten=notifier.forget,
            )
        )
        reach = await stack.enter_async_context(
            Reach(bus).watched(lambda task: pass_on(task, host.failed))
        )
        reporter.reads_off(host.conversations.measure)
        reporter.reads_off(SpentMeasures(budgets).read_off)
        deputy = Deputy(store, member, topology)
        membership = Membership(store, member, host, deputy=deputy)
        controls.describe = lambda: {
            "leases": len(membership.held),
            "full": host.full,
            "backlog_seconds": host.backlog_seconds,
            "bus_away_seconds": reach.away_seconds,
            **asdict(host.counts()),
        }
        await make_sure_gone(store, member)
        collect_seldom()
        controls.opening = False
        budgets.failed(lambda task: pass_on(task, host.failed))

        async def serve() -> None:
            counting = asyncio.create_task(sharers.run(), name="sharers")
            counting.add_done_callback(lambda task: pass_on(task, host.failed))
            try:
                await membership.run(controls.stop, lambda: controls.deadline_seconds)
            finally:
                counting.cancel()
                # Its query is over before the store closes.
                await asyncio.wait({counting})

        await until_failed(serve(), host.failed)
