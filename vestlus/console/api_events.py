"""``/api/v1/events``: what other systems told under ``/events``, and what it led to."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from pydantic import Field

from vestlus.console.api_shapes import EventShape, EventsShape, OutcomeShape, RulesShape, utc
from vestlus.console.operations import Call, Fault, Operation, Shape
from vestlus.console.people import Role
from vestlus.desk.events import EventTold, Lead, event_values, one_event, recent_events, rule_values
from vestlus.desk.problems import NotThere
from vestlus.planning.http import told_outcome

_MOST: Final = 200
_NOT_THERE: Final = Fault(HTTPStatus.NOT_FOUND, "no_such_event", "there is no such event")


class ListEvents(Shape):
    """Which events."""

    name: Annotated[str | None, Field(max_length=200)] = None
    #: ``next`` of the answer before.
    before: Annotated[str | None, Field(pattern=r"^[0-9]{1,14}\.[0-9A-Za-z-]{1,64}$")] = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 50


async def _list(call: Call) -> EventsShape:
    asked: ListEvents = call.query
    at, _, id_ = (asked.before or "").partition(".")
    found = await recent_events(
        call.tools.store,
        limit=asked.limit + 1,
        before=(int(at), id_) if at else None,
        name=asked.name,
    )
    page = found[: asked.limit]
    last = page[-1].row if len(found) > len(page) else None
    return EventsShape(
        events=[_shape(one) for one in page],
        next=f"{last.received_ms}.{last.id}" if last else None,
    )


async def _show(call: Call) -> EventShape:
    try:
        return _shape(await one_event(call.tools.store, call.param("id")))
    except NotThere as error:
        raise _NOT_THERE.refusal(str(error)) from error


async def _rules(call: Call) -> RulesShape:
    return RulesShape(rules=[rule_values(one) for one in call.tools.settings.event_rules])


def _shape(event: EventTold) -> EventShape:
    values = event_values(event.row) | {
        "received_at": utc(event.row.received_ms),
        "outcomes": [_outcome(one) for one in event.leads],
    }
    return EventShape.model_validate(values)


def _outcome(lead: Lead) -> OutcomeShape:
    became = lead.post or lead.occurrence
    more = {
        "state": str(became.state) if became else None,
        "post": lead.post.id if lead.post else None,
    }
    return OutcomeShape.model_validate(told_outcome(lead.outcome) | more)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/events",
        "listEvents",
        "Events of the last 7 days, newest first, refused ones among them",
        _list,
        EventsShape,
        # Their data are for those who may act.
        role=Role.AGENT,
        query=ListEvents,
        tag="events",
    ),
    Operation(
        "GET",
        "/events/{id}",
        "showEvent",
        "One event, its data, and what each rule made of it",
        _show,
        EventShape,
        role=Role.AGENT,
        params={"id": "the event's"},
        faults=(_NOT_THERE,),
        tag="events",
    ),
    Operation(
        "GET",
        "/event-rules",
        "listEventRules",
        "Which event leads to which post, and when",
        _rules,
        RulesShape,
        tag="events",
    ),
)
