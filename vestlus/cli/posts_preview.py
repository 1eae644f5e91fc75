"""``vestlus posts preview``: a post as it would be, without publishing or recording anything."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from vestlus.cli.beside import AsJson, print_json, run_on_store, say
from vestlus.cli.posts import NoSuchPost, PostRefused, posts

if TYPE_CHECKING:
    from image_bank.catalogue import Picture
    from vestlus.scheduling.recipe import Recipe
    from vestlus.settings import Settings
    from vestlus.settings_events import EventRule
    from vestlus.store.plan_rows import ScheduleRow
    from vestlus.store.port import Store


@dataclass(frozen=True)
class Plan:
    """What is to be previewed."""

    name: str
    source: str
    recipe: Recipe
    due_ms: int
    payload: str = ""
    #: Whether the rule's condition holds for the event.
    applies: bool = True


@posts.command
def preview(
    name: str,
    *,
    event_data: Annotated[str | None, Parameter(name="--event-data")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the next post of a schedule, or what an event rule would make of an event.

    Nothing is published, planned or recorded. Where the model writes or chooses, it is asked; the
    post itself will be written anew.

    Parameters
    ----------
    name
        The schedule or the event rule.
    event_data
        For an event rule: JSON, or the name of a file with JSON.
    """

    async def looking(store: Store, settings: Settings) -> tuple[Plan, dict[str, Any]]:
        plan = await _plan(store, settings, name, _body(event_data))
        return plan, await _previewed(store, settings, plan)

    plan, told = run_on_store(looking)
    if as_json:
        print_json(told)
        return
    say(f"{plan.source} {plan.name}, goes out {told['goes_out']}")
    if not told["applies"]:
        say("The rule's condition does not hold for this event: it would not lead to this post.")
    if told["needs_yes"]:
        say("Waits for a person's yes before that.")
    if told["ai_generated"]:
        say("Instagram is told that it was made with AI.")
    say("")
    say(told["caption"] or "(no caption)")
    for one in told["pictures"]:
        say("")
        say(f"{one['id']}  {one['width']} x {one['height']}  {one['shows']}")
        say(f"    alt: {one['alt'] or '(none)'}")
        if one["link"]:
            say(f"    {one['link']}")


async def _plan(store: Store, settings: Settings, name: str, payload: str | None) -> Plan:
    """The schedule of that name, or the event rule; with an event's data the rule."""
    from vestlus.clock import system_clock
    from vestlus.planning.definitions import Unreadable, read_definition

    now_ms = system_clock()
    rule = next((one for one in settings.event_rules if one.name == name), None)
    row = await _schedule(store, settings, name, now_ms)
    if rule is not None and (payload is not None or row is None):
        owner = settings.account(rule.account or "")
        zone = ZoneInfo(owner.timezone if owner else "UTC")
        return _of_rule(rule, payload or "{}", now_ms, zone)
    if row is None:
        raise NoSuchPost(f"{name}: there is no schedule and no event rule of this name")
    if payload is not None:
        raise PostRefused((f"--event-data: {name} is a schedule, which has no event",))
    definition = read_definition(row)
    if isinstance(definition, Unreadable):
        raise PostRefused((definition.problem,))
    upcoming = next(iter(definition.recurrence.after(now_ms)), None)
    due_ms = now_ms if upcoming is None else upcoming.at_ms
    return Plan(name, "schedule", definition.recipe, due_ms)


async def _schedule(store: Store, settings: Settings, name: str, now_ms: int) -> ScheduleRow | None:
    """The schedule of the store, or the one of the file that the service has not read yet."""
    from vestlus.planning.definitions import row_of
    from vestlus.store.plan_rows import Keeper

    row = await store.schedule(name)
    in_file = next((one for one in settings.schedules if one.name == name), None)
    owner = settings.account(in_file.account or "") if in_file else None
    if row is None and in_file is not None and owner is not None:
        return row_of(in_file, owner, Keeper.FILE, now_ms)
    return row


def _of_rule(rule: EventRule, payload: str, now_ms: int, zone: ZoneInfo) -> Plan:
    """What a rule makes of an event's data, if they fit its schema. Raises PostRefused."""
    from vestlus.planning.conditions import compile_condition
    from vestlus.planning.payloads import parse_payload
    from vestlus.planning.schemas import PayloadSchema
    from vestlus.scheduling.event_rules import ConditionFailed
    from vestlus.scheduling.quiet import parse_quiet_hours

    try:
        data = parse_payload(payload.encode(errors="surrogateescape"))
        applies = compile_condition(rule.when)(data.payload)
    except (ValueError, ConditionFailed) as error:
        raise PostRefused((f"--event-data: {error}",)) from None
    problems = PayloadSchema(rule.payload).problems(data.payload)
    if problems:
        raise PostRefused(tuple(f"--event-data: {one}" for one in problems))
    delayed_ms = now_ms + round(rule.delay_minutes * 60_000)
    due_ms = parse_quiet_hours(rule.quiet_hours).after(delayed_ms, zone)
    return Plan(rule.name, "event rule", rule.recipe(""), due_ms, data.text, applies=applies)


def _body(given: str | None) -> str | None:
    """JSON as it is, or a file's."""
    if given is None or given.lstrip().startswith("{"):
        return given
    try:
        return Path(given).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        words = f"--event-data: is no JSON object, and no file that can be read ({error})"
        raise PostRefused((words,)) from None


async def _previewed(store: Store, settings: Settings, plan: Plan) -> dict[str, Any]:
    from pydantic import SecretStr

    from image_bank.keeping import read_catalogue
    from vestlus.clock import system_clock
    from vestlus.planning.drafting import open_drafter
    from vestlus.planning.ports import Drafted
    from vestlus.planning.telling import wall
    from vestlus.store.occurrences import OccurrenceState
    from vestlus.store.plan_rows import OccurrenceRow, Trigger

    now_ms = system_clock()
    row = OccurrenceRow(
        id="preview",
        key="preview",
        trigger=Trigger.EVENT if plan.payload else Trigger.SCHEDULE,
        name=plan.name,
        account=plan.recipe.account,
        recipe=plan.recipe,
        payload=plan.payload,
        state=OccurrenceState.PLANNED,
        version=0,
        due_ms=plan.due_ms,
        wake_ms=0,
    )
    # Without the service's key the model's provider gets another pseudonym, which harms nobody.
    key = settings.encryption_key or SecretStr(secrets.token_urlsafe(32))
    asking = settings.model_copy(update={"encryption_key": key})
    async with open_drafter(asking, store, system_clock) as drafter:
        outcome = await drafter.draft(row, now_ms)
    if not isinstance(outcome, Drafted):
        raise PostRefused((f"{plan.name}: {outcome.problem} ({outcome.reason})",))
    catalogue = (await read_catalogue(store)).pictures
    owner = settings.account(plan.recipe.account)
    return {
        "name": plan.name,
        "source": plan.source,
        "account": plan.recipe.account,
        "applies": plan.applies,
        "goes_out": wall(plan.due_ms, owner.timezone if owner else "UTC"),
        "story": plan.recipe.story,
        "needs_yes": outcome.needs_yes,
        "ai_generated": outcome.draft.ai_generated,
        "caption": outcome.draft.caption,
        "pictures": [
            _picture_values(catalogue[one.id], _link(settings, catalogue[one.id], now_ms))
            for one in outcome.draft.pictures
        ],
    }


def _link(settings: Settings, picture: Picture, now_ms: int) -> str:
    """Where the file for posts can be seen: in the storage's folder, or by a signed link."""
    from image_bank.links import MEDIA_PATH
    from image_bank.open import link_signer

    name = picture.post_file or picture.file
    if settings.media.startswith("file://"):
        file = Path(settings.media.removeprefix("file://")) / name
        return file.as_uri() if file.is_file() else ""
    if settings.public_url is None or settings.encryption_key is None:
        return ""
    return f"{settings.public_url}{MEDIA_PATH}{link_signer(settings).sign(name, now_ms)}"


def _picture_values(picture: Picture, link: str) -> dict[str, Any]:
    return {
        "id": picture.id,
        "shows": picture.shows,
        "alt": picture.alt,
        "width": picture.width,
        "height": picture.height,
        "link": link,
    }
