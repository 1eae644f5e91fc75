"""What people do with schedules, by the command line and through the API: one code path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from vestlus.clock import Clock
from vestlus.errors import VestlusError
from vestlus.planning.definitions import row_of
from vestlus.scheduling.recipe import Recipe
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.settings_plans import memory_problem
from vestlus.settings_schedules import Schedule
from vestlus.settings_wordings import place, wording
from vestlus.store.plan_port import Schedules
from vestlus.store.plan_rows import Keeper, ScheduleRow

#: What is wrong with a recipe of an account that is due at that moment (ms), as far as it can be
#: known beforehand: one line for each problem, which may begin with the key and a colon.
CheckRecipe = Callable[[Recipe, Account, int], Awaitable[list[str]]]
#: Wakes the scheduler; it may fail to, since that one looks by itself too.
Ring = Callable[[], Awaitable[None]]

_ELSEWHERE: Final = "is kept by vestlus.toml: change it there, and start the service again"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to mend. ``place`` is the key of the schedule; empty for the whole of it."""

    place: str
    words: str

    def __str__(self) -> str:
        return f"{self.place}: {self.words}" if self.place else self.words


class PlanRefused(VestlusError):
    """The schedule cannot be; nothing was changed. ``problems`` has all that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class NameTaken(VestlusError):
    """There is another schedule of that name; nothing was changed."""


class NoSuchSchedule(VestlusError):
    """There is none of that name."""


class KeptByFile(VestlusError):
    """``vestlus.toml`` keeps it; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDesk:
    """Adds, removes, pauses. All raise StoreUnavailable."""

    store: Schedules
    settings: Settings
    check: CheckRecipe
    ring: Ring
    clock: Clock

    async def add(self, values: Mapping[str, Any]) -> ScheduleRow:
        """Adds a schedule of these keys, which are those of ``[[schedules]]``.

        Everything that can be known now is checked. Raises PlanRefused, NameTaken.
        """
        schedule = _schedule(values)
        now_ms = self.clock()
        owner, problems = self._owner(schedule)
        upcoming = next(iter(schedule.recurrence(owner.timezone).after(now_ms)), None)
        if upcoming is None:
            which = "at" if schedule.at is not None else "cron"
            problems.append(Problem(which, "is never due any more: all its times are over"))
        due_ms = now_ms if upcoming is None else upcoming.at_ms
        if memory := memory_problem(schedule, self.settings.periods.of(owner.id).posts):
            problems.append(Problem("not_again_days", memory))
        lines = await self.check(schedule.recipe(owner.id), owner, due_ms)
        problems += map(_told, lines)
        if problems:
            raise PlanRefused(tuple(problems))
        row = row_of(schedule, owner, Keeper.HAND, now_ms)
        # One in the file may not be in the store yet.
        in_file = any(one.name == schedule.name for one in self.settings.schedules)
        if in_file or not await self.store.add_schedule(row):
            raise NameTaken(f"{schedule.name}: there is a schedule of this name already")
        await self.ring()
        return row

    async def remove(self, name: str) -> ScheduleRow:
        """Takes a schedule out, and what it had planned; what it was. Raises NoSuchSchedule,
        KeptByFile.
        """
        row = await self.schedule(name)
        if row.keeper is Keeper.FILE:
            raise KeptByFile(f"{name}: {_ELSEWHERE}")
        if not await self.store.remove_schedule(name, self.clock()):
            raise _none(name)
        return row

    async def pause(self, name: str, *, paused: bool) -> ScheduleRow:
        """Pauses a schedule or lets it go on; what it is then. Raises NoSuchSchedule."""
        if not await self.store.pause_schedule(name, self.clock(), paused=paused):
            raise _none(name)
        if not paused:
            await self.ring()
        return await self.schedule(name)

    async def schedule(self, name: str) -> ScheduleRow:
        """One schedule. Raises NoSuchSchedule."""
        row = await self.store.schedule(name)
        if row is None:
            raise _none(name)
        return row

    def _owner(self, schedule: Schedule) -> tuple[Account, list[Problem]]:
        """Whose schedule it is, or somebody in whose place the rest can be checked."""
        accounts = self.settings.accounts
        named = schedule.account
        if named is None:
            if len(accounts) == 1:
                return accounts[0], []
            words = "is needed where not exactly one account is set up"
            return Account(id="0"), [Problem("account", words)]
        known = self.settings.account(named)
        if known is not None:
            return known, []
        # Beside a service whose accounts the command does not see, the id is taken as it is.
        if not accounts and named.isascii() and named.isdigit():
            return Account(id=named), []
        words = "is not the id of an account that is set up"
        return Account(id="0"), [Problem("account", words)]


def _schedule(values: Mapping[str, Any]) -> Schedule:
    try:
        return Schedule.model_validate(dict(values))
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = (Problem(".".join(place(one)), wording(one, "a schedule")) for one in found)
        raise PlanRefused(tuple(dict.fromkeys(problems))) from error


def _told(line: str) -> Problem:
    key, colon, words = line.partition(": ")
    known = colon and key in Schedule.model_fields
    return Problem(key, words) if known else Problem("", line)


def _none(name: str) -> NoSuchSchedule:
    return NoSuchSchedule(f"{name}: there is no such schedule: `vestlus posts schedules` shows all")
