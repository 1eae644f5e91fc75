"""What the rows of posts are as values, and what a step makes of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Row

from vestlus.conversation.identity import outbox_partition_of
from vestlus.store import schema
from vestlus.store.post_rows import ContainerRow, NewPost, PostKind, PostPicture, PostRow, PostStep
from vestlus.store.posts import POST_TRANSITIONS, PostState
from vestlus.store.sql_codec import cleaned

POST_COLUMNS: Final = tuple(column for column in schema.post.c if column.name != "outbox")
CONTAINER_COLUMNS: Final = tuple(
    column for column in schema.post_container.c if column.name != "account"
)


def encode_pictures(pictures: Iterable[PostPicture]) -> str:
    """Pictures as the column has them."""
    listed = [[cleaned(one.id), cleaned(one.alt)] for one in pictures]
    return json.dumps(listed, ensure_ascii=False)


def new_post_values(post: NewPost, outbox_partitions: int, now_ms: int) -> dict[str, str | int]:
    """The columns of a post that is planned."""
    account = cleaned(post.account)
    return {
        "id": cleaned(post.id),
        "key": cleaned(post.key),
        "outbox": outbox_partition_of(account, outbox_partitions),
        "account": account,
        "kind": str(post.kind),
        "pictures": encode_pictures(post.pictures),
        "caption": cleaned(post.caption),
        "ai_generated": int(post.ai_generated),
        "state": str(PostState.PLANNED),
        "planned_ms": post.planned_ms,
        "due_ms": post.planned_ms,
        "deadline_ms": post.deadline_ms,
        "round": 1,
        "traceparent": cleaned(post.traceparent),
        "created_ms": now_ms,
        "changed_ms": now_ms,
    }


def post_rows(
    posts: Iterable[Row[Any]], containers: Iterable[Row[Any]] = ()
) -> tuple[PostRow, ...]:
    """The posts, each with its containers."""
    of: defaultdict[str, list[ContainerRow]] = defaultdict(list)
    for row in containers:
        values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's name for a public thing
        post = values.pop("post")
        of[post].append(ContainerRow(**values | {"finished": bool(values["finished"])}))
    return tuple(_post_row(row, of[row.id]) for row in posts)


def _post_row(row: Row[Any], containers: list[ContainerRow]) -> PostRow:
    values = dict(row._mapping)  # noqa: SLF001 - as above
    values |= {
        "kind": PostKind(values["kind"]),
        "state": PostState(values["state"]),
        "ai_generated": bool(values["ai_generated"]),
        "pictures": tuple(PostPicture(*one) for one in json.loads(values["pictures"])),
        "containers": tuple(sorted(containers, key=lambda one: one.number)),
    }
    return PostRow(**values)


def check_post_step(step: PostStep) -> None:
    """Raises ValueError for a step that does not exist or lacks what it needs."""
    before, after = step.of.state, step.after
    if (before, after) not in POST_TRANSITIONS:
        message = f"no transition from {before} to {after}"
        raise ValueError(message)
    if (step.begins is not None) != (after is PostState.CREATING):
        message = "a request for a container begins with the step to creating"
        raise ValueError(message)
    if step.made and before is not PostState.CREATING:
        message = "a container is made by a step from creating"
        raise ValueError(message)
    if step.media_id is not None and after is not PostState.PUBLISHED:
        message = "a post on Instagram belongs to published"
        raise ValueError(message)


def changed_values(step: PostStep) -> dict[str, int | str | None]:
    """The columns of the post that a step changes."""
    of, begins = step.of, step.after is PostState.PUBLISHING
    looks = step.after is PostState.LOOKING
    return {
        "state": str(step.after),
        "due_ms": step.due_ms,
        "version": of.version + 1,
        "round": of.round + step.new_round,
        "failures": step.failures,
        "attempts": of.attempts + begins,
        "attempted_ms": step.at_ms if begins else of.attempted_ms,
        "resends": of.resends + step.resend,
        "looking_ms": (of.looking_ms or step.at_ms) if looks else 0,
        "media_id": None if step.media_id is None else cleaned(step.media_id),
        "reason": cleaned(step.reason),
        "problem": cleaned(step.problem),
        "changed_ms": step.at_ms,
    }
