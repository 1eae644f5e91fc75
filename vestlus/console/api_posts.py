"""``/api/v1/posts``: planned, approved, taken back and looked at by programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from zoneinfo import ZoneInfo

from vestlus.console.api_post_asks import (
    Approve,
    DraftsQuery,
    ListPosts,
    PlannedShape,
    PlanPost,
    Reject,
)
from vestlus.console.api_shapes import PostShape, PostsShape, post_shape
from vestlus.console.operations import INVALID, Call, Fault, Handler, Operation
from vestlus.console.people import Role
from vestlus.console.post_page import desk_of
from vestlus.desk.post_checks import Wish
from vestlus.desk.posts import Item, PostDesk
from vestlus.desk.problems import NotThere, Refused
from vestlus.scheduling.walltime import moment_of
from vestlus.store.occurrences import OccurrenceState

_NOT_THERE: Final = Fault(HTTPStatus.NOT_FOUND, "no_such_post", "there is no such post")
_TOO_LATE: Final = Fault(HTTPStatus.CONFLICT, "too_late", "it is too late for that, or it is done")

#: Problems of the moment and not of what was sent.
_OF_THE_MOMENT: Final = frozenset({"too_late", "is_post", "not_waiting", "lapsed"})

_ID: Final = {"id": "the post's, or the draft's"}


@asynccontextmanager
async def _at_desk(call: Call) -> AsyncIterator[PostDesk]:
    """The desk; what it refuses becomes an answer."""
    try:
        yield desk_of(call.tools)
    except NotThere as error:
        raise _NOT_THERE.refusal(str(error)) from error
    except Refused as error:
        fault = _TOO_LATE if error.reason in _OF_THE_MOMENT else INVALID
        raise fault.refusal(*map(str, error.problems)) from error


async def _list(call: Call) -> PostsShape:
    asked: ListPosts = call.query
    now_ms = call.tools.clock()
    since_ms = _ms(asked.since) if asked.since else now_ms - 30 * 24 * 3_600_000
    until_ms = _ms(asked.until) if asked.until else 2**53
    store, limit, account = call.tools.store, asked.limit, asked.account
    posts = await store.posts_between(since_ms, until_ms, limit=limit, account=account)
    drafts = await store.occurrences_between(since_ms, until_ms, limit=limit, account=account)
    # What was handed over is among the posts.
    rows: list[Item] = [*posts, *(one for one in drafts if not one.post)]
    found = [post_shape(one) for one in rows]
    found.sort(key=lambda one: (one.planned_at or "", one.id), reverse=True)
    return PostsShape(posts=found[: asked.limit])


async def _drafts(call: Call) -> PostsShape:
    asked: DraftsQuery = call.query
    rows = await call.tools.store.occurrences(
        limit=asked.limit, account=asked.account, states=(OccurrenceState.WAITING,)
    )
    return PostsShape(posts=[post_shape(one) for one in sorted(rows, key=lambda row: row.due_ms)])


async def _plan(call: Call) -> PlannedShape:
    body: PlanPost = call.body
    async with _at_desk(call) as desk:
        account = desk.account(body.account)
        owner = call.tools.settings.account(account)
        zone = ZoneInfo(owner.timezone if owner else "UTC")
        wish = Wish(
            account=account,
            pictures=tuple(body.pictures),
            caption=body.caption,
            story=body.story,
            ai_generated=body.ai_generated,
            at_ms=_moment(body.at, zone),
            within_hours=body.within_hours,
        )
        row, added = await desk.plan(wish, key=body.key)
    call.noted.note(target=row.id, detail="" if added else "known")
    return PlannedShape(post=post_shape(row), added=added)


async def _show(call: Call) -> PostShape:
    async with _at_desk(call) as desk:
        return post_shape(await desk.item(call.param("id")))


async def _approve(call: Call) -> PostShape:
    body: Approve = call.body
    by = call.person.name
    async with _at_desk(call) as desk:
        id_ = await _known(call, desk)
        row = await desk.approve(id_, by=by, caption=body.caption, at_once=body.at_once)
    return post_shape(row)


async def _reject(call: Call) -> PostShape:
    body: Reject = call.body
    async with _at_desk(call) as desk:
        id_ = await _known(call, desk)
        return post_shape(await desk.reject(id_, by=call.person.name, why=body.why))


async def _cancel(call: Call) -> PostShape:
    async with _at_desk(call) as desk:
        row: Item = await desk.cancel(await _known(call, desk))
    return post_shape(row)


async def _publish_now(call: Call) -> PostShape:
    async with _at_desk(call) as desk:
        row = await desk.publish_now(await _known(call, desk), by=call.person.name)
    return post_shape(row)


async def _known(call: Call, desk: PostDesk) -> str:
    """The post's id, noted. What is none, perhaps a user's id, is in no audit."""
    id_: str = (await desk.item(call.param("id"))).id
    call.noted.note(target=id_)
    return id_


def _moment(at: datetime | None, zone: ZoneInfo) -> int:
    if at is None:
        return 0
    return moment_of(at, zone).at_ms if at.tzinfo is None else _ms(at)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _act(id_: str, path: str, summary: str, handler: Handler, **more: Any) -> Operation:  # noqa: ANN401
    return Operation(
        "POST",
        f"/posts/{{id}}/{path}",
        id_,
        summary,
        handler,
        PostShape,
        role=Role.AGENT,
        params=_ID,
        tag="posts",
        faults=(_NOT_THERE, _TOO_LATE, INVALID),
        **more,
    )


OPERATIONS: Final = (
    Operation(
        "GET",
        "/posts",
        "listPosts",
        "Posts and drafts of a span of time, the latest first",
        _list,
        PostsShape,
        query=ListPosts,
        tag="posts",
    ),
    Operation(
        "GET",
        "/posts/drafts",
        "listPostDrafts",
        "Drafts that wait for a yes, what is due first at the top",
        _drafts,
        PostsShape,
        query=DraftsQuery,
        tag="posts",
    ),
    Operation(
        "POST",
        "/posts",
        "planPost",
        "Plans a post of pictures of the bank, for now or for a time",
        _plan,
        PlannedShape,
        role=Role.AGENT,
        body=PlanPost,
        action="post.plan",
        tag="posts",
    ),
    Operation(
        "GET",
        "/posts/{id}",
        "showPost",
        "One post or draft",
        _show,
        PostShape,
        params=_ID,
        faults=(_NOT_THERE,),
        tag="posts",
    ),
    _act(
        "approvePost",
        "approve",
        "Says yes to a draft: it goes out when it is due, or at once",
        _approve,
        body=Approve,
        action="post.approve",
    ),
    _act(
        "rejectPost",
        "reject",
        "Says no to a draft: it does not go out",
        _reject,
        body=Reject,
        action="post.reject",
    ),
    _act(
        "publishPostNow",
        "publish-now",
        "Has what waits for its time go out now; a draft is approved with it",
        _publish_now,
        action="post.publish_now",
    ),
    _act(
        "cancelPost",
        "cancel",
        "Takes back what is not being published yet",
        _cancel,
        action="post.cancel",
    ),
)
