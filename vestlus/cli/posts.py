"""``vestlus posts``: what people publish by hand, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

from cyclopts import App, Parameter

from vestlus.cli.beside import AsJson, moment, print_json, run_on_store, say
from vestlus.errors import VestlusError

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.port import Store
    from vestlus.store.post_rows import PostKind, PostRow

posts = App(name="posts", help="Publish posts by hand, and see what became of each.")

#: How much of a caption fits into a line of a list.
_SHORT = 50

#: As for what schedules and rules plan.
_MOST_HOURS = 24 * 7

_NOT_THERE = "there is no such post: `vestlus posts list` shows their ids"


class PostRefused(VestlusError):
    """Nothing was planned. ``problems`` has one line each, saying what to mend."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class NoSuchPost(VestlusError):
    """There is none of that id."""


@posts.command(name="publish-now")
def publish_now(
    *,
    picture: tuple[str, ...],
    caption: str = "",
    account: str | None = None,
    story: Annotated[bool, Parameter(negative="")] = False,
    ai_generated: Annotated[bool, Parameter(negative="")] = False,
    key: str | None = None,
    within_hours: float = 24.0,
    as_json: AsJson = False,
) -> None:
    """Publish pictures of the bank as soon as the service can: one picture, a carousel, a story.

    The running service does it, within seconds or when the day's quota has room. `vestlus posts
    show` tells how far it is.

    Parameters
    ----------
    picture
        An id of the image bank. Given two to ten times, the post is a carousel.
    caption
        At most 2,200 characters, 30 hashtags and 20 mentions. A story has none.
    account
        Which account publishes; may be left out where one is configured.
    story
        A story instead of a post on the grid.
    ai_generated
        Disclose to Instagram that it was made with AI; done anyway where the bank says so of one
        of the pictures.
    key
        A name of the occasion: of one name there is one post, however often it is asked for.
    within_hours
        When it could not be published by then, it is given up.
    """
    from image_bank.keeping import read_catalogue
    from vestlus.cli.posts_checking import Wish, problems_of
    from vestlus.clock import system_clock
    from vestlus.store.post_rows import NewPost, PostPicture

    kind = _kind(len(picture), story=story)

    async def planning(store: Store, settings: Settings) -> tuple[PostRow, bool]:
        owner = _account(settings, account)
        now_ms = system_clock()
        problems = await problems_of(
            Wish(owner, kind, picture, caption), store, settings.account(owner), now_ms
        )
        if not 0 < within_hours <= _MOST_HOURS:
            problems.append(f"--within-hours must be above 0, and at most {_MOST_HOURS}")
        if problems:
            raise PostRefused(tuple(problems))
        bank = (await read_catalogue(store)).pictures
        identity = uuid4().hex
        new = NewPost(
            id=identity,
            key=f"hand:{owner}:{key or identity}",
            account=owner,
            kind=kind,
            pictures=tuple(PostPicture(one) for one in picture),
            caption=caption,
            ai_generated=ai_generated or any(bank[one].ai_generated for one in picture),
            planned_ms=now_ms,
            deadline_ms=now_ms + round(within_hours * 3_600_000),
        )
        if await store.add_posts([new], now_ms):
            return await _post(store, identity), True
        known = await store.post_of_key(new.key)
        if known is None:
            raise NoSuchPost(_NOT_THERE)
        return known, False

    row, added = run_on_store(planning)
    if as_json:
        print_json(_values(row) | {"added": added})
    else:
        said = "planned" if added else f"was planned under this key already, and is {row.state}"
        say(f"{row.id}: {said}")


@posts.command(name="list")
def list_(*, account: str | None = None, limit: int = 50, as_json: AsJson = False) -> None:
    """List posts, the latest planned first, with what is wrong with each.

    Parameters
    ----------
    account
        Only those of this account.
    limit
        How many.
    """

    async def reading(store: Store, _: Settings) -> tuple[PostRow, ...]:
        return await store.posts(limit=limit, account=account)

    rows = run_on_store(reading)
    if as_json:
        print_json([_values(row) for row in rows])
        return
    for row in rows:
        words = " ".join(row.caption.split())
        short = words if len(words) <= _SHORT else f"{words[: _SHORT - 1]}…"
        say(f"{row.id}  {moment(row.planned_ms)}  {row.state:<10}  {row.kind:<8}  {short}")
        if row.problem:
            say(f"    {row.problem}")
    if not rows:
        say("There are no posts.")


@posts.command
def show(id: str, *, as_json: AsJson = False) -> None:  # noqa: A002 - the name of the argument
    """Show everything that is known of a post.

    Parameters
    ----------
    id
        The post.
    """
    row = run_on_store(lambda store, _: _post(store, id))
    values = _values(row) | {"containers": len(row.containers)}
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        said = ", ".join(map(str, value)) if isinstance(value, list) else value
        say(f"{name + ':':<14} {'' if said is None else said}".rstrip())


async def _post(store: Store, id_: str) -> PostRow:
    row = await store.post(id_)
    if row is None:
        raise NoSuchPost(_NOT_THERE)
    return row


def _account(settings: Settings, named: str | None) -> str:
    configured = [one.id for one in settings.accounts]
    if named is None and len(configured) == 1:
        return configured[0]
    if named is None:
        raise PostRefused(("--account: is needed where not exactly one account is configured",))
    if configured and named not in configured:
        raise PostRefused((f"--account: {named} is not configured",))
    return named


def _kind(pictures: int, *, story: bool) -> PostKind:
    from vestlus.store.post_rows import PostKind

    if story:
        return PostKind.STORY
    return PostKind.CAROUSEL if pictures > 1 else PostKind.PICTURE


def _values(row: PostRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": str(row.state),
        "account": row.account,
        "kind": str(row.kind),
        "pictures": [one.id for one in row.pictures],
        "caption": row.caption,
        "ai_generated": row.ai_generated,
        "planned_at": moment(row.planned_ms),
        "next_step_at": moment(row.due_ms),
        "given_up_at": moment(row.deadline_ms),
        "media_id": row.media_id,
        "attempts": row.attempts,
        "reason": row.reason,
        "problem": row.problem,
    }


# More commands of the same group, in modules that need the names above.
from vestlus.cli import (  # noqa: E402
    posts_cancel,  # noqa: F401
    posts_drafts,  # noqa: F401
    posts_next,  # noqa: F401
    posts_plans,  # noqa: F401
    posts_preview,  # noqa: F401
)
