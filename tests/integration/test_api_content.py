"""``/api/v1`` about posts, pictures and events: the same as the console and the commands do."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.fakes.bank import picture_file
from tests.integration.console_support import ACCOUNT, IN_ONE_LOOP, TOKEN
from tests.integration.content_support import CAPTION, DAY, World
from vestlus.console.api_shapes import utc
from vestlus.store.occurrences import OccurrenceState

pytestmark = IN_ONE_LOOP

POST = {"pictures": ["parking"], "caption": "Tere"}


@asynccontextmanager
async def program(filled: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the operator's token."""
    headers = {b"authorization": b"Bearer " + TOKEN.encode()}
    base = f"{filled.site.address}/api/v1"
    async with httpx.AsyncClient(base_url=base, headers=headers) as client:
        yield client


def refused(answer: httpx.Response, status: HTTPStatus, error: str) -> str:
    """What a refusal says to mend."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["error"]) == (status, error), body
    return "\n".join(body["problems"])


async def test_a_post_is_planned_once_of_one_key_shown_hastened_and_cancelled(
    filled: World,
) -> None:
    async with program(filled) as client:
        body = POST | {"key": "avamine", "at": "2099-01-01T10:00"}
        far = await client.post("/posts", json=body)
        assert "at" in refused(far, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid")
        first = (await client.post("/posts", json=POST | {"key": "avamine"})).json()
        second = (await client.post("/posts", json=POST | {"key": "avamine"})).json()
        assert (first["added"], second["added"]) == (True, False)
        id_ = first["post"]["id"]
        assert second["post"]["id"] == id_
        assert (await client.get(f"/posts/{id_}")).json() == first["post"]
        late = await client.post(f"/posts/{id_}/publish-now")
        refused(late, HTTPStatus.CONFLICT, "too_late")
        assert (await client.post(f"/posts/{id_}/cancel")).json()["state"] == "cancelled"
        again = await client.post(f"/posts/{id_}/cancel")
        refused(again, HTTPStatus.CONFLICT, "too_late")
        later = await filled.post(in_ms=DAY)
        now = (await client.post(f"/posts/{later.id}/publish-now")).json()
        assert now["planned_at"] < (utc(later.planned_ms) or "")
        listed = (await client.get("/posts", params={"account": ACCOUNT})).json()["posts"]
        assert {id_, later.id} == {one["id"] for one in listed}
    acts = [(one.action, one.way, one.outcome) for one in await audit(filled)]
    assert ("post.plan", "api", "done") in acts
    assert ("post.cancel", "api", "too_late") in acts


async def test_drafts_are_approved_with_other_words_and_rejected(filled: World) -> None:
    one, two = await filled.draft(), await filled.draft()
    async with program(filled) as client:
        drafts = (await client.get("/posts/drafts")).json()["posts"]
        assert {row["id"] for row in drafts} == {one.id, two.id}
        assert drafts[0]["caption"] == CAPTION
        body = {"caption": "Teised sõnad", "at_once": True}
        yes = (await client.post(f"/posts/{one.id}/approve", json=body)).json()
        assert (yes["state"], yes["caption"]) == ("ready", "Teised sõnad")
        assert yes["decided_by"] == "VESTLUS_OPERATOR_TOKEN"
        no = (await client.post(f"/posts/{two.id}/reject", json={"why": "vale"})).json()
        assert (no["state"], no["problem"]) == ("rejected", "vale")
        again = await client.post(f"/posts/{two.id}/approve", json={})
        refused(again, HTTPStatus.CONFLICT, "too_late")
    assert (await filled.occurrence(one.id)).state is OccurrenceState.READY


@pytest.mark.parametrize(
    "body",
    [
        {},
        POST | {"pictures": []},
        POST | {"pictures": ["unheard"]},
        POST | {"caption": "#a " * 31},
        POST | {"story": True},
        POST | {"account": "5"},
        POST | {"within_hours": 0},
        POST | {"at": "yesterday"},
        POST | {"at": "2001-01-01T10:00:00Z"},
        POST | {"colour": "red"},
    ],
)
async def test_what_cannot_be_posted_is_refused_with_what_to_mend(
    filled: World, body: dict[str, Any]
) -> None:
    async with program(filled) as client:
        answer = await client.post("/posts", json=body)
    assert refused(answer, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid")
    assert await filled.site.store.posts(limit=9) == ()


async def test_a_picture_is_sent_looked_at_described_and_removed(filled: World) -> None:
    data = picture_file(500, 500)
    async with program(filled) as client:
        query = {"shows": "Meie maja", "tags": "maja, õu", "valid_until": "2026-01-01"}
        added = await client.put("/images/maja/file", params=query, content=data)
        assert added.status_code == HTTPStatus.OK, added.text
        assert (added.json()["tags"], added.json()["standing"]) == (["maja", "õu"], "ended")
        refused(
            await client.put("/images/maja/file", params=query, content=data),
            HTTPStatus.CONFLICT,
            "id_taken",
        )
        shown = (await client.get("/images/maja")).json()
        assert shown == added.json()
        for use, kind in (("dms", "PNG"), ("posts", "JPEG")):
            file = await client.get("/images/maja/file", params={"use": use})
            assert Image.open(io.BytesIO(file.content)).format == kind
        body = {"shows": "Meie uus maja", "edition": shown["edition"]}
        changed = (await client.put("/images/maja", json=body)).json()
        assert (changed["shows"], changed["standing"]) == ("Meie uus maja", "valid")
        refused(await client.put("/images/maja", json=body), HTTPStatus.CONFLICT, "changed")
        uses = (await client.get("/images/maja/uses")).json()
        assert uses["answers"] == {"with_it": 0, "last_at": None, "looked_at": 0, "since": None}
        assert (await client.post("/images/maja/retire")).json()["standing"] == "ended"
        removed = await client.delete("/images/maja")
        assert removed.status_code == HTTPStatus.NO_CONTENT
        refused(await client.get("/images/maja"), HTTPStatus.NOT_FOUND, "no_such_image")
    acts = [one.action for one in await audit(filled) if one.outcome == "done"]
    assert acts == ["image.remove", "image.retire", "image.describe", "image.add"]


async def test_files_that_are_no_pictures_or_too_large_are_refused(filled: World) -> None:
    async with program(filled) as client:
        query = {"shows": "x"}
        for content in (b"", b"<svg/>", b"<!doctype html>"):
            answer = await client.put("/images/evil/file", params=query, content=content)
            refused(answer, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid")
        large = await client.put("/images/evil/file", params=query, content=bytes(40_000_000))
        refused(large, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
        bad = await client.put("/images/-bad-/file", params=query, content=picture_file())
        refused(bad, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid")
        kept = await client.delete("/images/parking")
        assert kept.status_code in {HTTPStatus.NO_CONTENT, HTTPStatus.CONFLICT}


async def test_pictures_are_listed_by_use_and_standing_page_by_page(filled: World) -> None:
    seen: list[str] = []
    async with program(filled) as client:
        query: dict[str, str] = {"limit": "5", "use": "posts", "standing": "valid"}
        while True:
            answer = (await client.get("/images", params=query)).json()
            seen += [one["id"] for one in answer["images"]]
            if answer["next"] is None:
                break
            query["after"] = answer["next"]
        tagged = (await client.get("/images", params={"tag": "parkla"})).json()["images"]
    assert len(seen) == len(set(seen)) == 13
    assert [one["id"] for one in tagged] == ["parking"]


async def test_events_and_rules_are_told(filled: World) -> None:
    first = await filled.event("closed", b'{"day": "homme"}')
    await filled.event("new-book", b"{}")
    async with program(filled) as client:
        page = (await client.get("/events", params={"limit": 1})).json()
        assert page["events"][0]["outcomes"][0]["reason"] == "payload_refused"
        rest = (await client.get("/events", params={"before": page["next"]})).json()
        assert [one["id"] for one in rest["events"]] == [first]
        one = (await client.get(f"/events/{first}")).json()
        assert one["data"] == {"day": "homme"}
        assert (one["outcomes"][0]["result"], one["outcomes"][0]["state"]) == ("planned", "planned")
        refused(await client.get("/events/unheard"), HTTPStatus.NOT_FOUND, "no_such_event")
        rules = (await client.get("/event-rules")).json()["rules"]
    assert [rule["name"] for rule in rules] == ["uus-raamat", "suletud"]


async def test_without_the_token_nothing_is_told(filled: World) -> None:
    async with httpx.AsyncClient(base_url=f"{filled.site.address}/api/v1") as client:
        for path in ("/posts", "/images", "/images/parking/file", "/events", "/event-rules"):
            assert (await client.get(path)).status_code == HTTPStatus.UNAUTHORIZED


async def audit(filled: World) -> tuple[Any, ...]:
    return await filled.site.store.audit_entries()
