"""The posts' part of the store in memory, with the port's guarantees, epochs included."""

import asyncio
import random
from collections.abc import Collection, Sequence
from dataclasses import replace

from tests.fakes.clock import virtual_ms
from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.store.post_rows import (
    ContainerRow,
    NewPost,
    PostKind,
    PostPicture,
    PostRow,
    PostStep,
    PostStepResult,
    PostTimes,
)
from vestlus.store.posts import CANCELLABLE, ENDED, RECOVERED, PostState
from vestlus.store.rows import Lease
from vestlus.store.sql_post_rows import changed_values, check_post_step

DAY_MS = 24 * 60 * 60 * 1000
OUT = frozenset({PostState.PUBLISHING, PostState.LOOKING, PostState.PUBLISHED, PostState.UNKNOWN})


class MemoryPosts:
    """Posts of one outbox partition. Calls take ``latency`` seconds of virtual time.

    ``unavailable`` calls fail first; ``in_doubt`` steps are made and their answer lost.
    """

    def __init__(self, *, latency: float = 0.002, chance: random.Random | None = None) -> None:
        self.rows: dict[str, PostRow] = {}
        self.epochs: dict[str, int] = {}
        self.history: list[tuple[str, PostState, PostState]] = []
        self.unavailable = 0
        self.in_doubt = 0
        self.latency = latency
        self._chance = chance or random.Random(0)  # noqa: S311 - no secret

    def plan(
        self, id_: str, *, account: str = "a1", pictures: int = 1, **fields: object
    ) -> PostRow:
        """Plan a post for now, of so many pictures."""
        kind = PostKind.CAROUSEL if pictures > 1 else PostKind.PICTURE
        now_ms = virtual_ms()
        row = PostRow(
            id=id_,
            key=id_,
            account=account,
            kind=kind,
            pictures=tuple(PostPicture(f"p{n}", f"Pilt {n}") for n in range(pictures)),
            caption=f"Postitus {id_}",
            ai_generated=False,
            state=PostState.PLANNED,
            planned_ms=now_ms,
            due_ms=now_ms,
            deadline_ms=now_ms + DAY_MS,
            created_ms=now_ms,
        )
        self.rows[id_] = replace(row, **fields)  # type: ignore[arg-type]
        return self.rows[id_]

    def take_over(self, lease: Lease) -> Lease:
        """Give the lease to a new holder; the one before is void from now on."""
        self.epochs[lease.name] = lease.epoch
        return lease

    def all_ended(self) -> bool:
        """Return whether no post is left."""
        return all(row.state in ENDED for row in self.rows.values())

    async def add_posts(self, posts: Sequence[NewPost], now_ms: int) -> frozenset[str]:
        """See the port."""
        raise NotImplementedError

    async def recover_posts(self, lease: Lease, now_ms: int) -> int:
        """See the port."""
        await self._called()
        if not self._holds(lease):
            raise LeaseLost(lease.name)
        count = 0
        for row in list(self.rows.values()):
            after = RECOVERED.get(row.state)
            if after is not None:
                looking_ms = now_ms if after is PostState.LOOKING else 0
                self._put(
                    row,
                    replace(
                        row,
                        state=after,
                        version=row.version + 1,
                        due_ms=now_ms,
                        looking_ms=looking_ms,
                    ),
                )
                count += 1
        return count

    async def due_posts(
        self, outbox: int, now_ms: int, *, limit: int, without_accounts: Collection[str] = ()
    ) -> tuple[PostRow, ...]:
        """See the port."""
        del outbox
        await self._called()
        due = [
            row
            for row in self.rows.values()
            if row.state not in ENDED
            and row.due_ms <= now_ms
            and row.account not in without_accounts
        ]
        return tuple(sorted(due, key=lambda row: (row.due_ms, row.id))[:limit])

    async def post_step(self, lease: Lease, step: PostStep) -> PostStepResult:
        """See the port."""
        check_post_step(step)
        await self._called()
        result = self._step(lease, step)
        await asyncio.sleep(self._chance.uniform(0, self.latency))
        if self.in_doubt:
            self.in_doubt -= 1
            message = "the answer was lost"
            raise StoreUnavailable(message)
        return result

    async def cancel_post(self, id_: str, now_ms: int) -> bool:
        """See the port."""
        await self._called()
        row = self.rows[id_]
        if row.state not in CANCELLABLE:
            return False
        after = replace(row, state=PostState.CANCELLED, version=row.version + 1, changed_ms=now_ms)
        self._put(row, after)
        return True

    async def post(self, id_: str) -> PostRow | None:
        """See the port."""
        await self._called()
        return self.rows.get(id_)

    async def post_of_key(self, key: str) -> PostRow | None:
        """See the port."""
        raise NotImplementedError

    async def posts(self, *, limit: int, account: str | None = None) -> tuple[PostRow, ...]:
        """See the port."""
        raise NotImplementedError

    async def post_times(self, account: str, since_ms: int) -> PostTimes:
        """See the port."""
        await self._called()
        rows = [row for row in self.rows.values() if row.account == account]
        begun = [one.begun_ms for row in rows for one in row.containers]
        out = [row.attempted_ms for row in rows if row.state in OUT]
        return PostTimes(
            tuple(sorted(at for at in begun if at > since_ms)),
            tuple(sorted(at for at in out if at > since_ms)),
        )

    async def claimed_media(self, account: str, media: Collection[str]) -> frozenset[str]:
        """See the port."""
        await self._called()
        rows = (row for row in self.rows.values() if row.account == account)
        return frozenset(row.media_id for row in rows if row.media_id in media and row.media_id)

    def _step(self, lease: Lease, step: PostStep) -> PostStepResult:
        if not self._holds(lease):
            return PostStepResult.LEASE_LOST
        row = self.rows[step.of.id]
        if (row.state, row.version) != (step.of.state, step.of.version):
            return PostStepResult.STALE
        taken = {other.media_id for other in self.rows.values() if other.account == row.account}
        if step.media_id is not None and step.media_id in taken:
            return PostStepResult.MEDIA_TAKEN
        values = changed_values(step) | {"state": step.after}
        after = replace(row, **values)  # type: ignore[arg-type]
        self._put(row, replace(after, containers=_containers(row, step)))
        return PostStepResult.DONE

    def _put(self, before: PostRow, after: PostRow) -> None:
        self.history.append((before.id, before.state, after.state))
        self.rows[before.id] = after

    def _holds(self, lease: Lease) -> bool:
        return self.epochs.get(lease.name, lease.epoch) == lease.epoch

    async def _called(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, self.latency))
        if self.unavailable:
            self.unavailable -= 1
            message = "told to fail"
            raise StoreUnavailable(message)


def _containers(row: PostRow, step: PostStep) -> tuple[ContainerRow, ...]:
    containers = list(row.containers)
    if step.begins is not None:
        containers.append(
            ContainerRow(
                number=len(containers) + 1,
                round=row.round,
                position=step.begins,
                begun_ms=step.at_ms,
            )
        )
    if step.made:
        containers[-1] = replace(containers[-1], container=step.made, made_ms=step.at_ms)
    return tuple(
        replace(one, finished=True) if one.number in step.finished else one for one in containers
    )
