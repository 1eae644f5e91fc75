"""Whatever is done by hand stands in the audit, however it ends and whoever waits for it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

import httpx
import pytest
from starlette.datastructures import FormData, UploadFile
from starlette.routing import Route

from tests.integration.console_support import (
    IN_ONE_LOOP,
    TOKEN,
    Site,
    signed_client,
)
from vestlus.clock import system_clock
from vestlus.console.api import Gate
from vestlus.console.guarding import Guard
from vestlus.console.operations import Call, Operation, routes
from vestlus.console.people import Role
from vestlus.console.tools import Tools
from vestlus.console.visits import Done, Visit

pytestmark = IN_ONE_LOOP


class Act:
    """Begins, and waits until it may end."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.read = b""
        self._problem = problem

    async def by_form(self, visit: Visit, form: FormData) -> Done:
        visit.noted.note(target="ours")
        await self._go_on()
        given = form.get("file")
        self.read = await given.read() if isinstance(given, UploadFile) else b""
        return Done("/console", "ours")

    async def by_api(self, call: Call) -> None:
        call.noted.note(target="ours")
        await self._go_on()

    async def _go_on(self) -> None:
        self.begun.set()
        await self.may_end.wait()
        if self._problem is not None:
            raise self._problem

    def served_by(self, site: Site) -> None:
        async def ring() -> None:
            return None

        tools = Tools(
            settings=site.settings,
            clock=system_clock,
            find_store=lambda: site.store,
            find_bus=lambda: site.bus,
            ring=ring,
        )
        one = Operation(
            "POST", "/act", "act", "Acts", self.by_api, None, role=Role.AGENT, action="test.act"
        )
        made: list[Route] = [
            Guard(tools).action("/console/act", "test.act", self.by_form),
            *routes([one], Gate(tools), tools)[:1],
        ]
        site.front._rest.router.routes[:0] = made


async def asked(site: Site, path: str) -> httpx.Response:
    """The act is asked for in the caller's own task, as by a server that cancels."""
    async with signed_client(site) as known:
        [session] = await site.store.sessions(0)
        headers = {
            b"authorization": f"Bearer {TOKEN}".encode(),
            b"origin": site.address.encode(),
            b"cookie": f"vestlus={known.cookies['vestlus']}".encode(),
        }
    given = {"csrf": session.csrf}
    files = {"file": ("a.txt", b"all of it")}
    transport = httpx.ASGITransport(site.front, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=site.address) as client:
        return await client.post(path, data=given, files=files, headers=headers)


async def outcomes(site: Site) -> list[tuple[str, str]]:
    found = await site.store.audit_entries(limit=10)
    return [(one.target, one.outcome) for one in found if one.action == "test.act"]


PATHS = ("/console/act", "/api/v1/act")


@pytest.mark.parametrize("path", PATHS)
async def test_an_act_whose_asker_is_gone_is_done_and_in_the_audit(site: Site, path: str) -> None:
    act = Act()
    act.served_by(site)
    asking = asyncio.create_task(asked(site, path))
    await act.begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    act.may_end.set()
    while not await outcomes(site):
        await site.store.check()
    assert await outcomes(site) == [("ours", "done")]
    # The files of a form are there until its act ends.
    assert act.read == (b"all of it" if path == "/console/act" else b"")


@pytest.mark.parametrize("path", PATHS)
async def test_an_act_that_fails_half_way_is_in_the_audit(site: Site, path: str) -> None:
    act = Act(RuntimeError("a bug"))
    act.served_by(site)
    act.may_end.set()
    answer = await asked(site, path)
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert await outcomes(site) == [("ours", "failed")]


USER: Final = "17841400000004821"

ACTS: Final = (
    *((f"POST /conversations/{USER}/{act}", {}) for act in ("take-over", "hand-back", "read")),
    (f"POST /conversations/{USER}/reply", {"text": "Tere"}),
    (f"POST /conversations/{USER}/drafts/1/approve", {}),
    (f"POST /conversations/{USER}/drafts/1/reject", {}),
    (f"POST /dead-letters/{USER}/replay", {}),
    (f"POST /dead-letters/{USER}/discard", {}),
    (f"DELETE /sessions/{USER}", {}),
    (f"DELETE /schedules/{USER}", {}),
    (f"POST /schedules/{USER}/pause", {}),
    (f"POST /images/{USER}/retire", {}),
    (f"DELETE /images/{USER}", {}),
    (f"POST /posts/{USER}/approve", {}),
    (f"POST /posts/{USER}/reject", {}),
    (f"POST /posts/{USER}/cancel", {}),
    (f"POST /posts/{USER}/publish-now", {}),
)


CONVERSATION_ACTS: Final = (
    *("take-over", "hand-back", "reply", "approve", "reject", "read"),
    *("erase", "preserve", "release"),
)
#: One that is sent, none, and one that is refused before it is.
TEXTS: Final = ({"text": "Tere"}, {"text": " "}, {"text": "a" * 20_000, "was": ""})


async def test_an_id_of_nothing_that_there_is_stays_out_of_the_audit(site: Site) -> None:
    headers = {b"authorization": f"Bearer {TOKEN}".encode()}
    async with httpx.AsyncClient(base_url=f"{site.address}/api/v1", headers=headers) as api:
        for act, body in ACTS:
            method, path = act.split()
            answer = await api.request(method, path, json=body)
            assert answer.status_code == HTTPStatus.NOT_FOUND, (act, answer.text)
            assert answer.json()["error"].startswith("no_such_"), act
            assert answer.json()["error"] != "no_such_path", act
    async with signed_client(site) as client:
        session = max(await site.store.sessions(0), key=lambda one: one.began_ms)
        form = {"csrf": session.csrf, "id": USER, "code": USER, "turn": "1", "typed": USER[-4:]}
        for path, given in (
            *((f"conversations/{USER}/{act}", text) for act in CONVERSATION_ACTS for text in TEXTS),
            *((f"dead-letters/{USER}/{act}", {}) for act in ("replay", "discard")),
            *((f"posts/schedules/{USER}/{act}", {}) for act in ("pause", "resume")),
            *(
                (f"posts/{USER}/{act}", {})
                for act in ("approve", "reject", "publish-now", "cancel")
            ),
            *((f"images/{USER}/{act}", {}) for act in ("describe", "retire", "remove")),
            ("images/add", {}),
            (f"settings/sessions/{USER}/end", {}),
            (f"erasures/{USER}/close", {}),
        ):
            answer = await client.post(f"/console/{path}", data=form | given)
            assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, path
            assert answer.status_code != HTTPStatus.METHOD_NOT_ALLOWED, path
    found = await site.store.audit_entries(limit=100)
    assert len(found) > len(ACTS)
    assert USER not in str(found)
