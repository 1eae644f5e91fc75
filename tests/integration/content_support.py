"""A bank, posts, drafts, schedules and events for the console's pages about them."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import httpx

from image_bank import starter_folder
from image_bank.catalogue import Picture
from image_bank.folder import load_folder
from image_bank.keeping import read_catalogue
from image_bank.open import open_storage
from tests.fakes.bank import picture_file
from tests.fakes.planning import PretendDrafter
from tests.integration.console_support import (
    ACCOUNT,
    Site,
    console_settings,
    served,
    signed_client,
)
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.planning.desk_open import open_desk
from vestlus.planning.event_rules import rules_of
from vestlus.planning.events import EventDesk
from vestlus.planning.payloads import parse_payload
from vestlus.planning.planner import Planner
from vestlus.planning.rules import PlannerRules
from vestlus.scheduling.recipe import Recipe
from vestlus.store.names import SCHEDULER, outbox_lease
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.open import open_store
from vestlus.store.plan_rows import (
    Claim,
    Draft,
    NewOccurrence,
    OccurrenceRow,
    OccurrenceStep,
    Trigger,
)
from vestlus.store.post_rows import NewPost, PostKind, PostPicture, PostRow, PostStep
from vestlus.store.posts import PostState
from vestlus.store.rows import Lease, Member, MemberKind

IMAGES = "/console/images"
POSTS = "/console/posts"

HOUR = 3_600_000
DAY = 24 * HOUR
SOMEBODY = Member("somebody", MemberKind.CONVERSATION, "1", "here", 1)

RULES: tuple[dict[str, Any], ...] = (
    {
        "name": "uus-raamat",
        "event": "new-book",
        "pictures": ["announcement"],
        "prompt": "Tutvusta raamatut {{ event.title }}",
        "payload": {"type": "object", "required": ["title"]},
        "cool_down_minutes": 30,
        "most_per_day": 3,
        "quiet_hours": "22:00-07:00",
    },
    {
        "name": "suletud",
        "event": "closed",
        "pictures": ["holiday-notice"],
        "caption": "Oleme {{ event.day }} suletud.",
    },
)

CAPTION = (
    "Raamatukogu on sel nädalal avatud kella kaheksast kaheksani.\n\n"
    "Laupäeval kell 11 loeme koos lastega ette, ja pühapäeval puhkame.\n"
    "Tulge ikka! #raamatukogu #lugemine"
)


async def no_bell() -> None:
    """Nobody plans in these tests unless a test does it itself."""


@dataclass(frozen=True, slots=True)
class World:
    """The site and what is in it."""

    site: Site

    async def lease(self, name: str) -> Lease:
        """The right to act, as a host has it."""
        return (await self.site.store.acquire([name], SOMEBODY, 600))[name]

    async def event(self, name: str, payload: bytes, source: str = "kataloog") -> str:
        """Another system tells something; the event's id."""
        desk = EventDesk(rules_of(self.site.settings), system_clock, no_bell)
        answer = await desk.take(self.site.store, source, name, parse_payload(payload), None)
        return answer.row.id if answer.row else ""

    async def draft(
        self,
        *,
        schedule: str = "hommik",
        due_in_ms: int = HOUR,
        **recipe: Any,  # noqa: ANN401
    ) -> OccurrenceRow:
        """A draft of a schedule's that waits for a yes."""
        store, now_ms = self.site.store, system_clock()
        lease = await self.lease(SCHEDULER)
        schedules = await store.schedules()
        of = next(one for one in schedules if one.name == schedule)
        new = NewOccurrence(
            id=uuid4().hex,
            key=f"schedule:{schedule}:{uuid4().hex}",
            trigger=Trigger.SCHEDULE,
            name=of.name,
            account=ACCOUNT,
            recipe=Recipe(**{"account": ACCOUNT, "tags": ("avatud",), "prompt": "x"} | recipe),
            due_ms=now_ms + due_in_ms,
            wake_ms=now_ms,
        )
        claim = Claim(of=of, watched_ms=now_ms, look_ms=of.look_ms, occurrences=(new,))
        assert await store.claim(lease, claim, now_ms)
        planned = await store.occurrence(new.id)
        assert planned is not None
        step = OccurrenceStep(
            of=planned,
            after=OccurrenceState.WAITING,
            at_ms=now_ms,
            wake_ms=now_ms + due_in_ms,
            draft=Draft(
                caption="" if recipe.get("story") else CAPTION,
                pictures=(PostPicture("opening-hours"),),
                ai_generated=True,
            ),
        )
        assert await store.occurrence_step(lease, step)
        return await self.occurrence(new.id)

    async def occurrence(self, id_: str) -> OccurrenceRow:
        """The occurrence as it is now."""
        row = await self.site.store.occurrence(id_)
        assert row is not None
        return row

    async def post(self, *, in_ms: int = DAY, **fields: Any) -> PostRow:  # noqa: ANN401
        """A post by hand."""
        at_ms = system_clock() + in_ms
        new = NewPost(
            **{
                "id": uuid4().hex,
                "key": f"hand:{uuid4().hex}",
                "account": ACCOUNT,
                "kind": PostKind.PICTURE,
                "pictures": (PostPicture("where-to-find-us"),),
                "caption": "Leiad meid Lossi tänavalt.",
                "planned_ms": at_ms,
                "deadline_ms": at_ms + DAY,
                **fields,
            }
        )
        await self.site.store.add_posts([new], system_clock())
        return await self.read_post(new.id)

    async def read_post(self, id_: str) -> PostRow:
        """The post as it is now."""
        row = await self.site.store.post(id_)
        assert row is not None
        return row

    async def dead(self, post: PostRow, reason: str, problem: str) -> PostRow:
        """The post, given up."""
        return await self._ended(post, PostState.DEAD, reason=reason, problem=problem)

    async def published(self, post: PostRow) -> PostRow:
        """The post, published."""
        store, at_ms = self.site.store, system_clock()
        lease = await self._outbox()
        row = post
        for step in (
            {"after": PostState.CREATING, "begins": 0},
            {"after": PostState.WAITING, "made": "container-1"},
            {"after": PostState.READY, "finished": (1,)},
            {"after": PostState.PUBLISHING},
            {"after": PostState.PUBLISHED, "media_id": f"1789{row.planned_ms}"},
        ):
            await store.post_step(lease, PostStep(of=row, at_ms=at_ms, due_ms=at_ms, **step))
            row = await self.read_post(post.id)
        assert row.state is PostState.PUBLISHED
        return row

    async def _ended(self, post: PostRow, after: PostState, **fields: Any) -> PostRow:  # noqa: ANN401
        step = PostStep(of=post, after=after, at_ms=system_clock(), **fields)
        await self.site.store.post_step(await self._outbox(), step)
        return await self.read_post(post.id)

    async def _outbox(self) -> Lease:
        return await self.lease(outbox_lease(outbox_partition_of(ACCOUNT, Topology().outbox)))


#: Looking at the starter's pictures takes longer than most tests: it is done once.
_LOADED: Final = TemporaryDirectory(prefix="vestlus-starters-")
_starters_made: Final = threading.Event()


async def _starters() -> Path:
    """The data folder of a store and a bank that hold the starter's pictures and nothing else."""
    folder = Path(_LOADED.name, "data")
    if not _starters_made.is_set():
        settings = console_settings(folder)
        topology = Topology(inbox=settings.partitions)
        opened = open_store(
            settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        )
        async with opened as store, open_storage(settings) as storage:
            await load_folder(starter_folder(), bank=store, storage=storage, clock=system_clock)
        _starters_made.set()
    return folder


@asynccontextmanager
async def world(folder: Path, **changed: object) -> AsyncIterator[World]:
    """A site with the starter's pictures, two schedules and two event rules."""
    account = {"id": ACCOUNT, "name": "Linna raamatukogu", "timezone": "Europe/Tallinn"}
    settings = console_settings(folder, **{"accounts": (account,), "event_rules": RULES, **changed})
    shutil.copytree(await _starters(), folder, dirs_exist_ok=True)
    async with served(settings) as site:
        desk = open_desk(site.store, settings, system_clock, no_bell)
        schedule = {"name": "hommik", "cron": "0 9 * * mon-fri", "account": ACCOUNT}
        await desk.add(schedule | {"pictures": ["opening-hours"], "caption": "Tere hommikust!"})
        await desk.add(
            {
                "name": "nadalavahetus",
                "cron": "30 10 * * sat",
                "account": ACCOUNT,
                "pictures": ["announcement"],
                "story": True,
            }
        )
        yield World(site)


@asynccontextmanager
async def acting(site: Site) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client that is signed in, and the mark that its forms carry."""
    async with signed_client(site) as client:
        session = (await site.store.sessions(0))[0]
        yield client, session.csrf


async def handed_over(filled: World, id_: str) -> str:
    """The id of the post that the real planner makes of an approved draft."""
    planner = Planner(
        lease=await filled.lease(SCHEDULER),
        store=filled.site.store,
        drafter=PretendDrafter(),
        kept=lambda _: (),
        clock=system_clock,
        rules=PlannerRules(longest_seconds=0.2, busy_seconds=0.05, retry_seconds=0.05),
        steps=Counter(),
    )
    running = asyncio.create_task(planner.run())
    try:
        async with asyncio.timeout(30):
            while not (post := (await filled.occurrence(id_)).post):
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.wait([running])
    return post


def become_viewer(filled: World) -> None:
    """Makes a viewer of whoever is signed in."""
    path = filled.site.settings.database.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE console_session SET role = 'viewer'")


async def bank(filled: World) -> Mapping[str, Picture]:
    """The pictures of the bank, by name."""
    return (await read_catalogue(filled.site.store)).pictures


def said(csrf: str, **more: str) -> dict[str, str]:
    """A description as a form sends it."""
    return {"csrf": csrf, "shows": "Meie maja", "in_dms": "yes", "in_posts": "yes", **more}


async def add(filled: World, key: str, data: bytes | None = None, **more: str) -> Picture:
    """A picture that is added by the form."""
    async with acting(filled.site) as (client, csrf):
        answer = await client.post(
            f"{IMAGES}/add",
            data=said(csrf, id=key, **more),
            files={"file": ("x.jpg", data or picture_file(), "image/jpeg")},
        )
        assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
    return (await bank(filled))[key]
