"""What a ConversationActor runs: opens the adapters, and converses."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict

from actors.shell import Controls, new_member
from image_bank.open import open_bank
from vestlus.assistant.open import open_assistant
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.conversation.turn import BurstPolicy
from vestlus.garbage import collect_seldom
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.membership import Membership
from vestlus.hosting.predecessor import make_sure_gone
from vestlus.hosting.run import until_failed
from vestlus.hosting.sharers import Sharers
from vestlus.hosting.turn_places import MEGABYTE, Limits
from vestlus.hosting.turns import TurnPolicies
from vestlus.notify import Notifier
from vestlus.privacy.chat import ChatEraser
from vestlus.privacy.open import open_graves, open_privacy
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.rows import MemberKind


async def serve_conversations(settings: Settings, member_id: str, controls: Controls) -> None:
    """Opens the adapters, joins the members, and converses until told to stop."""
    controls.opening = True
    topology = Topology(inbox=settings.partitions)
    member = new_member(member_id, MemberKind.CONVERSATION)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(
                settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
            )
        )
        bus = await stack.enter_async_context(open_bus(settings.bus, topology))
        bank = await stack.enter_async_context(open_bank(settings, store, system_clock))
        sharers = Sharers(store)
        assistant = open_assistant(
            settings, clock=system_clock, store=store, bank=bank, sharers=sharers
        )
        stack.push_async_callback(assistant.aclose)
        notifier = await stack.enter_async_context(Notifier(settings))
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
                graves=open_graves(settings),
                eraser=ChatEraser(privacy, settings.public_url),
                forgotten=notifier.forget,
            )
        )
        membership = Membership(store, member, host)
        controls.describe = lambda: {
            "leases": len(membership.held),
            "full": host.full,
            "backlog_seconds": host.backlog_seconds,
            **asdict(host.counts()),
        }
        await make_sure_gone(store, member)
        collect_seldom()
        controls.opening = False

        def fail(done: asyncio.Task[None]) -> None:
            if done.cancelled() or host.failed.done():
                return
            host.failed.set_exception(done.exception() or RuntimeError("sharers"))

        async def serve() -> None:
            counting = asyncio.create_task(sharers.run(), name="sharers")
            counting.add_done_callback(fail)
            try:
                await membership.run(controls.stop, lambda: controls.deadline_seconds)
            finally:
                counting.cancel()
                # Its query is over before the store closes.
                await asyncio.wait({counting})

        await until_failed(serve(), host.failed)
