"""What ``/api/v1`` says of posts, pictures and events: the models of its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from vestlus.console.operations import Shape
from vestlus.desk.posts import Item
from vestlus.store.plan_rows import OccurrenceRow
from vestlus.store.post_rows import PostKind


def utc(at_ms: int) -> str | None:
    """A moment as answers have it; none for none."""
    if at_ms <= 0:
        return None
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class PostShape(Shape):
    """A post, or the draft of one. ``form`` tells which; a draft that was handed over has the id of
    its ``post``.
    """

    id: str
    form: Literal["post", "draft"]
    state: str
    account: str
    story: bool
    pictures: list[str]
    caption: str
    ai_generated: bool
    #: Of a draft: ``schedule`` or ``event``, and the name of that schedule or rule.
    source: str
    name: str
    planned_at: str | None
    given_up_at: str | None
    decided_by: str
    decided_at: str | None
    post: str
    media_id: str | None
    attempts: int
    reason: str
    problem: str


def post_shape(row: Item) -> PostShape:
    """A post or a draft, as it is told."""
    common: dict[str, Any] = {
        "id": row.id,
        "state": str(row.state),
        "account": row.account,
        "pictures": [one.id for one in row.pictures],
        "caption": row.caption,
        "ai_generated": row.ai_generated,
        "reason": row.reason,
        "problem": row.problem,
    }
    if isinstance(row, OccurrenceRow):
        return PostShape(
            **common,
            form="draft",
            story=row.recipe.story,
            source=str(row.trigger),
            name=row.name,
            planned_at=utc(row.due_ms),
            given_up_at=None,
            decided_by=row.decided_by,
            decided_at=utc(row.decided_ms),
            post=row.post,
            media_id=None,
            attempts=0,
        )
    return PostShape(
        **common,
        form="post",
        story=row.kind is PostKind.STORY,
        source="",
        name="",
        planned_at=utc(row.planned_ms),
        given_up_at=utc(row.deadline_ms),
        decided_by="",
        decided_at=None,
        post="",
        media_id=row.media_id,
        attempts=row.attempts,
    )


class PostsShape(Shape):
    """Some of them, the latest first."""

    posts: list[PostShape]


class PictureShape(Shape):
    """An entry of the image bank. See ``docs/image-bank.md``."""

    id: str
    file: str
    media_type: str
    size: int
    width: int
    height: int
    shows: str
    alt: str
    tags: list[str]
    language: str
    rights: str
    ai_generated: bool
    in_dms: bool
    in_posts: bool
    valid_from: str | None
    valid_until: str | None
    accounts: list[str]
    post_file: str | None
    source: str
    added_ms: int
    origin: str
    #: Where today lies in the time of its use: valid, ending, ended, to_come.
    standing: str


class PicturesShape(Shape):
    """Some of them, by id. ``next`` is what to ask for as ``after``; none at the end."""

    images: list[PictureShape]
    next: str | None


class AnswersShape(Shape):
    """In how many of the newest answers with pictures a picture was."""

    with_it: int
    last_at: str | None
    looked_at: int
    since: str | None


class UsedPostShape(Shape):
    """A post with the picture."""

    id: str
    state: str
    account: str
    planned_at: str


class UsesShape(Shape):
    """Where a picture was used, and what names it for posts to come."""

    answers: AnswersShape
    posts: list[UsedPostShape]
    schedules: list[str]
    event_rules: list[str]


class OutcomeShape(Shape):
    """What one rule made of an event: ``planned``, with the draft's id, or ``not_applied``."""

    rule: str
    result: Literal["planned", "not_applied"]
    due_at: str | None = None
    #: The id of the draft, and its state or that of the post that it became.
    occurrence: str | None = None
    state: str | None = None
    post: str | None = None
    reason: str | None = None
    problem: str | None = None


class EventShape(Shape):
    """An event of another system."""

    id: str
    event: str
    source: str
    key: str
    received_at: str
    data: dict[str, Any] | None
    outcomes: list[OutcomeShape]


class EventsShape(Shape):
    """Some of them, newest first. ``next`` is what to ask for as ``before``; none at the end."""

    events: list[EventShape]
    next: str | None


class RulesShape(Shape):
    """The rules of ``vestlus.toml``, each with the keys of ``[[event_rules]]``."""

    rules: list[dict[str, Any]]
