"""``vestlus posts drafts``, ``approve`` and ``reject``: what a person says of drafts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vestlus.cli.beside import AsJson, print_json, run_on_store, say
from vestlus.cli.posts import NoSuchPost, PostRefused, posts

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.plan_rows import Decision, OccurrenceRow
    from vestlus.store.port import Store

_NOT_THERE = "there is no such draft: `vestlus posts drafts` shows what waits"


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
    from vestlus.store.occurrences import OccurrenceState
    from vestlus.store.plan_rows import Decision

    def decision(row: OccurrenceRow, now_ms: int) -> Decision:
        problems = _problems_of_yes(row, caption, now_ms)
        if problems:
            raise PostRefused(tuple(problems))
        return Decision(after=OccurrenceState.READY, by=_name(by), at_ms=now_ms, caption=caption)

    row, said = _decided(id, decision)
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
    from vestlus.store.occurrences import OccurrenceState
    from vestlus.store.plan_rows import Decision

    def decision(_: OccurrenceRow, now_ms: int) -> Decision:
        return Decision(after=OccurrenceState.REJECTED, by=_name(by), at_ms=now_ms, why=why.strip())

    row, _ = _decided(id, decision)
    if as_json:
        print_json(_values(row))
    else:
        say(f"{row.id}: rejected")


def _decided(
    id_: str, decision: Callable[[OccurrenceRow, int], Decision]
) -> tuple[OccurrenceRow, str]:
    """The draft after a decision, and when it goes out. Raises NoSuchPost, PostRefused."""
    from vestlus.cli.bell import bell_of
    from vestlus.clock import system_clock
    from vestlus.planning.telling import wall
    from vestlus.store.occurrences import OccurrenceState

    async def deciding(store: Store, settings: Settings) -> tuple[OccurrenceRow, str]:
        now_ms = system_clock()
        row = await store.occurrence(id_)
        if row is None:
            raise NoSuchPost(_NOT_THERE)
        wanted = decision(row, now_ms) if row.state is OccurrenceState.WAITING else None
        done = wanted is not None and await store.decide(id_, wanted)
        row = await store.occurrence(id_)
        if row is None or not done:
            state = "gone" if row is None else str(row.state)
            raise PostRefused((f"{id_}: is {state}, and waits for no decision",))
        await bell_of(settings)()
        at_ms = max(row.due_ms, now_ms)
        return row, f"at {wall(at_ms, _zone(row, settings))}" if at_ms > now_ms else "now"

    return run_on_store(deciding)


def _problems_of_yes(row: OccurrenceRow, caption: str | None, now_ms: int) -> list[str]:
    """Why a yes would not let the draft go out as it is."""
    from vestlus.instagram.caption_limits import counts
    from vestlus.scheduling.approving import yes_reaches

    found = []
    if caption is not None:
        if row.recipe.story and caption:
            found.append("--caption: a story has none")
        if not counts(caption).fit:
            limits = "Instagram takes 2200 characters, 30 hashtags and 20 mentions"
            found.append(f"--caption: has {counts(caption)}; {limits}")
    if now_ms > _waits_until(row):
        found.append(f"{row.id}: has lapsed, as nobody said yes in time: publish it by hand")
    if not yes_reaches(row.recipe, decided_ms=now_ms, due_ms=row.due_ms):
        hours = f"{row.recipe.approval_hours:g}"
        found.append(
            f"{row.id}: a yes is good for {hours} hours (approval_hours), and it is due later than "
            "that: say yes nearer to its time"
        )
    return found


def _name(by: str) -> str:
    if not by.strip():
        raise PostRefused(("--by: must be a name: who decided is recorded",))
    return by.strip()


def _waits_until(row: OccurrenceRow) -> int:
    from vestlus.scheduling.approving import waits_until_ms

    return waits_until_ms(row.recipe, drafted_ms=row.drafted_ms, due_ms=row.due_ms)


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
