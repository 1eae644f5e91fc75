"""What drafts are made of, in memory: a bank, what was used, a model, moderation."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from image_bank.catalogue import Picture
from vestlus.assistant.caption_checking import Written
from vestlus.assistant.caption_prompt import CaptionTask
from vestlus.assistant.moderation import NOTHING_FOUND, Finding
from vestlus.assistant.search import LexicalSearch
from vestlus.errors import AssistantError
from vestlus.planning.drafting import PostDrafter
from vestlus.scheduling.recipe import Recipe
from vestlus.settings_account import Account
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import OccurrenceRow, Trigger

ACCOUNT = "17841400000000001"
DAY = 24 * 3_600_000
#: Thursday, 2026-12-24 18:05 in Tallinn.
DUE = 1_798_128_300_000


def bank_picture(name: str, *tags: str, **more: Any) -> Picture:  # noqa: ANN401 - any field
    """A picture that may be posted."""
    values: dict[str, Any] = {"shows": f"What {name} shows", "post_file": "x.jpg", **more}
    return Picture(
        id=name,
        file="x.png",
        media_type="image/png",
        size=1,
        width=9,
        height=9,
        tags=tags,
        **values,
    )


def recipe(**more: Any) -> Recipe:  # noqa: ANN401 - any field
    """A recipe of the account."""
    return Recipe(account=ACCOUNT, **more)


def occurrence(of: Recipe, *, id_: str = "o1", **more: Any) -> OccurrenceRow:  # noqa: ANN401 - any field
    """An occurrence that is to be drafted."""
    values: dict[str, Any] = {"payload": "", "state": OccurrenceState.PLANNED, "due_ms": DUE}
    return OccurrenceRow(
        id=id_,
        key=f"schedule:news:{id_}",
        trigger=Trigger.SCHEDULE,
        name="news",
        account=of.account,
        recipe=of,
        version=1,
        wake_ms=0,
        **values | more,
    )


class FakeUsed:
    """The store's answer, and what it was asked."""

    def __init__(self, used: Mapping[str, int] | None = None) -> None:
        self.used = dict(used or {})
        self.asked: list[tuple[str, int]] = []

    async def pictures_used(self, account: str, since_ms: int) -> Mapping[str, int]:
        self.asked.append((account, since_ms))
        return {one: at_ms for one, at_ms in self.used.items() if at_ms >= since_ms}


class FakeBank:
    """The bank, all of it."""

    def __init__(self, *pictures: Picture) -> None:
        self.all = {one.id: one for one in pictures}

    async def pictures(self) -> Mapping[str, Picture]:
        return self.all


class FakeWriter:
    """Writes what the script says, or fails with it; it takes the first pictures that it may."""

    def __init__(self) -> None:
        self.script: deque[str | AssistantError] = deque()
        self.tasks: list[CaptionTask] = []
        #: Called while the model is at work.
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def write(
        self,
        account: Account,  # noqa: ARG002 - the port's
        task: CaptionTask,
        free: Callable[[Sequence[str]], bool],
    ) -> Written:
        self.tasks.append(task)
        said = self.script.popleft() if self.script else "Sõnad."
        if isinstance(said, AssistantError):
            raise said
        if self.meanwhile is not None:
            await self.meanwhile()
        ids = [one.id for one in task.offered]
        while task.count and not free(ids[: task.count]):
            del ids[0]
        return Written(said if task.writes else "", tuple(ids[: task.count]))


class FakeModerator:
    """Finds what it is told to find."""

    def __init__(self) -> None:
        self.finding: Finding = NOTHING_FOUND
        self.seen: list[str] = []

    async def check(
        self,
        account: Account,  # noqa: ARG002 - the port's
        texts: Sequence[str],
        images: Sequence[bytes] = (),  # noqa: ARG002 - the port's
    ) -> Finding:
        self.seen += texts
        return self.finding


class SeenSearch(LexicalSearch):
    """By words; it keeps what was looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[str] = []

    async def best(self, query: str, texts: Mapping[str, str], most: int) -> tuple[str, ...]:
        self.queries.append(query)
        return await super().best(query, texts, most)


class Drafting:
    """A drafter and all that it is given."""

    def __init__(
        self,
        *pictures: Picture,
        used: Mapping[str, int] | None = None,
        account: Mapping[str, Any] | None = None,
    ) -> None:
        self.bank = FakeBank(*pictures)
        self.used = FakeUsed(used)
        self.writer = FakeWriter()
        self.moderator = FakeModerator()
        values: dict[str, Any] = {"id": ACCOUNT, "name": "Raekoda", **(account or {})}
        self.account = Account.model_validate(values)
        self.search = SeenSearch()
        self.drafter = PostDrafter(
            accounts=lambda one: self.account if one == ACCOUNT else None,
            pictures=self.bank,
            used=self.used,
            writer=self.writer,
            moderator=self.moderator,
            searches=lambda _: self.search,
        )

    def withdraw(self, name: str) -> None:
        """Take a picture out of posts."""
        self.bank.all[name] = replace(self.bank.all[name], in_posts=False)
