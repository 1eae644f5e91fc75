"""The steps of posts, none lost to a cancellation or to a store that is away."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import structlog

from publishers.book import LAST_STEPS_SECONDS
from vestlus.backoff import Backoff, until_available
from vestlus.clock import Clock
from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.store.names import partition_number
from vestlus.store.port import Posts
from vestlus.store.post_rows import PostRow, PostStep, PostStepResult
from vestlus.store.rows import Lease

_log = structlog.get_logger(__name__)


class PostBook:
    """Writes the steps of one outbox partition's posts under its lease.

    A step that was handed in is written even when its caller is cancelled: a known outcome must
    reach the store. Leaving ``async with`` waits a while for such steps, unless the lease is lost.
    """

    def __init__(self, *, store: Posts, lease: Lease, clock: Clock) -> None:
        self._store = store
        self._lease = lease
        self._outbox = partition_number(lease.name)
        self._clock = clock
        self._writing: set[asyncio.Task[PostRow | None]] = set()
        self._lost = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writing and not self._lost:
            await asyncio.wait(self._writing, timeout=LAST_STEPS_SECONDS)
        for task in self._writing:
            task.cancel()

    async def recover(self) -> int:
        """Puts what an earlier holder was doing in doubt. Raises LeaseLost."""
        return await until_available(lambda: self._store.recover_posts(self._lease, self._clock()))

    async def due(self, limit: int, without: frozenset[str]) -> tuple[PostRow, ...]:
        """Posts with a step that is due. Waits for the store."""
        return await until_available(
            lambda: self._store.due_posts(
                self._outbox, self._clock(), limit=limit, without_accounts=without
            )
        )

    async def step(self, step: PostStep) -> PostRow | None:
        """Makes a step; the post as it is then, or ``None`` where it was not as supposed.

        A ``media_id`` that is another post's is left out. Repeats until the store answers.
        Raises LeaseLost.
        """
        task = asyncio.create_task(self._write(step), name=f"{self._lease.name}.post")
        self._writing.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)

    async def _write(self, step: PostStep) -> PostRow | None:
        backoff: Backoff | None = None
        while True:
            try:
                result = await self._store.post_step(self._lease, step)
            except StoreUnavailable:
                _log.warning("post_step_not_written_yet", post=step.of.id)
                backoff = backoff or Backoff()
                await backoff.wait()
                continue
            match result:
                case PostStepResult.LEASE_LOST:
                    self._lost = True
                    raise LeaseLost(self._lease.name)
                case PostStepResult.MEDIA_TAKEN:
                    _log.error("media_id_taken", post=step.of.id, account=step.of.account)
                    step = _without_media(step)
                case PostStepResult.DONE:
                    return await self._read(step)
                case PostStepResult.STALE:
                    # The try whose answer never came may have been committed all the same.
                    return await self._read(step) if backoff else None

    async def _read(self, step: PostStep) -> PostRow | None:
        row = await until_available(lambda: self._store.post(step.of.id))
        is_ours = row is not None and row.version == step.of.version + 1
        return row if is_ours and row is not None and row.state is step.after else None

    def _written(self, task: asyncio.Task[PostRow | None]) -> None:
        self._writing.discard(task)
        # A caller that was cancelled hears no more of it; the loss of the lease is kept above.
        if (
            not task.cancelled()
            and (error := task.exception())
            and not isinstance(error, LeaseLost)
        ):
            _log.error("post_step_failed", error=type(error).__name__)


def _without_media(step: PostStep) -> PostStep:
    return PostStep(of=step.of, after=step.after, at_ms=step.at_ms)
