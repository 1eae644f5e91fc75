"""``vestlus posts next``: what will go out, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestlus.cli.beside import AsJson, print_json, run_on_store, say
from vestlus.cli.posts import PostRefused, posts

if TYPE_CHECKING:
    from vestlus.planning.upcoming import Upcoming
    from vestlus.settings import Settings
    from vestlus.store.port import Store

#: How much of a line is for pictures and words.
_SHORT = 50


@posts.command(name="next")
def next_(
    *,
    days: float = 7.0,
    account: str | None = None,
    limit: int = 100,
    as_json: AsJson = False,
) -> None:
    """Show what will go out and when, as things stand.

    Times are by the account's clock, with its offset. What a person must say yes to first, and
    what is paused, is shown with that.

    Parameters
    ----------
    days
        How far to look ahead.
    account
        Only what this account publishes.
    limit
        How many.
    """
    from vestlus.clock import system_clock
    from vestlus.planning.telling import upcoming_values, wall
    from vestlus.planning.upcoming import snapshot, until, upcoming

    now_ms = system_clock()

    async def reading(store: Store, settings: Settings) -> list[Upcoming]:
        found = await snapshot(store, account)
        until_ms = until(now_ms, days)
        return upcoming(found, settings, now_ms=now_ms, until_ms=until_ms, limit=limit)

    if not days > 0:
        raise PostRefused(("--days: must be above 0",))
    rows = run_on_store(reading)
    if as_json:
        print_json([upcoming_values(one) for one in rows])
        return
    for one in rows:
        state = f"{one.state}, paused" if one.paused else one.state
        source = f"{one.source} {one.name}".strip()
        words = " ".join([", ".join(one.pictures), *one.caption.split()]).strip()
        short = words if len(words) <= _SHORT else f"{words[: _SHORT - 1]}…"
        say("  ".join([wall(one.at_ms, one.timezone), source, state, one.id, short]).rstrip())
        if one.problem:
            say(f"    {one.problem}")
    if not rows:
        say(f"Nothing is planned for the next {days:g} days.")
