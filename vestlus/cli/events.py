"""``vestlus events``: events handed in by hand, what became of each, and the rules there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from vestlus.cli.beside import AsJson, moment, print_json, run_on_store, say
from vestlus.errors import VestlusError

if TYPE_CHECKING:
    from vestlus.planning.events import Answer
    from vestlus.settings import Settings
    from vestlus.settings_events import EventRule
    from vestlus.store.plan_rows import TriggerRow
    from vestlus.store.port import Store

app = App(name="events", help="Hand events in, see what became of each, and the rules for them.")


class EventRefused(VestlusError):
    """Nothing was planned. The message has a line for each reason, saying what to mend."""


class NoSuchEvent(VestlusError):
    """There is none of that id."""


@app.command
def fire(
    name: str,
    *,
    data: str | None = None,
    file: Path | None = None,
    key: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Hand in an event, as another system does over HTTP, and print what each rule made of it.

    The running service makes the posts that are planned.

    Parameters
    ----------
    name
        The event, as the rules call it.
    data
        Its data, a JSON object; none where it is left out.
    file
        A file with its data.
    key
        A name of what happened: of one name and event there is one, however often it is told.
    """
    from vestlus.cli.noting import came_to, word
    from vestlus.planning.events import Verdict
    from vestlus.planning.http import told
    from vestlus.planning.payloads import parse_payload

    _check_key(key)
    try:
        parsed = parse_payload(_body(data, file))
    except ValueError as error:
        raise EventRefused(str(error)) from None

    async def firing(store: Store, settings: Settings) -> Answer:
        from vestlus.cli.bell import bell_of
        from vestlus.clock import system_clock
        from vestlus.planning.event_rules import rules_of
        from vestlus.planning.events import EventDesk
        from vestlus.settings_events import COMMAND_LINE

        desk = EventDesk(rules_of(settings), system_clock, bell_of(settings))
        return await desk.take(store, COMMAND_LINE, name, parsed, key)

    answer = run_on_store(firing)
    if answer.verdict is not Verdict.TAKEN:
        # Before its answer is printed, which nobody may read.
        came_to(name, word(EventRefused))
    if as_json:
        print_json(told(answer))
    match answer.verdict:
        case Verdict.TAKEN if not as_json and answer.row is not None:
            say(f"{answer.row.id}: recorded")
            _say_outcomes(answer.row)
        case Verdict.UNKNOWN:
            raise EventRefused(f"{name}: no event rule has this event: see `vestlus events rules`")
        case Verdict.REFUSED:
            lines = [f"{name}: the data fit no rule of this event"]
            raise EventRefused(
                "\n".join(lines + [f"  {one.rule}: {one.problem}" for one in answer.outcomes])
            )
        case Verdict.KEY_REUSED:
            raise EventRefused("--key: was given to an event with other data: name another")


@app.command(name="list")
def list_(*, name: str | None = None, limit: int = 50, as_json: AsJson = False) -> None:
    """List events of the last 7 days, newest first, refused ones among them.

    Parameters
    ----------
    name
        Only those of this name.
    limit
        How many.
    """
    from vestlus.desk.events import event_values

    rows = run_on_store(lambda store, _: store.events_before(limit=limit, name=name))
    if as_json:
        print_json([event_values(row) for row in rows])
        return
    for row in rows:
        planned = sum(bool(one.occurrence) for one in row.outcomes)
        said = f"{planned} planned" if planned else "nothing planned"
        say(f"{row.id}  {moment(row.received_ms)}  {row.source:<10}  {row.name:<20}  {said}")
    if not rows:
        say("There are no events.")


@app.command
def show(id: str, *, as_json: AsJson = False) -> None:  # noqa: A002 - the name of the argument
    """Show an event, its data, and what each rule made of it.

    Parameters
    ----------
    id
        The event.
    """
    from vestlus.desk.events import event_values, given_key, one_event
    from vestlus.desk.problems import NotThere

    try:
        row = run_on_store(lambda store, _: one_event(store, id)).row
    except NotThere as error:
        raise NoSuchEvent(str(error)) from error
    if as_json:
        print_json(event_values(row))
        return
    for label, value in (
        ("id", row.id),
        ("event", row.name),
        ("source", row.source),
        ("key", given_key(row)),
        ("received at", moment(row.received_ms)),
        ("data", row.payload),
    ):
        say(f"{label + ':':<12} {value}".rstrip())
    _say_outcomes(row)


@app.command
def rules(*, as_json: AsJson = False) -> None:
    """Show the rules of the settings: which event leads to which post, and when."""
    from vestlus.cli.demo_settings import operator_settings
    from vestlus.desk.events import rule_values

    settings = operator_settings()
    if as_json:
        print_json([rule_values(rule) for rule in settings.event_rules])
        return
    for rule in settings.event_rules:
        say(f"{rule.name}: on {rule.event}{_terms(rule)}")
    if not settings.event_rules:
        say("There are no event rules: [[event_rules]] in vestlus.toml.")


def _terms(rule: EventRule) -> str:
    terms = {
        "account": rule.account,
        "when": rule.when,
        "after": rule.delay_minutes and f"{rule.delay_minutes:g} min",
        "cool-down": rule.cool_down_minutes and f"{rule.cool_down_minutes:g} min",
        "a day": rule.most_per_day and f"at most {rule.most_per_day}",
        "quiet": rule.quiet_hours,
    }
    return "".join(f"; {name}: {value}" for name, value in terms.items() if value)


def _body(data: str | None, file: Path | None) -> bytes:
    if data is not None and file is not None:
        raise EventRefused("--data and --file: give one of the two")
    if file is None:
        return (data or "").encode(errors="surrogateescape")
    try:
        return file.read_bytes()
    except OSError as error:
        raise EventRefused(f"--file: {file} cannot be read: {error.strerror}") from None


def _check_key(key: str | None) -> None:
    from vestlus.planning.events import is_key

    if key is not None and not is_key(key.encode(errors="surrogateescape")):
        raise EventRefused(
            "--key: must be 1 to 255 ASCII letters, digits and signs, without spaces"
        )


def _say_outcomes(row: TriggerRow) -> None:
    for one in row.outcomes:
        rule = one.rule or row.name
        if one.occurrence:
            say(f"  {rule}: planned for {moment(one.due_ms)} as {one.occurrence}")
        else:
            say(f"  {rule}: {one.problem} ({one.reason})")
