"""Schedules as their rows hold them: the text of ``ScheduleRow.definition``, and what it says.

The text has the account and the zone in it that the schedule got from the settings, so that it is
read without any. What is left to its default is not in it: a setting that a later version adds
does not make every schedule another one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from vestlus.scheduling.missed import MissedRule, Recurrence
from vestlus.scheduling.recipe import Recipe
from vestlus.scheduling.recurrence import Once, Repeated
from vestlus.settings_account import Account
from vestlus.settings_schedules import Schedule
from vestlus.store.plan_rows import Keeper, ScheduleRow

#: Raised when older code could not make out a text any more, or would take it for another thing.
VERSION: Final = 1

#: How long before it is due an occurrence is claimed and its draft made, ms.
AHEAD_MS: Final = 30 * 60_000

#: A schedule is looked at after so long, also where its next time is further away, ms: by a new
#: version's rules of its zone that time may be an earlier moment.
LOOK_AGAIN_MS: Final = 7 * 24 * 3_600_000

#: How long a service may take to start after its settings were read, ms.
STARTING_MS: Final = 10 * 60_000

_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Definition:
    """What a row says of its schedule. The account and the zone are in it."""

    schedule: Schedule
    account: str
    timezone: str

    @property
    def recurrence(self) -> Once | Repeated:
        """When it is due."""
        return self.schedule.recurrence(self.timezone)

    @property
    def missed(self) -> MissedRule:
        """What becomes of times that are seen too late."""
        return self.schedule.missed

    @property
    def longest_ms(self) -> int:
        """Missed times older than this are not made up for, ms."""
        return round(self.schedule.missed_hours * _HOUR_MS)

    @property
    def recipe(self) -> Recipe:
        """What is posted."""
        return self.schedule.recipe(self.account)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A definition that this version cannot read: a newer one wrote it, or the zone is not known
    on this machine. ``problem`` says what to mend.
    """

    problem: str


def definition_of(schedule: Schedule, owner: Account) -> str:
    """The text: the same for the same schedule. ``owner`` is the account that it is of."""
    zone = schedule.timezone or owner.timezone
    own = schedule.model_copy(update={"account": owner.id, "timezone": zone})
    values = own.model_dump(mode="json", exclude_defaults=True)
    # ASCII, so that no database changes a character of it.
    return json.dumps({"version": VERSION, **values}, sort_keys=True, separators=(",", ":"))


def read_definition(row: ScheduleRow) -> Definition | Unreadable:
    """What the row's definition says. Whoever meets one that cannot be read tells of it, and goes
    on with the others.
    """
    try:
        values: Any = json.loads(row.definition)
    except ValueError:
        return _unreadable(row, "is no JSON")
    if not isinstance(values, dict):
        return _unreadable(row, "is no JSON object")
    version = values.pop("version", None)
    if version != VERSION:
        return _unreadable(row, f"has version {version}, and this program reads {VERSION}")
    try:
        schedule = Schedule.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        places = {".".join(map(str, one["loc"])) or one["msg"] for one in found}
        return _unreadable(row, f"has something that is not known here: {', '.join(places)}")
    if not schedule.account or not schedule.timezone:
        return _unreadable(row, "has no account or no time zone")
    return Definition(schedule, schedule.account, schedule.timezone)


def row_of(schedule: Schedule, owner: Account, keeper: Keeper, now_ms: int) -> ScheduleRow:
    """The row of a schedule that is new: watched from now on.

    One of the file whose only time passed while the service started with it was missed, no more.
    """
    recurrence = schedule.recurrence(owner.timezone)
    is_starting = keeper is Keeper.FILE and schedule.at is not None
    since_ms = now_ms - STARTING_MS if is_starting else now_ms
    return ScheduleRow(
        name=schedule.name,
        keeper=keeper,
        account=owner.id,
        definition=definition_of(schedule, owner),
        watched_ms=since_ms,
        created_ms=now_ms,
        changed_ms=now_ms,
        look_ms=next_look_ms(recurrence, after_ms=since_ms, now_ms=now_ms),
    )


def rows_of_file(
    schedules: Sequence[Schedule], accounts: Sequence[Account], now_ms: int
) -> list[ScheduleRow]:
    """The rows of what the file keeps, new at this moment. Those of accounts that are not among
    these are left out: settings that were loaded have none.
    """
    owners = {one.id: one for one in accounts}
    return [
        row_of(one, owners[one.account], Keeper.FILE, now_ms)
        for one in schedules
        if one.account in owners
    ]


def next_look_ms(recurrence: Recurrence, *, after_ms: int, now_ms: int) -> int:
    """When a schedule is to be looked at whose occurrences up to ``after_ms`` are claimed:
    :data:`AHEAD_MS` before the next one, now at the earliest, and after :data:`LOOK_AGAIN_MS` at
    the latest; 0 for never.
    """
    upcoming = next(iter(recurrence.after(after_ms)), None)
    if upcoming is None:
        return 0
    return min(max(now_ms, upcoming.at_ms - AHEAD_MS), now_ms + LOOK_AGAIN_MS)


def _unreadable(row: ScheduleRow, why: str) -> Unreadable:
    return Unreadable(
        f"{row.name}: its definition {why}: run the version that wrote it, or a newer one; "
        f"or take the schedule out and plan it anew"
    )
