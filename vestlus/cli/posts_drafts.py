"""``vestlus posts drafts``, ``approve`` and ``reject``: what a person says of drafts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from vestlus.cli.beside import AsJson, print_json, run_on_store, say
from vestlus.cli.posts import at_desk, posts

if TYPE_CHECKING:
    from vestlus.desk.posts import PostDesk
    from vestlus.settings import Settings
    from vestlus.store.plan_rows import OccurrenceRow
    from vestlus.store.port import Store


@posts.command
def drafts(*, account: str | None = None, limit: int = 50, as_json: AsJson = False) -> None:
    """Show the drafts that wait for a person's yes, what is due first at the top.

    Parameters
    ----------
    account
        Only those of this account.
    limit
        How many.
    """
    from vestlus.planning.telling import wall
    from vestlus.store.occurrences import OccurrenceState

    async def reading(store: Store, settings: Settings) -> list[tuple[OccurrenceRow, str]]:
        rows = await store.occurrences(
            limit=limit, account=account, states=(OccurrenceState.WAITING,)
        )
        return [(row, _zone(row, settings)) for row in sorted(rows, key=lambda row: row.due_ms)]

    found = run_on_store(reading)
    if as_json:
        print_json([_values(row) for row, _ in found])
        return
    for row, zone in found:
        say(f"{row.id}  due {wall(row.due_ms, zone)}  {row.trigger} {row.name}")
        say(f"    waits until {wall(_waits_until(row), zone)}")
        say(f"    pictures: {', '.join(one.id for one in row.pictures)}")
        for line in row.caption.splitlines():
            say(f"    | {line}".rstrip())
    if not found:
        say("No drafts wait for a yes.")


@posts.command
def approve(
    id: str,  # noqa: A002 - the name of the argument
    *,
    by: str,
    caption: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Say yes to a draft: it goes out when it is due, at once if it is due already.

    Parameters
    ----------
    id
        The draft.
    by
        Who says yes. It is recorded.
    caption
        Other words than the draft's; they go out as they are.
    """
    row, said = _decided(lambda desk: desk.approve(id, by=by, caption=caption))
    if as_json:
        print_json(_values(row))
    else:
        say(f"{row.id}: approved; goes out {said}")


@posts.command
def reject(
    id: str,  # noqa: A002 - as above
    *,
    by: str,
    why: str = "",
    as_json: AsJson = False,
) -> None:
    """Say no to a draft: it does not go out.

    Parameters
    ----------
    id
        The draft.
    by
        Who says no. It is recorded.
    why
        What is wrong with it; recorded too.
    """
    row, _ = _decided(lambda desk: desk.reject(id, by=by, why=why))
    if as_json:
        print_json(_values(row))
    else:
        say(f"{row.id}: rejected")


@posts.command(name="now")
def now(
    id: str,  # noqa: A002 - as above
    *,
    by: str,
    as_json: AsJson = False,
) -> None:
    """Have what waits for its time go out now; a draft is approved with it.

    Parameters
    ----------
    id
        The post or the draft.
    by
        Who says so. For a draft it is recorded.
    """
    row = at_desk(lambda desk: desk.publish_now(id, by=by))
    if as_json:
        print_json({"id": row.id, "state": str(row.state)})
    else:
        say(f"{row.id}: goes out now")


def _decided(
    decision: Callable[[PostDesk], Awaitable[OccurrenceRow]],
) -> tuple[OccurrenceRow, str]:
    """The draft after a decision, and when it goes out. Raises NoSuchPost, PostRefused."""
    from vestlus.planning.telling import wall

    async def deciding(desk: PostDesk) -> tuple[OccurrenceRow, str]:
        row = await decision(desk)
        now_ms = desk.clock()
        at_ms = max(row.due_ms, now_ms)
        return row, f"at {wall(at_ms, _zone(row, desk.settings))}" if at_ms > now_ms else "now"

    return at_desk(deciding)


def _waits_until(row: OccurrenceRow) -> int:
    from vestlus.desk.post_checks import waits_until

    return waits_until(row)


def _zone(row: OccurrenceRow, settings: Settings) -> str:
    owner = settings.account(row.account)
    return owner.timezone if owner else "UTC"


def _values(row: OccurrenceRow) -> dict[str, Any]:
    from vestlus.cli.operating import moment

    return {
        "id": row.id,
        "state": str(row.state),
        "source": str(row.trigger),
        "name": row.name,
        "account": row.account,
        "due_at": moment(row.due_ms),
        "waits_until": moment(_waits_until(row)),
        "pictures": [one.id for one in row.pictures],
        "caption": row.caption,
        "ai_generated": row.ai_generated,
        "decided_by": row.decided_by,
        "decided_at": moment(row.decided_ms),
        "problem": row.problem,
    }
