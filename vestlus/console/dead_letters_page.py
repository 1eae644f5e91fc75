"""The pages of the dead letters: what was given up, why, and what people make of it."""

from __future__ import annotations

import json
from functools import partial
from typing import Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from vestlus.console.content import account_name, page_zone, zone_of
from vestlus.console.entries import replay_written_first
from vestlus.console.guarding import Guard
from vestlus.console.people import Role
from vestlus.console.rendering import moment
from vestlus.console.visits import Done, Refusal, Visit, text
from vestlus.desk.dead_letters import (
    NoSuchLetter,
    Wish,
    discarded,
    letter_named,
    replayed,
)
from vestlus.privacy.export import readable
from vestlus.store.rows import DeadLetter, LetterState, LettersWanted

PATH: Final = "/console/dead-letters"
_REPLAY: Final = "dead_letter.replay"
_PAGE: Final = 50
_ANY: Final = "any"
#: Characters of a letter's content that a page shows.
_LONGEST: Final = 20_000


def dead_letter_routes(guard: Guard) -> list[Route]:
    """What is served."""
    one = f"{PATH}/{{letter}}"
    return [
        guard.page(PATH, _list),
        guard.page(one, _show),
        guard.action(f"{one}/replay", _REPLAY, _replay, role=Role.ADMIN),
        guard.action(f"{one}/discard", "dead_letter.discard", _discard, role=Role.ADMIN),
    ]


def path_of(letter: str) -> str:
    """A letter's page."""
    return f"{PATH}/{quote(letter, safe=':')}"


async def _list(visit: Visit) -> Response:
    state = visit.query("state") or str(LetterState.OPEN)
    chosen = {
        "state": state if state in {*LetterState, _ANY} else str(LetterState.OPEN),
        "reason": visit.query("reason").strip(),
        "account": visit.query("account").strip(),
        "unknown": "1" if visit.query("unknown") else "",
    }
    found = await visit.tools.store.dead_letters(
        limit=_PAGE + 1,
        wanted=LettersWanted(
            state=None if chosen["state"] == _ANY else LetterState(chosen["state"]),
            reason=chosen["reason"] or None,
            account=chosen["account"] or None,
            doubtful=True if chosen["unknown"] else None,
            behind=visit.query("behind") or None,
        ),
    )
    letters = found[:_PAGE]
    zone = page_zone(visit.tools.settings, chosen["account"])
    given = {name: value for name, value in chosen.items() if value}
    older = {**given, "behind": letters[-1].id} if len(found) > _PAGE else None
    return visit.page(
        "dead_letters.html",
        zone=zone,
        at=partial(_at, visit, zone),
        letters=letters,
        chosen=chosen,
        states=(*LetterState, _ANY),
        reasons=sorted({one.reason for one in letters}),
        accounts=[(one.id, one.name or one.id) for one in visit.tools.settings.accounts],
        older=f"{PATH}?{urlencode(older)}" if older else "",
        newest=f"{PATH}?{urlencode(given)}" if visit.query("behind") else "",
        path_of=path_of,
    )


async def _show(visit: Visit) -> Response:
    letter = await _letter(visit)
    admin = visit.may(Role.ADMIN)
    content, cut = _content(letter) if admin else ("", False)
    return visit.page(
        "dead_letter.html",
        zone=page_zone(visit.tools.settings, letter.account),
        letter=letter,
        account=account_name(visit.tools, letter.account or ""),
        content=content,
        cut=cut,
        to=path_of(letter.id),
    )


def _at(visit: Visit, zone: ZoneInfo, letter: DeadLetter) -> str:
    """When it was given up, by its account's clock; with the zone where the page's is another."""
    own = visit.tools.settings.account(letter.account or "")
    by = zone_of(own) if own else zone
    said = moment(letter.at_ms, visit.language, by)
    return said if by == zone else f"{said} ({by.key})"


async def _letter(visit: Visit) -> DeadLetter:
    """The letter, noted. What is no letter's id, perhaps a user's, is in no audit."""
    try:
        letter = await letter_named(visit.tools, visit.param("letter"))
    except NoSuchLetter as error:
        raise HTTPException(404) from error
    visit.noted.note(target=letter.id, account=letter.account or "")
    return letter


def _content(letter: DeadLetter) -> tuple[str, bool]:
    """What it held, for a page, and whether that is not all."""
    if not letter.body:
        return "", False
    held = readable(letter.body)
    shown = held if isinstance(held, str) else json.dumps(held, ensure_ascii=False, indent=2)
    return shown[:_LONGEST], len(shown) > _LONGEST


async def _replay(visit: Visit, form: FormData) -> Done:
    letter = await _letter(visit)
    wish = Wish(visit.person.name, although_sent=bool(text(form, "although_sent")))
    handing = replay_written_first(visit.tools, visit.entry(_REPLAY), visit.noted)
    [(_, refusal)] = await replayed(visit.tools, [letter.id], wish, handing)
    if refusal is not None:
        raise Refusal(f"dead_letters.refused.{refusal}", path_of(letter.id), letter.id)
    return Done(path_of(letter.id), letter.id, "dead_letters.handed_in")


async def _discard(visit: Visit, _: FormData) -> Done:
    letter = await _letter(visit)
    if not await discarded(visit.tools, letter.id, visit.person.name):
        raise Refusal("dead_letters.refused.not_dead", path_of(letter.id), letter.id)
    return Done(path_of(letter.id), letter.id, "dead_letters.discarded")
