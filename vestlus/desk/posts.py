"""What people do with posts and drafts of posts: plan, approve, reject, hasten, take back.

An id may be that of a post, or of an occurrence (a time of a schedule, or what an event led to),
which becomes a post when it is handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol
from uuid import uuid4

from image_bank.catalogue import Picture
from image_bank.keeping import read_catalogue
from vestlus.clock import Clock
from vestlus.desk.post_checks import Wish, problems_of, problems_of_yes
from vestlus.desk.problems import NotThere, Problem, Refused
from vestlus.planning.desk import Ring
from vestlus.settings import Settings
from vestlus.store.content_port import Content
from vestlus.store.occurrences import OPEN, OccurrenceState
from vestlus.store.plan_port import Occurrences
from vestlus.store.plan_rows import Decision, OccurrenceRow
from vestlus.store.port import Bank, Posts
from vestlus.store.post_rows import NewPost, PostPicture, PostRow
from vestlus.store.posts import PostState

_NOT_THERE: Final = (
    "there is no such post: `vestlus posts next` and `vestlus posts list` show their ids; a time "
    "that has none yet passes while its schedule is paused"
)
NO_POST: Final = "there is no such post: `vestlus posts list` shows their ids"
NO_DRAFT: Final = "there is no such draft: `vestlus posts drafts` shows what waits"

#: What is to go out, as far as it has an id.
Item = PostRow | OccurrenceRow


class PostStore(Posts, Occurrences, Content, Bank, Protocol):
    """What of the store is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDesk:
    """Plans, approves, rejects, hastens, takes back. All raise StoreUnavailable.

    Whatever is done twice is done once: the second time either gives what the first one made, or is
    refused because there is nothing left to do.
    """

    store: PostStore
    settings: Settings
    ring: Ring
    clock: Clock

    def account(self, named: str | None) -> str:
        """The account that is meant: the named one, or the only one. Raises Refused."""
        configured = [one.id for one in self.settings.accounts]
        if named is None and len(configured) == 1:
            return configured[0]
        if named is None:
            words = "is needed where not exactly one account is configured"
            raise Refused((Problem("account_needed", words, "account"),))
        # Beside a service whose accounts a command does not see, the id is taken as it is.
        if configured and named not in configured:
            words = f"{named} is not configured"
            raise Refused((Problem("account_unknown", words, "account", {"account": named}),))
        return named

    async def item(self, id_: str) -> Item:
        """The post or the occurrence of that id. Raises NotThere."""
        row = await self.store.post(id_) or await self.store.occurrence(id_)
        if row is None:
            raise NotThere(_NOT_THERE)
        return row

    async def plan(self, wish: Wish, *, key: str = "") -> tuple[PostRow, bool]:
        """Plans a post, and whether it did: of one ``key`` and account there is one post, ever.

        The service publishes it when it is due, within seconds. Raises Refused.
        """
        now_ms = self.clock()
        bank = (await read_catalogue(self.store)).pictures
        owner = self.settings.account(wish.account)
        problems = problems_of(wish, bank, owner, now_ms)
        if problems:
            raise Refused(tuple(problems))
        new = _new_post(wish, bank, key, now_ms)
        if await self.store.add_posts([new], now_ms):
            return await self.post(new.id), True
        known = await self.store.post_of_key(new.key)
        if known is None:
            raise NotThere(NO_POST)
        return known, False

    async def post(self, id_: str) -> PostRow:
        """One post. Raises NotThere."""
        row = await self.store.post(id_)
        if row is None:
            raise NotThere(NO_POST)
        return row

    async def approve(
        self, id_: str, *, by: str, caption: str | None = None, at_once: bool = False
    ) -> OccurrenceRow:
        """Says yes to a draft: it goes out when it is due, or ``at_once``. ``caption``: other words
        than the draft's.

        Raises NotThere, Refused.
        """
        now_ms = self.clock()
        row = await self._draft(id_)
        problems = problems_of_yes(row, caption, now_ms, at_once=at_once)
        if problems:
            raise Refused(tuple(problems))
        yes = Decision(
            after=OccurrenceState.READY,
            by=_named(by),
            at_ms=now_ms,
            caption=caption,
            due_ms=now_ms if at_once and row.due_ms > now_ms else None,
        )
        return await self._decided(id_, yes)

    async def reject(self, id_: str, *, by: str, why: str = "") -> OccurrenceRow:
        """Says no to a draft: it does not go out. Raises NotThere, Refused."""
        now_ms = self.clock()
        await self._draft(id_)
        no = Decision(after=OccurrenceState.REJECTED, by=_named(by), at_ms=now_ms, why=why.strip())
        return await self._decided(id_, no)

    async def publish_now(self, id_: str, *, by: str, caption: str | None = None) -> Item:
        """Has what waits for its time go out now; a draft is approved with it.

        Raises NotThere, and Refused for what does not wait any more.
        """
        row = await self.item(id_)
        if isinstance(row, OccurrenceRow):
            if row.state is OccurrenceState.WAITING:
                return await self.approve(id_, by=by, caption=caption, at_once=True)
            if not await self.store.hasten_occurrence(id_, self.clock()):
                _late(await self.item(id_))
            await self.ring()
        elif not await self.store.hasten_post(id_, self.clock()):
            _late(await self.item(id_))
        return await self.item(id_)

    async def cancel(self, id_: str) -> Item:
        """Takes back a post that is not being published yet, or an open occurrence.

        Raises NotThere, and Refused where it is too late for that.
        """
        now_ms = self.clock()
        cancelled = await self.store.cancel_post(id_, now_ms) or await self.store.cancel_occurrence(
            id_, now_ms
        )
        row = await self.item(id_)
        if not cancelled:
            _late(row)
        return row

    async def _draft(self, id_: str) -> OccurrenceRow:
        row = await self.store.occurrence(id_)
        if row is None:
            raise NotThere(NO_DRAFT)
        if row.state is not OccurrenceState.WAITING:
            raise _undecided(id_, str(row.state))
        return row

    async def _decided(self, id_: str, decision: Decision) -> OccurrenceRow:
        done = await self.store.decide(id_, decision)
        row = await self.store.occurrence(id_)
        if row is None or not done:
            raise _undecided(id_, "gone" if row is None else str(row.state))
        await self.ring()
        return row


def may_cancel(row: Item) -> bool:
    """Whether it can be taken back, as it stands."""
    if isinstance(row, OccurrenceRow):
        return row.state in OPEN
    return row.state in {PostState.PLANNED, PostState.WAITING, PostState.READY}


def may_hasten(row: Item, now_ms: int) -> bool:
    """Whether it waits for its time, as it stands, or for a yes."""
    if isinstance(row, OccurrenceRow):
        waits = row.state is OccurrenceState.WAITING
        return waits or (row.state is OccurrenceState.READY and row.due_ms > now_ms)
    untouched = row.state is PostState.PLANNED and row.round == 1 and not row.failures
    return untouched and row.planned_ms > now_ms


def _new_post(wish: Wish, bank: Mapping[str, Picture], key: str, now_ms: int) -> NewPost:
    identity = uuid4().hex
    at_ms = max(wish.at_ms, now_ms)
    return NewPost(
        id=identity,
        key=f"hand:{wish.account}:{key or identity}",
        account=wish.account,
        kind=wish.kind,
        pictures=tuple(PostPicture(one) for one in wish.pictures),
        caption=wish.caption,
        ai_generated=wish.ai_generated or any(bank[one].ai_generated for one in wish.pictures),
        planned_ms=at_ms,
        deadline_ms=at_ms + round(wish.within_hours * 3_600_000),
    )


def _named(by: str) -> str:
    if not by.strip():
        raise Refused((Problem("by", "must be a name: who decided is recorded", "by"),))
    return by.strip()


def _undecided(id_: str, state: str) -> Refused:
    return Refused((Problem("not_waiting", f"is {state}, and waits for no decision", id_),))


def _late(row: Item) -> NoReturn:
    if isinstance(row, OccurrenceRow) and row.post:
        words = f"is a post by now: `vestlus posts cancel {row.post}`"
        raise Refused((Problem("is_post", words, row.id, {"post": row.post}),))
    words = f"is {row.state}, which is too late for that"
    raise Refused((Problem("too_late", words, row.id, {"state": str(row.state)}),))
