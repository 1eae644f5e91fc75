"""The rules of the settings, made ready: schemas and conditions compiled, zones and hours read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from vestlus.planning.conditions import Condition, compile_condition
from vestlus.planning.schemas import PayloadSchema
from vestlus.scheduling.event_rules import Payload, Terms
from vestlus.scheduling.quiet import parse_quiet_hours
from vestlus.scheduling.recipe import Recipe
from vestlus.settings import Settings
from vestlus.settings_events import EventRule

_MINUTE_MS = 60_000


class CompiledTrial:
    """A rule's schema and condition. See :class:`vestlus.scheduling.event_rules.Trial`."""

    def __init__(self, schema: PayloadSchema, condition: Condition) -> None:
        self._schema = schema
        self._condition = condition

    def problems(self, payload: Payload) -> tuple[str, ...]:
        """What does not fit the schema, a line each."""
        return self._schema.problems(payload)

    def holds(self, payload: Payload) -> bool:
        """Whether the condition holds. Raises ConditionFailed."""
        return self._condition(payload)


@dataclass(frozen=True, slots=True)
class ReadyRule:
    """A rule as events meet it."""

    name: str
    event: str
    recipe: Recipe
    terms: Terms
    trial: CompiledTrial


class Rules:
    """The rules by their events."""

    def __init__(self, rules: Iterable[ReadyRule]) -> None:
        self._by_event: dict[str, list[ReadyRule]] = {}
        for rule in rules:
            self._by_event.setdefault(rule.event, []).append(rule)

    def of(self, event: str) -> tuple[ReadyRule, ...]:
        """Those of an event, in the order of the settings; none where no rule knows it."""
        return tuple(self._by_event.get(event, ()))


def rules_of(settings: Settings) -> Rules:
    """The rules of settings that were checked."""
    return Rules(_ready(rule, settings) for rule in settings.event_rules)


def _ready(rule: EventRule, settings: Settings) -> ReadyRule:
    account = settings.account(rule.account or "")
    return ReadyRule(
        name=rule.name,
        event=rule.event,
        recipe=rule.recipe(""),
        terms=Terms(
            # Without accounts in the settings nothing is published; the command line shows why.
            zone=ZoneInfo(account.timezone if account else "UTC"),
            quiet=parse_quiet_hours(rule.quiet_hours),
            delay_ms=round(rule.delay_minutes * _MINUTE_MS),
            cool_down_ms=round(rule.cool_down_minutes * _MINUTE_MS),
            most_per_day=rule.most_per_day,
        ),
        trial=CompiledTrial(PayloadSchema(rule.payload), compile_condition(rule.when)),
    )
