"""The audit names what an act of the console was done to, also where the act fails half-way; and
who asked for what they may not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import pytest

from image_bank import keeping
from tests.integration.console_support import ACCOUNT, IN_ONE_LOOP, Site, signed_client
from tests.integration.content_support import World, acting, said, world
from tests.integration.talks_support import HOUR_MS, Talking
from tests.integration.test_console_dead_letters import as_role, odd
from tests.integration.test_console_entries import fails
from vestlus.console.people import Role
from vestlus.conversation.identity import conversation_id
from vestlus.desk import preserving
from vestlus.desk.images import ImageDesk
from vestlus.desk.posts import PostDesk
from vestlus.errors import StoreUnavailable
from vestlus.planning.desk import ScheduleDesk
from vestlus.store.erasing import Erasure, ErasureState, Way

pytestmark = IN_ONE_LOOP

USER: Final = "17841400000007711"
ID: Final = conversation_id(ACCOUNT, USER)
TALK: Final = f"/console/conversations/{ID}"
CODE: Final = "B" * 16
#: What no act may name: there is nothing of this name, and it may be a user's id.
NOBODY: Final = "17841400000004821"


@dataclass(frozen=True, slots=True)
class Case:
    """A form, what it is in the audit, and what fails behind it."""

    path: str
    action: str
    target: str
    of: object
    method: str


async def cases(filled: World) -> list[Case]:
    """Every act of the console upon something that is there before it."""
    store = filled.site.store
    await Talking.on(filled.site).write(USER, "Tere", ago_ms=HOUR_MS)
    waits = Erasure(code=CODE, asked_ms=0, way=Way.META, state=ErasureState.OPEN, by="meta")
    await store.erase(waits, [])
    letter = odd(1)
    await store.bury([letter])
    post, draft = (await filled.post()).id, (await filled.draft()).id
    pictures = sorted((await keeping.read_catalogue(store)).pictures)
    posts, images = "/console/posts", "/console/images"
    return [
        Case(f"{posts}/{post}/cancel", "post.cancel", post, PostDesk, "cancel"),
        Case(f"{posts}/{post}/publish-now", "post.publish_now", post, PostDesk, "publish_now"),
        Case(f"{posts}/{draft}/approve", "post.approve", draft, PostDesk, "approve"),
        Case(f"{posts}/{draft}/reject", "post.reject", draft, PostDesk, "reject"),
        *(
            Case(
                f"{posts}/schedules/hommik/{act}",
                f"schedule.{act}",
                "hommik",
                ScheduleDesk,
                "pause",
            )
            for act in ("pause", "resume")
        ),
        *(
            Case(f"{images}/{pictures[0]}/{act}", f"image.{act}", pictures[0], ImageDesk, act)
            for act in ("describe", "retire", "remove")
        ),
        Case(
            f"/console/dead-letters/{letter.id}/discard",
            "dead_letter.discard",
            letter.id,
            type(store),
            "discard",
        ),
        Case(f"{TALK}/preserve", "conversation.preserve", ID, preserving, "preserve"),
        Case(f"{TALK}/release", "conversation.release", ID, preserving, "release"),
        Case(
            f"/console/erasures/{CODE}/close", "erasure.close", CODE, type(store), "close_erasure"
        ),
    ]


async def told(site: Site, actions: Sequence[str]) -> list[tuple[str, str, str]]:
    """What the audit says of these actions, in their order."""
    found = [await site.store.audit_entries(action=one) for one in actions]
    return [(one.action, one.target, one.outcome) for each in found for one in reversed(each)]


async def test_an_act_that_fails_half_way_is_told_with_what_it_was_done_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as filled, acting(filled.site) as (client, csrf):
        acts = await cases(filled)
        for one in acts:
            with monkeypatch.context() as patch:
                patch.setattr(one.of, one.method, fails(StoreUnavailable("away")))
                answer = await client.post(one.path, data=said(csrf))
            assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE, one.action
        found = await told(filled.site, [one.action for one in acts])
        assert found == [(one.action, one.target, "failed") for one in acts]


async def test_what_there_is_not_is_named_by_no_act(tmp_path: Path) -> None:
    async with world(tmp_path) as filled, acting(filled.site) as (client, csrf):
        acts = await cases(filled)
        for one in acts:
            await client.post(one.path.replace(one.target, NOBODY), data=said(csrf))
        found = await told(filled.site, [one.action for one in acts])
        assert [(action, target) for action, target, _ in found] == [
            (one.action, "") for one in acts
        ]
        assert "done" not in {outcome for _, _, outcome in found}


EXPORTS: Final = (
    (f"{TALK}/data.json", "user.export"),
    ("/console/audit/export.csv", "audit.export"),
    ("/console/audit/export.jsonl", "audit.export"),
)


@pytest.mark.parametrize(("path", "action"), EXPORTS)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
async def test_who_asks_for_an_export_without_the_role_for_it_is_in_the_audit(
    site: Site, path: str, action: str, role: Role
) -> None:
    await Talking.on(site).write(USER, "Tere", ago_ms=HOUR_MS)
    async with await as_role(site, role) as client:
        assert (await client.get(path)).status_code == HTTPStatus.FORBIDDEN
    [entry] = await site.store.audit_entries(action=action)
    assert (entry.person, entry.role, entry.outcome) == ("Viive", role.word, "forbidden")


async def test_who_only_looks_where_they_may_not_is_in_no_audit(site: Site) -> None:
    async with await as_role(site, Role.VIEWER) as client:
        assert (await client.get("/console/audit")).status_code == HTTPStatus.FORBIDDEN
    found = await site.store.audit_entries(person="Viive")
    assert [one.action for one in found] == ["session.begin"]


async def exported(site: Site) -> tuple[httpx.Response, list[tuple[str, str, str]]]:
    """The answer to an admin who asks for the user's data, and what the audit says of it."""
    async with signed_client(site) as client:
        answer = await client.get(f"{TALK}/data.json")
    return answer, await told(site, ["user.export"])


async def test_an_export_that_fails_is_told_with_whose_it_was(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Talking.on(site).write(USER, "Tere", ago_ms=HOUR_MS)
    with monkeypatch.context() as patch:
        patch.setattr("vestlus.console.user_data_pages.exported", fails(StoreUnavailable("away")))
        answer, found = await exported(site)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert found == [("user.export", ID, "failed")]


async def test_an_export_of_nobody_is_told_and_names_nobody(site: Site) -> None:
    answer, found = await exported(site)
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert found == [("user.export", "", "user_data.refused.gone")]
