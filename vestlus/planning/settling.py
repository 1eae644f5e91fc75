"""What becomes of an occurrence that is looked at: whether it goes on, and how. Plain decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vestlus.planning.claiming import MISSED, PAUSED, WHILE_PAUSED, Plan, missed_words, went_on
from vestlus.planning.ports import Drafted, Impossible, NotNow
from vestlus.planning.rules import PlannerRules
from vestlus.scheduling.approving import (
    Standing,
    deadline_ms,
    goes_until_ms,
    standing_of_ready,
    standing_of_waiting,
    waits_until_ms,
)
from vestlus.scheduling.missed import ON_TIME_MS, MissedRule
from vestlus.scheduling.recipe import Recipe
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import OccurrenceRow, OccurrenceStep, ScheduleRow, Trigger
from vestlus.store.post_rows import NewPost, PostKind

TOO_LATE: Final = "too_late"
NO_YES: Final = "no_yes"
OLD_YES: Final = "old_yes"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an occurrence goes no further."""

    after: OccurrenceState
    reason: str
    problem: str


def ending_of(row: OccurrenceRow, now_ms: int) -> Ending | None:
    """Whether its time is over, whoever was there to see it."""
    recipe, due_ms = row.recipe, row.due_ms
    if row.state is OccurrenceState.WAITING:
        waits = standing_of_waiting(recipe, drafted_ms=row.drafted_ms, due_ms=due_ms, now_ms=now_ms)
        if waits is Standing.WAITS:
            return None
        problem = "nobody said yes to its draft in time: approve drafts sooner, or publish by hand"
        return Ending(OccurrenceState.LAPSED, NO_YES, problem)
    decided_ms = row.decided_ms if row.state is OccurrenceState.READY else 0
    standing = standing_of_ready(recipe, decided_ms=decided_ms, due_ms=due_ms, now_ms=now_ms)
    if standing is Standing.LAPSED:
        hours = recipe.approval_hours
        problem = f"the yes to its draft is older than {hours:g} hours: publish it by hand"
        return Ending(OccurrenceState.LAPSED, OLD_YES, problem)
    if standing is not Standing.TOO_LATE:
        return None
    if row.failures:
        return Ending(OccurrenceState.FAILED, row.reason, row.problem)
    hours = recipe.within_hours
    problem = f"it could not go out within {hours:g} hours of its time: publish it by hand"
    return Ending(OccurrenceState.SKIPPED, TOO_LATE, problem)


def was_missed(row: OccurrenceRow, since_ms: int) -> bool:
    """Whether nobody was there, since then without a gap, when it was to be looked at.

    What a person or the service did with it later than it was due was done on purpose.
    """
    if row.trigger is not Trigger.SCHEDULE or row.state is OccurrenceState.WAITING:
        return False
    return max(row.due_ms, row.wake_ms, row.changed_ms) + ON_TIME_MS < since_ms


def passed_in_pause(row: OccurrenceRow, schedule: ScheduleRow) -> bool:
    """Whether it was due while its schedule was paused, and nobody did anything with it since."""
    return (
        row.trigger is Trigger.SCHEDULE
        and row.state is not OccurrenceState.WAITING
        and went_on(schedule)
        and max(row.due_ms, row.changed_ms) < schedule.changed_ms
    )


def pause_ending() -> Ending:
    """That of an occurrence that passed while its schedule was paused."""
    return Ending(OccurrenceState.SKIPPED, PAUSED, WHILE_PAUSED)


def missed_ending(row: OccurrenceRow, plan: Plan, now_ms: int, *, newer: bool) -> Ending | None:
    """What the rule says of one that was missed; ``newer``: a later one is due as well."""
    is_too_old = now_ms - row.due_ms > max(plan.longest_ms, ON_TIME_MS)
    match plan.missed:
        case MissedRule.ALL:
            is_run = True
        case MissedRule.LATEST:
            is_run = not newer
        case MissedRule.SKIP:
            is_run = False
    if is_run and not is_too_old:
        return None
    return Ending(OccurrenceState.SKIPPED, MISSED, missed_words(plan))


def ended(row: OccurrenceRow, ending: Ending, now_ms: int) -> OccurrenceStep:
    """The step to an ending."""
    return OccurrenceStep(
        of=row,
        after=ending.after,
        at_ms=now_ms,
        failures=row.failures,
        reason=ending.reason,
        problem=ending.problem,
    )


def drafted(
    row: OccurrenceRow, result: Drafted | NotNow | Impossible, now_ms: int, rules: PlannerRules
) -> OccurrenceStep:
    """The step after a draft was tried."""
    match result:
        case Drafted(draft, needs_yes):
            return OccurrenceStep(
                of=row,
                after=OccurrenceState.WAITING if needs_yes else OccurrenceState.READY,
                at_ms=now_ms,
                wake_ms=_lapses_ms(row, now_ms) if needs_yes else row.due_ms,
                draft=draft,
            )
        case Impossible(reason, problem):
            return ended(row, Ending(OccurrenceState.FAILED, reason, problem), now_ms)
        case NotNow(reason, problem):
            failures = row.failures + 1
            wake_ms = now_ms + rules.retry_ms(failures)
            is_over = wake_ms > deadline_ms(row.recipe, row.due_ms)
            return OccurrenceStep(
                of=row,
                after=OccurrenceState.FAILED if is_over else OccurrenceState.PLANNED,
                at_ms=now_ms,
                wake_ms=0 if is_over else wake_ms,
                failures=failures,
                reason=reason,
                problem=problem,
            )


def handed(row: OccurrenceRow, now_ms: int) -> OccurrenceStep:
    """The step to a post. The post has the occurrence's key, and its id too; its deadline is the
    end of the yes to it, where that comes sooner.
    """
    post = NewPost(
        id=row.id,
        key=row.key,
        account=row.account,
        kind=kind_of(row.recipe, len(row.pictures)),
        pictures=row.pictures,
        caption=row.caption,
        ai_generated=row.ai_generated,
        planned_ms=row.due_ms,
        deadline_ms=goes_until_ms(row.recipe, decided_ms=row.decided_ms, due_ms=row.due_ms),
        traceparent=row.traceparent,
    )
    return OccurrenceStep(of=row, after=OccurrenceState.HANDED, at_ms=now_ms, post=post)


def kind_of(recipe: Recipe, pictures: int) -> PostKind:
    """What a recipe's post with so many pictures is."""
    if recipe.story:
        return PostKind.STORY
    return PostKind.CAROUSEL if pictures > 1 else PostKind.PICTURE


def _lapses_ms(row: OccurrenceRow, drafted_ms: int) -> int:
    """The first moment at which a draft does not wait for a yes any more."""
    return waits_until_ms(row.recipe, drafted_ms=drafted_ms, due_ms=row.due_ms) + 1
