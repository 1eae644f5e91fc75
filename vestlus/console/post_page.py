"""``/console/posts/{id}``: one post or draft, and what people do with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from vestlus.console.content import Shelf, account_name, zone_of
from vestlus.console.guarding import Guard
from vestlus.console.live import Streams
from vestlus.console.post_trail import trail_of
from vestlus.console.post_views import (
    form_of,
    preview_of,
    refusals,
    state_key,
    tone_of,
    why,
)
from vestlus.console.tools import Tools
from vestlus.console.visits import Done, Refusal, Visit, text
from vestlus.desk.post_checks import waits_until
from vestlus.desk.posts import Item, PostDesk, may_cancel, may_hasten
from vestlus.desk.problems import NotThere, Refused
from vestlus.planning.upcoming import of_occurrence, of_post
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import OccurrenceRow
from vestlus.store.post_rows import PostRow

#: Of a reason: it becomes the row's problem, for people to read.
_LONGEST_WHY: Final = 500


def desk_of(tools: Tools) -> PostDesk:
    """The desk of a replica. Raises StoreUnavailable until the store is open."""
    return PostDesk(store=tools.store, settings=tools.settings, ring=tools.ring, clock=tools.clock)


class PostPage:
    """One post, live."""

    def __init__(self, tools: Tools, guard: Guard, shelf: Shelf, streams: Streams) -> None:
        self._tools = tools
        self._guard = guard
        self._shelf = shelf
        self._streams = streams

    @property
    def routes(self) -> list[Route]:
        """What is served. The names below ``/console/posts`` that are no ids come before these."""
        one, guard = "/console/posts/{id}", self._guard
        return [
            guard.page(one, self._show),
            guard.page(f"{one}/part", self._part),
            guard.page(f"{one}/changes", self._changes),
            guard.action(f"{one}/approve", "post.approve", self._approve),
            guard.action(f"{one}/reject", "post.reject", self._reject),
            guard.action(f"{one}/publish-now", "post.publish_now", self._publish_now),
            guard.action(f"{one}/cancel", "post.cancel", self._cancel),
        ]

    async def _show(self, visit: Visit) -> Response:
        row = await self._item(visit)
        if isinstance(row, OccurrenceRow) and row.post:
            onwards = f"/console/posts/{quote(row.post)}?draft={quote(row.id)}"
            notice = visit.query("notice")
            return RedirectResponse(f"{onwards}&notice={quote(notice)}" if notice else onwards, 303)
        return await self._page(visit, row, "post.html")

    async def _part(self, visit: Visit) -> Response:
        """The part of the page that changes."""
        return await self._page(visit, await self._item(visit), "post_part.html")

    async def _changes(self, visit: Visit) -> Response:
        id_ = visit.param("id")

        async def look() -> str:
            store = self._tools.store
            row = await store.post(id_) or await store.occurrence(id_)
            return "" if row is None else f"{row.state}.{row.version}"

        return self._streams.follow(look)

    async def _page(
        self,
        visit: Visit,
        row: Item,
        template: str,
        *,
        caption: str | None = None,
        problems: list[str] | None = None,
    ) -> Response:
        """``caption``: other words than the row's, as somebody wrote them."""
        tools, form = self._tools, form_of(row)
        zones = {one.id: one.timezone for one in tools.settings.accounts}
        draft = row if isinstance(row, OccurrenceRow) else None
        told = of_post(row, zones) if isinstance(row, PostRow) else of_occurrence(row, zones, {})
        waiting = draft if draft and draft.state is OccurrenceState.WAITING else None
        return visit.page(
            template,
            zone=zone_of(tools.settings.account(row.account)),
            row=row,
            told=told,
            is_draft=draft is not None,
            waiting=waiting is not None,
            account_name=account_name(tools, row.account),
            preview=preview_of(
                row,
                await self._shelf.pictures(),
                account_name(tools, row.account),
                story=told.story,
            ),
            state=visit.words(state_key(form, str(row.state))),
            tone=tone_of(form, str(row.state)),
            why=why(visit.language, row.reason, row.problem),
            waits_until=waits_until(waiting) if waiting else 0,
            may_cancel=may_cancel(row),
            may_hasten=may_hasten(row, visit.now_ms),
            over=not may_cancel(row) and str(row.state) not in _UNDER_WAY,
            caption=row.caption if caption is None else caption,
            # Only a draft that waits for a decision has a field for it.
            written=waiting is not None and not told.story and caption is not None,
            problems=problems or [],
            trail=await trail_of(tools.store, row, visit.query("draft"), visit.language),
        )

    async def _approve(self, visit: Visit, form: FormData) -> Done:
        at_once = text(form, "at_once") == "yes"

        async def act(desk: PostDesk, row: Item) -> None:
            caption = _caption(form, row)
            await desk.approve(row.id, by=visit.person.name, caption=caption, at_once=at_once)

        notice = "posts.done.now" if at_once else "posts.done.approved"
        return await self._done(visit, form, act, notice)

    async def _reject(self, visit: Visit, form: FormData) -> Done:
        reason = text(form, "why")[:_LONGEST_WHY]

        async def act(desk: PostDesk, row: Item) -> None:
            await desk.reject(row.id, by=visit.person.name, why=reason)

        return await self._done(visit, form, act, "posts.done.rejected")

    async def _publish_now(self, visit: Visit, form: FormData) -> Done:
        async def act(desk: PostDesk, row: Item) -> None:
            await desk.publish_now(row.id, by=visit.person.name)

        return await self._done(visit, form, act, "posts.done.now")

    async def _cancel(self, visit: Visit, form: FormData) -> Done:
        async def act(desk: PostDesk, row: Item) -> None:
            await desk.cancel(row.id)

        return await self._done(visit, form, act, "posts.done.cancelled")

    async def _done(
        self,
        visit: Visit,
        form: FormData,
        act: Callable[[PostDesk, Item], Awaitable[None]],
        notice: str,
    ) -> Done:
        desk, id_ = desk_of(self._tools), visit.param("id")
        try:
            # First of all: what is no post's id, perhaps a user's, is in no audit.
            row = await desk.item(id_)
            visit.noted.note(target=row.id, account=row.account)
            await act(desk, row)
        except NotThere as error:
            raise Refusal("posts.refused.gone", "/console/posts") from error
        except Refused as error:
            row = await desk.item(id_)
            page = await self._page(
                visit,
                row,
                "post.html",
                caption=_caption(form, row),
                problems=refusals(visit.language, error.problems),
            )
            page.status_code = HTTPStatus.CONFLICT
            raise Refusal(f"posts.refused.{error.reason}", target=row.id, page=page) from error
        return Done(f"/console/posts/{quote(id_)}", id_, notice)

    async def _item(self, visit: Visit) -> Item:
        try:
            return await desk_of(self._tools).item(visit.param("id"))
        except NotThere as error:
            raise HTTPException(HTTPStatus.NOT_FOUND) from error


#: A publisher is at it: nobody can take it back, and it is not over.
_UNDER_WAY: Final = frozenset({"creating", "publishing", "looking"})


def _caption(form: FormData, row: Item) -> str | None:
    """The caption as it was edited; ``None`` where it was not. Browsers send CR LF."""
    given = form.get("caption")
    if not isinstance(given, str):
        return None
    caption = _lines(given)
    return None if caption == _lines(row.caption) else caption


def _lines(written: str) -> str:
    return written.replace("\r\n", "\n").replace("\r", "\n").strip()
