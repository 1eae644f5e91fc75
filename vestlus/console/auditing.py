"""The page of the audit, and its files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from vestlus.console.codes import Codes
from vestlus.console.content import page_zone
from vestlus.console.guarding import Guard
from vestlus.console.people import Role
from vestlus.console.visits import Visit
from vestlus.console.words.actions import ACTIONS
from vestlus.desk.audit import as_csv, as_json_lines, day_ms
from vestlus.store.operator_rows import AuditEntry, AuditWanted

PATH: Final = "/console/audit"
_EXPORT: Final = "audit.export"
_PAGE: Final = 50
_FILTERS: Final = ("person", "action", "target", "way", "outcome", "since", "until")
WAYS: Final = ("token", "oidc", "api", "command", "meta", "chat")
#: Digits of an entry's number.
_LONGEST_NUMBER: Final = 18


def audit_routes(guard: Guard) -> list[Route]:
    """What is served."""
    return [
        guard.page(PATH, _look, role=Role.ADMIN),
        guard.page(f"{PATH}/export.csv", _csv, role=Role.ADMIN, action=_EXPORT),
        guard.page(f"{PATH}/export.jsonl", _json_lines, role=Role.ADMIN, action=_EXPORT),
    ]


async def _look(visit: Visit) -> Response:
    before = visit.query("before")
    numbered = before.isdecimal() and before.isascii() and len(before) <= _LONGEST_NUMBER
    found = await visit.tools.store.audit_entries(
        wanted=_wanted(visit), before_id=int(before) if numbered else None, limit=_PAGE + 1
    )
    chosen = {name: visit.query(name) for name in _FILTERS}
    given = {name: value for name, value in chosen.items() if value}
    entries = found[:_PAGE]
    older = {**given, "before": entries[-1].id} if len(found) > _PAGE else None
    return visit.page(
        "audit.html",
        entries=entries,
        offered=_offered(visit, entries),
        chosen=chosen,
        ways=WAYS,
        roles=[role.word for role in Role],
        newest=f"{PATH}?{urlencode(given)}" if before else "",
        older=f"{PATH}?{urlencode(older)}" if older else "",
        export=urlencode(given),
    )


def _offered(visit: Visit, entries: Sequence[AuditEntry]) -> dict[str, list[tuple[str, str]]]:
    """By filter, what may be asked for: every action there is, and the outcomes that are shown."""
    codes = Codes(visit.language)
    outcomes = sorted({one.outcome for one in entries})
    return {
        "action": [(one, codes.action(one)) for one in ACTIONS],
        "outcome": [(one, codes.outcome(one)) for one in outcomes],
    }


async def _csv(visit: Visit) -> Response:
    return await _file(visit, "csv", "text/csv; charset=utf-8")


async def _json_lines(visit: Visit) -> Response:
    return await _file(visit, "jsonl", "application/jsonl; charset=utf-8")


async def _file(visit: Visit, kind: str, media_type: str) -> Response:
    store, wanted = visit.tools.store, _wanted(visit)
    visit.noted.note(target="", detail=kind)
    await store.audit(visit.entry(_EXPORT, detail=kind))
    lines = as_csv(store, wanted) if kind == "csv" else as_json_lines(store, wanted)
    name = f'attachment; filename="vestlus-audit.{kind}"'
    return StreamingResponse(lines, media_type=media_type, headers={"content-disposition": name})


def _wanted(visit: Visit) -> AuditWanted:
    zone = page_zone(visit.tools.settings)
    texts = {name: visit.query(name).strip() or None for name in _FILTERS[:5]}
    return AuditWanted(
        **texts,
        since_ms=day_ms(visit.query("since"), zone),
        until_ms=day_ms(visit.query("until"), zone, after=True),
    )
