"""``/console/posts/new``: a post by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.responses import Response
from starlette.routing import Route

from image_bank.catalogue import Picture, may_post
from image_bank.links import local_day
from vestlus.console.content import Shelf, account_name, chosen_account, zone_of
from vestlus.console.guarding import Guard
from vestlus.console.people import Role
from vestlus.console.post_page import desk_of
from vestlus.console.post_views import refusals
from vestlus.console.tools import Tools
from vestlus.console.visits import Done, Refusal, Visit, text
from vestlus.desk.post_checks import Wish
from vestlus.desk.posts import PostDesk
from vestlus.desk.problems import NotThere, Problem, Refused
from vestlus.scheduling.walltime import moment_of
from vestlus.settings_account import Account
from vestlus.store.plan_rows import OccurrenceRow
from vestlus.store.post_rows import PostKind

#: Pictures to choose among on one page.
_MOST_PICTURES: Final = 200
_LONGEST_KEY: Final = 64
_USUAL_HOURS: Final = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What the form has in its fields."""

    key: str
    account: str = ""
    pictures: tuple[str, ...] = ()
    caption: str = ""
    story: bool = False
    ai_generated: bool = False
    at: str = ""
    within_hours: str = f"{_USUAL_HOURS:g}"


class PostWriting:
    """The form, and what it does. ``key`` is made with the form, so that sending it twice makes one
    post.
    """

    def __init__(self, tools: Tools, guard: Guard, shelf: Shelf) -> None:
        self._tools = tools
        self._guard = guard
        self._shelf = shelf

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        path = "/console/posts/new"
        return [
            self._guard.page(path, self._form, Role.AGENT),
            self._guard.action(path, "post.plan", self._plan),
        ]

    async def _form(self, visit: Visit) -> Response:
        account = chosen_account(visit)
        filled = Filled(
            key=uuid4().hex,
            account=account.id if account else "",
            pictures=tuple(visit.request.query_params.getlist("picture")),
        )
        if visit.query("of"):
            filled = await self._copied(visit.query("of"), filled)
        return await self._page(visit, filled)

    async def _copied(self, id_: str, filled: Filled) -> Filled:
        """The form filled in with what another post or draft was to say."""
        try:
            row = await desk_of(self._tools).item(id_)
        except NotThere:
            return filled
        return Filled(
            key=filled.key,
            account=row.account,
            pictures=tuple(one.id for one in row.pictures),
            caption=row.caption,
            story=row.recipe.story
            if isinstance(row, OccurrenceRow)
            else row.kind is PostKind.STORY,
            ai_generated=row.ai_generated,
        )

    async def _page(
        self,
        visit: Visit,
        filled: Filled,
        problems: list[str] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        tools = self._tools
        account = tools.settings.account(filled.account)
        zone = zone_of(tools.settings.account(filled.account))
        pictures = await self._shelf.pictures()
        found = _postable(pictures, account, visit.query("q"), visit.now_ms)
        chosen = [pictures[one] for one in filled.pictures if one in pictures]
        rest = [one for one in found if one.id not in filled.pictures]
        return visit.page(
            "post_write.html",
            zone=zone,
            status=status,
            filled=filled,
            accounts=tools.settings.accounts,
            account_name=account_name(tools, filled.account),
            zone_name=zone.key,
            pictures=[*chosen, *rest][:_MOST_PICTURES],
            more=len(chosen) + len(rest) > _MOST_PICTURES,
            problems=problems or [],
        )

    async def _plan(self, visit: Visit, form: FormData) -> Done:
        filled = _filled(form)
        desk = desk_of(self._tools)
        try:
            wish = _wish(desk, filled, zone_of(self._tools.settings.account(filled.account)))
            row, added = await desk.plan(wish, key=f"console:{filled.key}")
        except Refused as error:
            said = refusals(visit.language, error.problems)
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            page = await self._page(visit, filled, said, status)
            raise Refusal(f"posts.refused.{error.reason}", page=page) from error
        notice = "posts.done.planned" if added else "posts.done.known"
        return Done(f"/console/posts/{row.id}", row.id, notice, "" if added else "known")


def _postable(
    pictures: Mapping[str, Picture], account: Account | None, words: str, now_ms: int
) -> list[Picture]:
    """What the account may post today, the newest first, with these words where there are any."""
    if account is None:
        return []
    today, wanted = local_day(account, now_ms), words.casefold().split()
    found = [
        one
        for one in pictures.values()
        if may_post(one, account.id, today)
        and all(word in f"{one.id} {one.shows} {' '.join(one.tags)}".casefold() for word in wanted)
    ]
    return sorted(found, key=lambda one: (-one.added_ms, one.id))


def _filled(form: FormData) -> Filled:
    chosen = [one for one in form.getlist("picture") if isinstance(one, str)]
    # With scripts the order is that in which they were chosen.
    order = [one for one in text(form, "order").split(",") if one in chosen]
    pictures = dict.fromkeys([*order, *chosen])
    return Filled(
        key=text(form, "key")[:_LONGEST_KEY] or uuid4().hex,
        account=text(form, "account"),
        pictures=tuple(pictures),
        caption=text(form, "caption").replace("\r\n", "\n"),
        story=text(form, "story") == "yes",
        ai_generated=text(form, "ai_generated") == "yes",
        at=text(form, "at"),
        within_hours=text(form, "within_hours"),
    )


def _wish(desk: PostDesk, filled: Filled, zone: ZoneInfo) -> Wish:
    """What the form wishes for. Raises Refused for what cannot be read."""
    return Wish(
        account=desk.account(filled.account or None),
        pictures=filled.pictures,
        caption=filled.caption,
        story=filled.story,
        ai_generated=filled.ai_generated,
        at_ms=_moment(filled.at, zone),
        within_hours=_hours(filled.within_hours),
    )


def _moment(wall: str, zone: ZoneInfo) -> int:
    """The moment of a wall time as browsers write it; 0 for none."""
    if not wall:
        return 0
    try:
        at = datetime.fromisoformat(wall)
        return moment_of(at.replace(tzinfo=None), zone).at_ms
    except (ValueError, OverflowError) as error:
        raise Refused((Problem("at", "is no date and time", "at"),)) from error


def _hours(given: str) -> float:
    try:
        return float(given.replace(",", ".")) if given else _USUAL_HOURS
    except ValueError:
        return math.nan
