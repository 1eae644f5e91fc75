"""``vestlus posts schedule`` and its kin: posts that go out by the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from cyclopts import Parameter

from vestlus.cli.beside import AsJson, print_json, run_on_store, say
from vestlus.cli.noting import came_to
from vestlus.cli.posts import PostRefused, posts

if TYPE_CHECKING:
    from vestlus.planning.desk import Problem, ScheduleDesk
    from vestlus.settings import Settings
    from vestlus.store.port import Store

T = TypeVar("T")

#: Keys of a schedule whose options are named for one of several.
_OPTIONS = {"pictures": "--picture", "tags": "--tag", "name": "NAME"}


@posts.command
def schedule(
    name: str,
    *,
    at: str | None = None,
    cron: str | None = None,
    timezone: str | None = None,
    start: str | None = None,
    end: str | None = None,
    without: tuple[str, ...] = (),
    missed: Literal["skip", "latest", "all"] | None = None,
    missed_hours: float | None = None,
    picture: tuple[str, ...] = (),
    tag: tuple[str, ...] = (),
    choose: Literal["oldest", "model"] | None = None,
    count: int | None = None,
    not_again_days: int | None = None,
    caption: str | None = None,
    prompt: str | None = None,
    language: str | None = None,
    story: Annotated[bool, Parameter(negative="")] = False,
    approve: bool | None = None,
    approval_hours: float | None = None,
    within_hours: float | None = None,
    account: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Publish by the clock: once, or again and again.

    The running service makes each post ready half an hour ahead, and publishes it at its time.
    What can be checked is checked now. `vestlus posts next` shows what will go out.

    Parameters
    ----------
    name
        Small letters, digits, - and _.
    at
        Once: 2026-12-24T09:00, by the clock of the time zone.
    cron
        Again and again: minute, hour, day of month, month, day of week. "0 9 * * mon-fri".
    timezone
        IANA, such as Europe/Tallinn; the account's where it is left out.
    start
        No time of --cron before this one.
    end
        No time of --cron after this one.
    without
        A day without posts, 2026-12-25. May be given several times.
    missed
        Times at which the service was not there: `skip` them, post for the `latest`, or for `all`.
    missed_hours
        Missed times older than this are skipped.
    picture
        An id of the image bank. Given two to ten times, the post is a carousel.
    tag
        Choose among the pictures with this tag; given several times, with all of them.
    choose
        The picture that was used longest ago, or what the model thinks fits best.
    count
        How many are chosen.
    not_again_days
        A picture is not chosen again within so many days.
    caption
        The words, a Jinja2 template: knows `now` and `account`.
    prompt
        What the model is asked to write.
    language
        Of what the model writes; the account's where it is left out.
    story
        A story instead of a post on the grid.
    approve
        Whether a person must say yes first; as the account has it where neither is given.
    approval_hours
        How long a draft waits for that yes, and how long a yes is good for.
    within_hours
        How long after its time it may still be published.
    account
        Which account publishes; may be left out where one is configured.
    """
    from vestlus.clock import system_clock
    from vestlus.planning.telling import schedule_values

    given: dict[str, Any] = {
        "name": name,
        "account": account,
        "at": at,
        "cron": cron,
        "timezone": timezone,
        "start": start,
        "end": end,
        "without": without or None,
        "missed": missed,
        "missed_hours": missed_hours,
        "pictures": picture or None,
        "tags": tag or None,
        "choose": choose,
        "count": count,
        "not_again_days": not_again_days,
        "caption": caption,
        "prompt": prompt,
        "language": language,
        "story": story or None,
        "approve": approve,
        "approval_hours": approval_hours,
        "within_hours": within_hours,
    }
    values = {key: value for key, value in given.items() if value is not None}
    row = _at_desk(lambda desk: desk.add(values))
    told = schedule_values(row, system_clock())
    if as_json:
        print_json(told)
    else:
        say(f"{row.name}: scheduled; next at {told['next']['at']} ({told['timezone']})")


@posts.command
def unschedule(name: str, *, as_json: AsJson = False) -> None:
    """Take a schedule out that was added by hand, and what it had planned.

    Parameters
    ----------
    name
        The schedule.
    """
    row = _at_desk(lambda desk: desk.remove(name))
    # Nobody can look up any more whose it was.
    came_to(name, account=row.account)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        say(f"{name}: taken out")


@posts.command
def schedules(*, account: str | None = None, as_json: AsJson = False) -> None:
    """List the schedules: of vestlus.toml and added by hand.

    Parameters
    ----------
    account
        Only those of this account.
    """
    from vestlus.clock import system_clock
    from vestlus.planning.telling import schedule_values

    rows = run_on_store(lambda store, _: store.schedules(account=account))
    now_ms = system_clock()
    told = [schedule_values(row, now_ms) for row in rows]
    if as_json:
        print_json(told)
        return
    for one in told:
        if one["problem"]:
            say(one["problem"])
            continue
        keys = one["definition"]
        state = "paused" if one["paused"] else "on"
        when = keys.get("cron") or keys["at"]
        upcoming = f"next {one['next']['at']}" if one["next"] else "over"
        say(f"{one['name']}  {state:<6}  {when} {one['timezone']}  {upcoming}  {one['kept_by']}")
    if not told:
        say("There are no schedules. The running service reads those of vestlus.toml.")


@posts.command
def pause(name: str, *, as_json: AsJson = False) -> None:
    """Pause a schedule: nothing of it goes out until it goes on.

    Its times pass meanwhile, and are skipped.

    Parameters
    ----------
    name
        The schedule, of vestlus.toml or added by hand.
    """
    _pause(name, paused=True, as_json=as_json)


@posts.command
def resume(name: str, *, as_json: AsJson = False) -> None:
    """Let a schedule go on that is paused.

    Parameters
    ----------
    name
        The schedule.
    """
    _pause(name, paused=False, as_json=as_json)


def _pause(name: str, *, paused: bool, as_json: bool) -> None:
    from vestlus.clock import system_clock
    from vestlus.planning.telling import schedule_values

    row = _at_desk(lambda desk: desk.pause(name, paused=paused))
    if as_json:
        print_json(schedule_values(row, system_clock()))
    else:
        say(f"{name}: {'paused' if paused else 'goes on'}")


def _at_desk(work: Callable[[ScheduleDesk], Awaitable[T]]) -> T:
    """Does something at the desk. Raises PostRefused, with the options by their names."""
    from vestlus.planning.desk import PlanRefused

    async def working(store: Store, settings: Settings) -> T:
        return await work(_desk(store, settings))

    try:
        return run_on_store(working)
    except PlanRefused as error:
        raise PostRefused(tuple(map(_by_option, error.problems))) from error


def _desk(store: Store, settings: Settings) -> ScheduleDesk:
    from vestlus.cli.bell import bell_of
    from vestlus.clock import system_clock
    from vestlus.planning.desk_open import open_desk

    return open_desk(store, settings, system_clock, bell_of(settings))


def _by_option(problem: Problem) -> str:
    key, _, rest = problem.place.partition(".")
    if not key:
        return problem.words
    option = _OPTIONS.get(key, f"--{key.replace('_', '-')}")
    return f"{option}{f' {int(rest) + 1}' if rest.isdigit() else ''}: {problem.words}"
