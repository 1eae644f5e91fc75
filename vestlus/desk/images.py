"""What people do with the image bank: add, describe anew, retire, remove, see where one is used."""

from __future__ import annotations

import asyncio
import itertools
import re
import unicodedata
from collections.abc import Collection, Container
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

from image_bank import keeping
from image_bank.catalogue import Picture
from image_bank.describing import describe_anew, retire
from image_bank.description import Description
from image_bank.links import local_day
from image_bank.storage import MediaStorage
from vestlus.assistant.picture_vectors import keep_picture_vectors
from vestlus.clock import Clock
from vestlus.planning.definitions import Definition, read_definition
from vestlus.planning.telling import moment_values
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.store.content_port import Content
from vestlus.store.content_rows import PictureUse
from vestlus.store.plan_port import Schedules
from vestlus.store.plan_rows import ScheduleRow
from vestlus.store.port import Bank
from vestlus.store.post_rows import PostRow

#: Of so many answers with pictures, the newest, it is counted in which a picture was.
ANSWERS_LOOKED_AT: Final = 10_000
#: Among so many posts, the latest, those with a picture are looked for.
_POSTS_LOOKED_AT: Final = 5_000
_POSTS_SHOWN: Final = 50

_NOT_IN_IDS: Final = re.compile(r"[^a-z0-9]+")
#: Characters, with room for a number behind them.
_LONGEST_BASE: Final = 56


class ImageStore(Bank, Content, Schedules, Protocol):
    """What of the store is used."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Where a picture was used, and what names it for posts to come."""

    answers: PictureUse
    #: How many answers with pictures were looked at, and since when they are; 0 for none.
    looked: int
    since_ms: int
    posts: tuple[PostRow, ...]
    #: Names of schedules and of event rules that name the picture by its id.
    schedules: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def is_named(self) -> bool:
        """Whether posts to come would miss it."""
        return bool(self.schedules or self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDesk:
    """Changes the bank. All raise CatalogueRefused, StorageUnavailable, StoreUnavailable; then
    nothing was changed.
    """

    store: ImageStore
    storage: MediaStorage
    settings: Settings
    clock: Clock

    async def add(
        self, key: str, description: Description, data: bytes, *, replacing: bool = False
    ) -> Picture:
        """Checks a file, brings it into the form that Instagram takes, and adds it; or puts it in
        the place of the one that was added under this id.
        """
        added = await keeping.add_by_hand(
            key,
            description,
            data,
            bank=self.store,
            storage=self.storage,
            clock=self.clock,
            replacing=replacing,
        )
        await keep_picture_vectors(self.settings, self.store, (added,), self.clock)
        return added

    async def add_file(
        self, name: str, key: str, description: Description, data: bytes
    ) -> tuple[Picture, bool]:
        """Adds a file that somebody sent under that name, and whether it did: a file that is in the
        bank already, under this id or where none was named, is not added again.

        Without ``key`` the id comes from the file's name.
        """
        known = (await keeping.read_catalogue(self.store)).pictures
        origin = keeping.origin_of(description, data)
        for one in known.values():
            if one.origin == origin and key in {"", one.id}:
                return one, False
        return await self.add(key or _free_key(name, known), description, data), True

    async def describe(
        self, key: str, description: Description, *, edition: str | None = None
    ) -> Picture:
        """Says something else of a picture that was added by hand. See ``describe_anew``."""
        described = await describe_anew(
            key,
            description,
            bank=self.store,
            storage=self.storage,
            clock=self.clock,
            edition=edition,
        )
        await keep_picture_vectors(self.settings, self.store, (described,), self.clock)
        return described

    async def retire(self, key: str) -> Picture:
        """Ends a picture's use with yesterday; it stays in the bank."""
        return await retire(key, self.today, bank=self.store, clock=self.clock)

    async def remove(self, keys: Collection[str]) -> None:
        """Removes pictures. Their links end at once."""
        await keeping.remove(
            keys,
            bank=self.store,
            storage=self.storage,
            clock=self.clock,
            folder_in_use=self.settings.image_folder is not None,
        )

    async def uses(self, key: str) -> Uses:
        """Where a picture was used. Reads no table whole."""
        sent = await self.store.picture_uses(limit=ANSWERS_LOOKED_AT)
        posts = await self.store.posts_showing(key, limit=_POSTS_SHOWN, among=_POSTS_LOOKED_AT)
        rows = await self.store.schedules()
        schedules = await asyncio.to_thread(_naming, key, rows)
        rules = tuple(one.name for one in self.settings.event_rules if key in one.pictures)
        none = PictureUse(0, 0)
        return Uses(sent.uses.get(key, none), sent.looked, sent.since_ms, posts, schedules, rules)

    @property
    def today(self) -> date:
        """The day by the first account's calendar."""
        return day_of(self.settings, self.clock())


def day_of(settings: Settings, now_ms: int) -> date:
    """The day by the calendar of the first account; UTC where none is configured."""
    owner = settings.accounts[0] if settings.accounts else Account(id="0", timezone="UTC")
    return local_day(owner, now_ms)


def uses_values(uses: Uses) -> dict[str, Any]:
    """The same as JSON has it."""
    since = moment_values(uses.since_ms, "UTC")["utc"] if uses.since_ms else None
    return {
        "answers": {
            "with_it": uses.answers.answers,
            "last_at": moment_values(uses.answers.last_ms, "UTC")["utc"]
            if uses.answers.answers
            else None,
            "looked_at": uses.looked,
            "since": since,
        },
        "posts": [
            {
                "id": one.id,
                "state": str(one.state),
                "account": one.account,
                "planned_at": moment_values(one.planned_ms, "UTC")["utc"],
            }
            for one in uses.posts
        ],
        "schedules": list(uses.schedules),
        "event_rules": list(uses.rules),
    }


def _free_key(name: str, taken: Container[str]) -> str:
    """An id like the file's name that no other picture has."""
    plain = unicodedata.normalize("NFKD", Path(name).stem).encode("ascii", "ignore").decode()
    base = _NOT_IN_IDS.sub("-", plain.lower()).strip("-")[:_LONGEST_BASE].strip("-") or "picture"
    numbered = (base if number == 1 else f"{base}-{number}" for number in itertools.count(1))
    return next(one for one in numbered if one not in taken)


def _naming(key: str, rows: tuple[ScheduleRow, ...]) -> tuple[str, ...]:
    # Few rows have the id in their text at all, and only those are read.
    likely = (row for row in rows if f'"{key}"' in row.definition)
    found = ((row.name, read_definition(row)) for row in likely)
    return tuple(
        name
        for name, read in found
        if isinstance(read, Definition) and key in read.schedule.pictures
    )
