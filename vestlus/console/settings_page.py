"""The page of the settings: where each came from, the pools, and who is signed in."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import FormData
from starlette.responses import Response
from starlette.routing import Route

from vestlus.console.auditing import WAYS
from vestlus.console.guarding import Guard
from vestlus.console.people import Role
from vestlus.console.visits import Done, Refusal, Visit
from vestlus.desk.pools import described
from vestlus.desk.sessions import end_all, end_one, signed_in
from vestlus.desk.settings import grouped

PATH: Final = "/console/settings"


def settings_routes(guard: Guard) -> list[Route]:
    """What is served."""
    return [
        guard.page(PATH, _look, role=Role.ADMIN),
        guard.action(f"{PATH}/sessions/{{name}}/end", "session.end_one", _end_one, role=Role.ADMIN),
        guard.action(f"{PATH}/sessions/end", "session.end_all", _end_all, role=Role.ADMIN),
    ]


async def _look(visit: Visit) -> Response:
    store = visit.tools.store
    return visit.page(
        "settings.html",
        groups=grouped(visit.tools.settings),
        pools=await described(store),
        ways=WAYS,
        roles=[role.word for role in Role],
        sessions=[
            (one.name, one, one.digest == visit.session.digest)
            for one in await signed_in(store, visit.now_ms)
        ],
    )


async def _end_one(visit: Visit, _: FormData) -> Done:
    name, to = visit.param("name"), f"{PATH}#sessions"
    entry = visit.entry("session.end", name)
    if not await end_one(visit.tools.store, name, entry):
        raise Refusal("settings.no_session", to)
    return Done(to, name, "settings.session_ended")


async def _end_all(visit: Visit, _: FormData) -> Done:
    number = await end_all(visit.tools.store, visit.entry("session.end"))
    return Done(PATH, notice="settings.sessions_ended", detail=str(number))
