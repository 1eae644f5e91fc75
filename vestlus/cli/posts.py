"""``vestlus posts``: what people publish by hand, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import App, Parameter

from vestlus.cli.beside import AsJson, moment, print_json, run_on_store, say
from vestlus.errors import VestlusError

if TYPE_CHECKING:
    from vestlus.desk.posts import PostDesk
    from vestlus.desk.problems import Problem
    from vestlus.settings import Settings
    from vestlus.store.port import Store
    from vestlus.store.post_rows import PostRow

posts = App(
    name="posts",
    help="Publish posts by hand, and see what became of each.",
)

#: How much of a caption fits into a line of a list.
_SHORT = 50

#: Fields of what is wished for that have an option of their name.
_OPTIONS = frozenset({"account", "by", "caption", "picture", "within_hours"})

T = TypeVar("T")


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
    from vestlus.desk.post_checks import Wish

    async def planning(desk: PostDesk) -> tuple[PostRow, bool]:
        wish = Wish(
            account=desk.account(account),
            pictures=picture,
            caption=caption,
            story=story,
            ai_generated=ai_generated,
            within_hours=within_hours,
        )
        return await desk.plan(wish, key=key or "")

    row, added = at_desk(planning)
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
    row = at_desk(lambda desk: desk.post(id))
    values = _values(row) | {"containers": len(row.containers)}
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        said = ", ".join(map(str, value)) if isinstance(value, list) else value
        say(f"{name + ':':<14} {'' if said is None else said}".rstrip())


def at_desk(work: Callable[[PostDesk], Awaitable[T]]) -> T:
    """Does something at the desk. Raises PostRefused, with the options by their names, and
    NoSuchPost.
    """
    from vestlus.cli.bell import bell_of
    from vestlus.clock import system_clock
    from vestlus.desk.posts import PostDesk
    from vestlus.desk.problems import NotThere, Refused

    async def working(store: Store, settings: Settings) -> T:
        ring = bell_of(settings)
        return await work(PostDesk(store=store, settings=settings, ring=ring, clock=system_clock))

    try:
        return run_on_store(working)
    except NotThere as error:
        raise NoSuchPost(str(error)) from error
    except Refused as error:
        raise PostRefused(tuple(map(_by_option, error.problems))) from error


def _by_option(problem: Problem) -> str:
    if problem.place in _OPTIONS:
        return f"--{problem.place.replace('_', '-')}: {problem.words}"
    return str(problem)


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
