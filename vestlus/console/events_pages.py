"""``/console/events``: what other systems told, what it led to, and the rules for it."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from vestlus.console.content import chosen_account, zone_of
from vestlus.console.guarding import Guard
from vestlus.console.live import Streams
from vestlus.console.post_views import TONES, state_key
from vestlus.console.tools import Tools
from vestlus.console.visits import Visit
from vestlus.console.words import Language, known, words
from vestlus.desk.events import EventTold, Lead, given_key, one_event, recent_events
from vestlus.desk.problems import NotThere
from vestlus.settings_events import EventRule

_PAGE: Final = 30
#: Digits of a moment: 64 bits hold them, and it is in the year 5138.
_DIGITS: Final = 14


class EventsPages:
    """What is looked at; nothing is done here."""

    def __init__(self, tools: Tools, guard: Guard, streams: Streams) -> None:
        self._tools = tools
        self._guard = guard
        self._streams = streams

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        path, guard = "/console/events", self._guard
        return [
            guard.page(path, self._list),
            guard.page(f"{path}/part", self._part),
            guard.page(f"{path}/changes", self._changes),
            guard.page(f"{path}/{{id}}", self._show),
        ]

    async def _list(self, visit: Visit) -> Response:
        return await self._page(visit, "events.html")

    async def _part(self, visit: Visit) -> Response:
        """The part of the page that changes."""
        return await self._page(visit, "events_part.html")

    async def _changes(self, visit: Visit) -> Response:
        name = visit.query("name") or None

        async def look() -> str:
            found = await recent_events(self._tools.store, limit=_PAGE, name=name)
            return "|".join(f"{one.row.id}{_states(one)}" for one in found)

        return self._streams.follow(look)

    async def _page(self, visit: Visit, template: str) -> Response:
        rules = self._tools.settings.event_rules
        name = visit.query("name")
        found = await recent_events(
            self._tools.store,
            limit=_PAGE + 1,
            before=_place(visit.query("before")),
            name=name or None,
        )
        page = found[:_PAGE]
        last = page[-1].row if len(found) > _PAGE else None
        return visit.page(
            template,
            zone=zone_of(chosen_account(visit)),
            events=page,
            name=name,
            names=sorted({one.event for one in rules}),
            rules=[(one, _terms(one, visit.language)) for one in rules],
            led=lambda lead: _led(lead, visit.language),
            tone=_tone,
            before=visit.query("before"),
            older=f"{last.received_ms}.{last.id}" if last else "",
        )

    async def _show(self, visit: Visit) -> Response:
        try:
            found = await one_event(self._tools.store, visit.param("id"))
        except NotThere as error:
            raise HTTPException(HTTPStatus.NOT_FOUND) from error
        row = found.row
        payload = (
            json.dumps(json.loads(row.payload), ensure_ascii=False, indent=2)
            if (row.payload)
            else ""
        )
        return visit.page(
            "event.html",
            zone=zone_of(chosen_account(visit)),
            event=found,
            key=given_key(row),
            payload=payload,
            led=lambda lead: _led(lead, visit.language),
            tone=_tone,
        )


def _states(one: EventTold) -> str:
    found = (lead.post or lead.occurrence for lead in one.leads)
    return "".join(f" {row.id}.{row.version}" for row in found if row is not None)


def _place(text: str) -> tuple[int, str] | None:
    at, _, id_ = text.partition(".")
    readable = at.isascii() and at.isdigit() and len(at) <= _DIGITS and id_
    return (int(at), id_) if readable else None


def _led(lead: Lead, language: Language) -> str:
    """What became of an event by one rule, or why nothing did. Never the data, nor what quotes
    them: viewers read this too.
    """
    if lead.post is not None:
        return words(language, state_key("post", str(lead.post.state)))
    if lead.occurrence is not None:
        return words(language, state_key("draft", str(lead.occurrence.state)))
    if lead.outcome.occurrence:
        return words(language, "events.gone")
    key = f"events.why.{lead.outcome.reason}"
    return words(language, key) if known(key) else lead.outcome.reason


def _tone(lead: Lead) -> str:
    if lead.post is not None:
        return TONES.get(f"post.{lead.post.state}", "")
    if lead.occurrence is not None:
        return TONES.get(f"draft.{lead.occurrence.state}", "")
    return ""


def _terms(rule: EventRule, language: Language) -> str:
    """When a rule applies, and how often, in words."""
    values = {
        "when": rule.when,
        "after": f"{rule.delay_minutes:g}" if rule.delay_minutes else "",
        "cool_down": f"{rule.cool_down_minutes:g}" if rule.cool_down_minutes else "",
        "a_day": str(rule.most_per_day) if rule.most_per_day else "",
        "quiet": rule.quiet_hours,
    }
    said = [
        words(language, f"events.rule.{name}", value=value)
        for name, value in values.items()
        if value
    ]
    if rule.approve:
        said.append(words(language, "events.rule.approve"))
    return "; ".join(said) or words(language, "events.rule.always")
