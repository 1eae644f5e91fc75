"""``/api/v1/audit``."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field
from starlette.responses import Response, StreamingResponse

from vestlus.console.operations import Call, Operation, Shape
from vestlus.console.people import Role
from vestlus.desk.audit import as_csv, as_json_lines, values
from vestlus.store.operator_rows import AuditWanted

#: The largest number that the store counts to.
_MOST: Final = 2**63 - 1
Word = Annotated[str, Field(max_length=200)]
Moment = Annotated[int, Field(ge=0, le=_MOST)]


class AuditFilter(Shape):
    """Which entries; what is left out stands for any."""

    person: Word | None = None
    action: Annotated[
        Word | None, Field(description="A whole word or, ending with a full stop, its beginning.")
    ] = None
    target: Word | None = None
    way: Literal["token", "oidc", "api", "command", "meta", "chat"] | None = None
    outcome: Word | None = None
    since: Annotated[Moment | None, Field(description="Milliseconds since 1970.")] = None
    until: Annotated[Moment | None, Field(description="Earlier than that.")] = None

    @property
    def wanted(self) -> AuditWanted:
        """The same for the store."""
        return AuditWanted(
            person=self.person,
            action=self.action,
            target=self.target,
            way=self.way,
            outcome=self.outcome,
            since_ms=self.since,
            until_ms=self.until,
        )


class AuditQuery(AuditFilter):
    """A page of them."""

    before: Annotated[
        int | None, Field(ge=1, le=_MOST, description="`next` of the page before.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class AuditFile(AuditFilter):
    """All of them, in a file."""

    format: Literal["csv", "jsonl"] = "jsonl"


class AuditItem(Shape):
    """Somebody did something, or was refused."""

    id: int
    at: Annotated[str, Field(description="ISO 8601, UTC.")]
    person: str
    role: str
    way: str
    action: str
    target: str
    outcome: str
    detail: str


class AuditPage(Shape):
    """Entries, newest first."""

    entries: tuple[AuditItem, ...]
    next: Annotated[int | None, Field(description="`before` of the next page; null on the last.")]


async def _list(call: Call) -> dict[str, Any]:
    query: AuditQuery = call.query
    found = await call.tools.store.audit_entries(
        wanted=query.wanted, before_id=query.before, limit=query.limit + 1
    )
    page = found[: query.limit]
    return {
        "entries": tuple(values(one) for one in page),
        "next": page[-1].id if len(found) > len(page) else None,
    }


async def _export(call: Call) -> Response:
    query: AuditFile = call.query
    store = call.tools.store
    call.noted.note(target="", detail=query.format)
    if query.format == "csv":
        return StreamingResponse(as_csv(store, query.wanted), media_type="text/csv; charset=utf-8")
    return StreamingResponse(
        as_json_lines(store, query.wanted), media_type="application/jsonl; charset=utf-8"
    )


OPERATIONS: Final = (
    Operation(
        "GET",
        "/audit",
        "listAudit",
        "What people did, newest first",
        _list,
        AuditPage,
        role=Role.ADMIN,
        query=AuditQuery,
        tag="audit",
    ),
    Operation(
        "GET",
        "/audit/export",
        "exportAudit",
        "All entries that are wanted, as a file",
        _export,
        bytes,
        role=Role.ADMIN,
        query=AuditFile,
        action="audit.export",
        tag="audit",
    ),
)
