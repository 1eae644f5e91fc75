"""Tells the store, again and again, what this process measured."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

import structlog
from prometheus_client import CollectorRegistry

from vestlus.clock import Clock
from vestlus.errors import StoreUnavailable, ValuesRefused
from vestlus.log_errors import place_of
from vestlus.measuring.catalogue import LOOP_LAG, NOT_TOLD, REGISTRY
from vestlus.measuring.minutes import MINUTES, MinuteTally
from vestlus.measuring.processes import REMEMBERED_SECONDS, Identity
from vestlus.measuring.series import KEPT_MS
from vestlus.measuring.snapshot import snapshot
from vestlus.store.measure_port import Minutes, ProcessMeasures
from vestlus.store.measure_rows import MINUTE_MS, MinuteRow, Told, minute_of
from vestlus.store.rows import Member

_log = structlog.get_logger(__name__)

#: Prometheus asks every 15 s or so; the console looks oftener.
TELL_SECONDS: Final = 5.0

#: What ending waits for a store that is slow, seconds.
_LAST_SECONDS: Final = 2.0


class ReporterStore(Minutes, ProcessMeasures, Protocol):
    """What telling needs of the store."""


class Reporter:
    """Writes a snapshot of the registry, and what happened by the minute.

    Nothing on the way of a message waits for it. With a store that is away it is late: minutes
    are kept until they are written; those whose values it refuses are dropped and counted, and
    hold nothing up. With ``tidies`` it also notes backlogs and takes away what is old.
    """

    def __init__(
        self,
        store: ReporterStore,
        mine: Identity,
        *,
        clock: Clock,
        tidies: bool = False,
        registry: CollectorRegistry = REGISTRY,
        minutes: MinuteTally = MINUTES,
    ) -> None:
        self._store = store
        self._mine = mine
        self._clock = clock
        self._read_off: list[Callable[[], None]] = []
        self._tidies = tidies
        self._registry = registry
        self._minutes = minutes
        self._tidied_ms = 0

    def reads_off(self, read_off: Callable[[], None]) -> None:
        """Calls this before each telling, on the event loop, to set what is measured by looking. It
        may belong to what is opened after this, and so ends before.
        """
        self._read_off.append(read_off)

    async def tell(self) -> None:
        """Once. Raises StoreUnavailable; what was not written is told with the next."""
        for read_off in self._read_off:
            read_off()
        await self._write_minutes()
        # Some milliseconds of work where there are many accounts: beside the event loop.
        body = await asyncio.to_thread(snapshot, self._registry)
        mine = self._mine
        await self._store.tell_measures(
            Told(process=mine.process, name=mine.name, kind=mine.kind, node=mine.node, body=body)
        )
        if self._tidies:
            await self._tidy()

    async def run(self) -> None:
        """Tells until cancelled. A store that is away passes; whatever else goes wrong is a defect,
        counted and logged as often as it is met, and stops neither the process nor its measures.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self.tell()
            except Exception as error:  # noqa: BLE001 - a process that measures no more serves unseen
                _not_told(error)
            due = loop.time() + TELL_SECONDS
            await asyncio.sleep(TELL_SECONDS)
            LOOP_LAG.set(max(0.0, loop.time() - due))

    async def end(self) -> None:
        """Writes the last minutes, and takes back what was told: this process is no more."""
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self._write_minutes()
                await self._store.withdraw_measures(self._mine.process)

    async def _write_minutes(self) -> None:
        left = list(self._minutes.take())
        try:
            await self._store.add_minutes(left)
        except ValuesRefused:
            await self._write_each(left)
        except BaseException:
            self._minutes.give_back(left)
            raise

    async def _write_each(self, left: list[MinuteRow]) -> None:
        """One after the other, without those that are refused: a group is refused for one of it."""
        try:
            while left:
                try:
                    await self._store.add_minutes(left[:1])
                except ValuesRefused as error:
                    _not_told(error)
                del left[0]
        except BaseException:
            self._minutes.give_back(left)
            raise

    async def _tidy(self) -> None:
        now_ms = self._clock()
        await self._store.note_backlogs(minute_of(now_ms))
        if abs(now_ms - self._tidied_ms) >= MINUTE_MS:
            self._tidied_ms = now_ms
            await self._store.forget_minutes(now_ms - KEPT_MS)
            await self._store.forget_measures(REMEMBERED_SECONDS)


def _not_told(error: Exception) -> None:
    # What is refused for its values is so again with the next telling.
    if isinstance(error, StoreUnavailable) and not isinstance(error, ValuesRefused):
        _log.warning("measures_not_told_yet")
        return
    NOT_TOLD.inc()
    _log.error("measures_not_told", error=type(error).__name__, place=place_of(error))


def identity_of(member: Member) -> Identity:
    """Who a member of the service is."""
    return Identity(
        # An incarnation ends with what is random in it.
        process=f"{member.id.rpartition('/')[2]}.{member.incarnation[-8:]}",
        name=member.id,
        kind=str(member.kind),
        node=member.host.partition("/")[0],
    )


def new_identity(kind: str, node: str) -> Identity:
    """Of a process that nobody starts again under the same name."""
    process = f"{kind}.{secrets.token_hex(4)}"
    return Identity(process=process, name=process, kind=kind, node=node.partition("/")[0])


@asynccontextmanager
async def reporting(reporter: Reporter) -> AsyncIterator[None]:
    """Tells meanwhile. What goes wrong with it is counted and logged, and stops no message."""
    task = asyncio.create_task(reporter.run(), name="measures")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        await reporter.end()
