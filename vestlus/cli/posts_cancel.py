"""``vestlus posts cancel``: takes back what is not being published yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vestlus.cli.beside import AsJson, moment, print_json, run_on_store, say
from vestlus.cli.posts import NoSuchPost, PostRefused, _values, posts

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.plan_rows import OccurrenceRow
    from vestlus.store.port import Store

_NOT_THERE = (
    "there is no such post: `vestlus posts next` and `vestlus posts list` show their ids; a time "
    "that has none yet passes while its schedule is paused"
)


@posts.command
def cancel(id: str, *, as_json: AsJson = False) -> None:  # noqa: A002 - the name of the argument
    """Take a post back that is not being published yet, or the draft of one.

    Parameters
    ----------
    id
        The post, or what `vestlus posts next` shows of a schedule or an event.
    """
    from vestlus.clock import system_clock

    async def cancelling(store: Store, _: Settings) -> dict[str, Any]:
        now_ms = system_clock()
        cancelled = await store.cancel_post(id, now_ms)
        row = await store.post(id)
        if row is None:
            return await _cancelled_occurrence(store, id, now_ms)
        if not cancelled:
            raise PostRefused((f"{id}: is {row.state}, which is too late for that",))
        return _values(row)

    told = run_on_store(cancelling)
    if as_json:
        print_json(told)
    else:
        say(f"{told['id']}: cancelled")


async def _cancelled_occurrence(store: Store, id_: str, now_ms: int) -> dict[str, Any]:
    cancelled = await store.cancel_occurrence(id_, now_ms)
    row = await store.occurrence(id_)
    if row is None:
        raise NoSuchPost(_NOT_THERE)
    if not cancelled and row.post:
        raise PostRefused((f"{id_}: is a post by now: `vestlus posts cancel {row.post}`",))
    if not cancelled:
        raise PostRefused((f"{id_}: is {row.state}, which is too late for that",))
    return _occurrence_values(row)


def _occurrence_values(row: OccurrenceRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": str(row.state),
        "account": row.account,
        "source": str(row.trigger),
        "name": row.name,
        "pictures": [one.id for one in row.pictures],
        "caption": row.caption,
        "ai_generated": row.ai_generated,
        "planned_at": moment(row.due_ms),
    }
