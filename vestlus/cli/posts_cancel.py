"""``vestlus posts cancel``: takes back what is not being published yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vestlus.cli.beside import AsJson, moment, print_json, say
from vestlus.cli.posts import _values, at_desk, posts

if TYPE_CHECKING:
    from vestlus.store.plan_rows import OccurrenceRow


@posts.command
def cancel(id: str, *, as_json: AsJson = False) -> None:  # noqa: A002 - the name of the argument
    """Take a post back that is not being published yet, or the draft of one.

    Parameters
    ----------
    id
        The post, or what `vestlus posts next` shows of a schedule or an event.
    """
    from vestlus.store.plan_rows import OccurrenceRow

    row = at_desk(lambda desk: desk.cancel(id))
    told = _occurrence_values(row) if isinstance(row, OccurrenceRow) else _values(row)
    if as_json:
        print_json(told)
    else:
        say(f"{told['id']}: cancelled")


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
