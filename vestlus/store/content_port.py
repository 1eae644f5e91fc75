"""The store's port for people who look after posts, pictures and events.

The guarantees of :mod:`vestlus.store.port` hold: each method is one transaction. None reads a table
whole: what a method reads is bounded by a limit or by the ids it is given. All raise
StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from vestlus.store.content_rows import PictureUses
from vestlus.store.plan_rows import OccurrenceRow, TriggerRow
from vestlus.store.post_rows import PostRow


class Content(Protocol):
    """What goes out, what it is made of, and what it comes from."""

    async def posts_between(
        self, since_ms: int, until_ms: int, *, limit: int, account: str | None = None
    ) -> tuple[PostRow, ...]:
        """Posts planned from ``since_ms`` on and before ``until_ms``, the latest first, without
        containers.
        """
        ...

    async def occurrences_between(
        self, since_ms: int, until_ms: int, *, limit: int, account: str | None = None
    ) -> tuple[OccurrenceRow, ...]:
        """Occurrences due from ``since_ms`` on and before ``until_ms``, the latest first."""
        ...

    async def occurrences_of(self, ids: Collection[str]) -> Mapping[str, OccurrenceRow]:
        """Those of these ids that there are."""
        ...

    async def posts_of(self, ids: Collection[str]) -> Mapping[str, PostRow]:
        """Those of these ids that there are, without containers."""
        ...

    async def hasten_post(self, id_: str, now_ms: int) -> bool:
        """Plans a post for now that nothing was done for yet; False where there is none that waits
        for its time. It may be published for as long after now as it could after its time.
        """
        ...

    async def hasten_occurrence(self, id_: str, now_ms: int) -> bool:
        """Makes an occurrence that is READY due now; False where there is none that waits for its
        time, or that the pause of its schedule holds back.
        """
        ...

    async def events_before(
        self, *, limit: int, before: tuple[int, str] | None = None, name: str | None = None
    ) -> tuple[TriggerRow, ...]:
        """Events received before that moment and id, or the newest; newest first."""
        ...

    async def picture_uses(self, *, limit: int) -> PictureUses:
        """In which of the newest ``limit`` answers with pictures each picture was: sent, or to be;
        those that were given up or taken back do not count.
        """
        ...

    async def posts_showing(self, picture: str, *, limit: int, among: int) -> tuple[PostRow, ...]:
        """The latest planned posts with that picture among the last ``among``, latest first,
        without containers.
        """
        ...
