"""``/api/v1/settings`` and ``/api/v1/sessions``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import Field

from vestlus.console.operations import Call, Fault, Operation, Shape
from vestlus.console.people import Role
from vestlus.desk.pools import described
from vestlus.desk.sessions import end_all, end_one, signed_in
from vestlus.desk.settings import grouped
from vestlus.settings_sources import Source
from vestlus.store.operator_rows import AuditEntry


class SettingItem(Shape):
    """One setting."""

    name: str
    value: Annotated[str, Field(description="Empty for a secret.")]
    source: Source
    secret: bool
    given: Annotated[bool, Field(description="Whether it has any value.")]


class SettingGroup(Shape):
    """The plain settings, those of a table, or those of one item of a table."""

    table: str
    item: str
    settings: tuple[SettingItem, ...]
    left_out: int


class PoolCluster(Shape):
    """What the registry of a cluster makes of a pool."""

    cluster: str
    #: The machine of its registry; empty where that has not shown itself lately.
    host: str
    settings: str
    follows: str
    wished: int
    running: int
    ready: int
    waiting_for_a_node: int
    busy_percent: int
    oldest_waiting_seconds: float
    reason: str


class PoolItem(Shape):
    """A pool, as ``vestlus scale --json`` has it."""

    pool: str
    wish: str | None
    clusters: tuple[PoolCluster, ...]
    partitions: dict[str, tuple[int, ...]]


class SettingsAnswer(Shape):
    """What the service runs with. No secret, nor anything of one, is in it."""

    groups: tuple[SettingGroup, ...]
    pools: tuple[PoolItem, ...]


class SessionItem(Shape):
    """Somebody who is signed in to the console. Times are milliseconds since 1970."""

    id: str
    person: str
    role: str
    way: str
    began: int
    seen: int
    ends: int


class SessionList(Shape):
    """The last to have come first."""

    sessions: tuple[SessionItem, ...]


class SessionsEnded(Shape):
    """How many there were."""

    ended: int


NO_SESSION: Final = Fault(HTTPStatus.NOT_FOUND, "no_such_session", "nobody is signed in by that id")


async def _settings(call: Call) -> dict[str, Any]:
    groups = [
        {
            "table": group.table,
            "item": group.item,
            "left_out": group.left_out,
            "settings": [
                {
                    "name": one.name,
                    "value": one.value,
                    "source": one.source,
                    "secret": one.secret,
                    "given": one.given,
                }
                for one in group.settings
            ],
        }
        for group in grouped(call.tools.settings)
    ]
    return {"groups": groups, "pools": await described(call.tools.store)}


async def _sessions(call: Call) -> dict[str, Any]:
    found = await signed_in(call.tools.store, call.tools.clock())
    return {
        "sessions": [
            {
                "id": one.name,
                "person": one.person,
                "role": one.role,
                "way": one.way,
                "began": one.began_ms,
                "seen": one.seen_ms,
                "ends": one.ends_ms,
            }
            for one in found
        ]
    }


def _entry(call: Call, target: str = "") -> AuditEntry:
    who = call.person
    return AuditEntry(call.tools.clock(), who.name, who.role.word, who.way, "session.end", target)


async def _end_one(call: Call) -> None:
    name = call.param("session")
    if not await end_one(call.tools.store, name, _entry(call, name)):
        raise NO_SESSION.refusal()
    # Only now: what is no session's name, perhaps a user's id, is in no audit.
    call.noted.note(target=name)


async def _end_all(call: Call) -> dict[str, int]:
    number = await end_all(call.tools.store, _entry(call))
    call.noted.note(target="", detail=str(number))
    return {"ended": number}


OPERATIONS: Final = (
    Operation(
        "GET",
        "/settings",
        "showSettings",
        "The settings with where each came from, and the pools",
        _settings,
        SettingsAnswer,
        role=Role.ADMIN,
        tag="settings",
    ),
    Operation(
        "GET",
        "/sessions",
        "listSessions",
        "Who is signed in to the console",
        _sessions,
        SessionList,
        role=Role.ADMIN,
        tag="settings",
    ),
    Operation(
        "DELETE",
        "/sessions/{session}",
        "endSession",
        "Sign somebody out",
        _end_one,
        None,
        role=Role.ADMIN,
        action="session.end_one",
        faults=(NO_SESSION,),
        params={"session": "The session's id, as listSessions has it."},
        tag="settings",
    ),
    Operation(
        "DELETE",
        "/sessions",
        "endSessions",
        "Sign everybody out",
        _end_all,
        SessionsEnded,
        role=Role.ADMIN,
        action="session.end_all",
        tag="settings",
    ),
)
