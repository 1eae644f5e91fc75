"""What the HTTP surface works with, opened beside its start and for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
from starlette.types import ASGIApp

from image_bank.open import open_media, open_storage
from image_bank.storage import MediaStorage
from vestlus.backoff import Backoff
from vestlus.bus.measured import MeasuredBus
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Topology
from vestlus.clock import system_clock
from vestlus.delivery_gaps import GapTeller
from vestlus.errors import BusUnavailable, SettingsError, StoreError, StoreUnavailable
from vestlus.instagram.handler import WebhookHandler
from vestlus.log_errors import error_fields
from vestlus.measuring.catalogue import WEBHOOK, count
from vestlus.measuring.processes import Identity
from vestlus.measuring.reporter import Reporter, reporting
from vestlus.notify import Notifier
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.tracing_setup import traced

_log = structlog.get_logger(__name__)


class Adapters:
    """Bus, store, pictures and notifier of one replica; each is None until it is reached."""

    def __init__(self, settings: Settings, mine: Identity) -> None:
        """``mine``: as which process this one tells its measures."""
        self._settings = settings
        self._topology = Topology(inbox=settings.partitions)
        self._mine = mine
        #: Takes webhooks in; there is one once the bus is reached.
        self.webhook: ASGIApp | None = None
        #: A webhook came before it could be taken in.
        self.refused_early = False
        self.media: ASGIApp | None = None
        self.storage: MediaStorage | None = None
        self.bus: Bus | None = None
        self.store: Store | None = None
        self.notifier: Notifier | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Begins to open them, and closes what was opened."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(traced(self._settings.otel, "webhook"))
            await self._open_media(stack)
            self.notifier = await stack.enter_async_context(Notifier(self._settings))
            opening = [
                asyncio.create_task(self._open_bus(stack), name="opening the bus"),
                asyncio.create_task(self._open_store(stack), name="opening the store"),
            ]
            try:
                yield
            finally:
                self.webhook = self.media = None
                for task in opening:
                    task.cancel()
                await asyncio.wait(opening)

    async def _open_media(self, stack: AsyncExitStack) -> None:
        """Reaches nothing yet, so it need not be waited for like bus and store."""
        try:
            self.storage = await stack.enter_async_context(open_storage(self._settings))
            self.media = await stack.enter_async_context(open_media(self._settings, system_clock))
        except SettingsError as error:
            # For the operator to mend; the webhook takes messages in all the same.
            _log.error("media_not_served", problems=error.problems)

    async def _open_bus(self, stack: AsyncExitStack) -> None:
        settings, backoff = self._settings, Backoff()
        token = settings.verify_token
        while True:
            opened = MeasuredBus(open_bus(settings.bus, self._topology))
            try:
                bus = await stack.enter_async_context(opened)
            except BusUnavailable:
                _log.warning("bus_not_reachable")
                await backoff.wait()
                continue
            gaps = await stack.enter_async_context(
                GapTeller(bus, outbox_partitions=self._topology.outbox, clock=system_clock)
            )
            if self.refused_early:
                # Whose it was is not known: nobody has read it.
                gaps.suspect({account.id for account in settings.accounts}, "webhook_refused")

            def refused(accounts: Collection[str], gaps: GapTeller = gaps) -> None:
                gaps.suspect(accounts, "webhook_refused")

            self.webhook = await stack.enter_async_context(
                WebhookHandler(
                    secrets=settings.secrets,
                    verify_token=token.get_secret_value() if token else "",
                    bus=bus,
                    partitions=self._topology.inbox,
                    clock=system_clock,
                    on_counts=partial(count, WEBHOOK),
                    on_refused=refused,
                )
            )
            self.bus = bus
            return

    async def _open_store(self, stack: AsyncExitStack) -> None:
        settings, topology, backoff = self._settings, self._topology, Backoff()
        while True:
            store = open_store(
                settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
            )
            try:
                opened = await stack.enter_async_context(store)
            except StoreUnavailable:
                _log.warning("store_not_reachable")
            except StoreError as error:
                # For the operator to mend; the webhook goes on taking messages in.
                _log.error("store_not_usable", **error_fields(error))
            else:
                self.store = opened
                reporter = Reporter(opened, self._mine, clock=system_clock)
                await stack.enter_async_context(reporting(reporter))
                return
            await backoff.wait()
