"""Conversations over HTTP, as operators' programs see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.integration.console_support import (
    ACCOUNT,
    IN_ONE_LOOP,
    TOKEN,
    Site,
)
from tests.integration.talks_support import HOUR_MS, MINUTE_MS, Talking, handed_in
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.operating import Act
from vestlus.store.rows import Change, Silence

pytestmark = IN_ONE_LOOP

USER = "900000000004821"
ID = conversation_id(ACCOUNT, USER)
ALL = "/api/v1/conversations"
ONE = f"{ALL}/{ID}"


@asynccontextmanager
async def program(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    headers = {b"authorization": b"Bearer " + TOKEN.encode()}
    async with httpx.AsyncClient(base_url=site.address, headers=headers) as client:
        yield client


async def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def test_conversations_are_listed_page_by_page_and_found(site: Site) -> None:
    talking = Talking.on(site)
    for user in ("5001", USER, "5003"):
        await talking.write(user, f"Tere, {user}!", ago_ms=23 * HOUR_MS)
    await talking.change(USER, Change(waiting_ms=7, note="n"))
    async with program(site) as client:
        seen: list[str] = []
        behind = ""
        while True:
            page = (await client.get(f"{ALL}?limit=2&behind={behind}")).json()
            seen += [one["user"] for one in page["conversations"]]
            behind = page["next"]
            if not behind:
                break
        assert seen == [USER, "5003", "5001"]
        for query, users in (
            ("list=waiting", [USER]),
            ("list=closing&closing_hours=2", ["5001", USER, "5003"]),
            ("list=closing&closing_hours=0.5", []),
            ("list=unread&account=1", []),
            ("list=failed", []),
        ):
            found = (await client.get(f"{ALL}?{query}")).json()["conversations"]
            assert sorted(one["user"] for one in found) == sorted(users), query
        for query in ("limit=0", "q=tere", "list=all", "behind=x", "closing_hours=nan", "more=1"):
            assert await refused(await client.get(f"{ALL}?{query}")) == (422, "invalid"), query
        for body, users in (
            ({"q": "tere 5001"}, ["5001"]),
            ({"q": USER}, [USER]),
            ({"q": ID}, [USER]),
            ({"q": ID, "account": "1"}, []),
        ):
            found = (await client.post(f"{ALL}/search", json=body)).json()["conversations"]
            assert [one["user"] for one in found] == users, body
        for wrong in ({}, {"q": " "}, {"q": "x", "behind": "x"}, {"q": "x", "list": "newest"}):
            answer = await client.post(f"{ALL}/search", json=wrong)
            assert await refused(answer) == (422, "invalid"), wrong
        assert await site.store.audit_entries() == (), "who only looks is not in it"
        shown = (await client.get(ONE)).json()
        assert (shown["conversation"], shown["user"], shown["note"]) == (ID, USER, "n")
        assert (shown["way"], shown["unread"]) == ("usual", True)
        assert await refused(await client.get(f"{ALL}/none")) == (404, "no_such_conversation")


async def test_a_transcript_is_told_in_parts(site: Site) -> None:
    talking = Talking.on(site)
    for number in range(70):
        await talking.write(USER, f"k{number}", ago_ms=(100 - number) * MINUTE_MS)
    async with program(site) as client:
        part = (await client.get(f"{ONE}/messages")).json()
        assert [one["text"] for one in part["messages"]][-1] == "k69"
        assert part["messages"][-1]["who"] == "user"
        assert part["messages"][-1]["state"] == "unanswered"
        older = (await client.get(f"{ONE}/messages?before={part['older']}")).json()
        texts = [one["text"] for one in (*older["messages"], *part["messages"])]
        assert texts == [f"k{number}" for number in range(70)]
        assert older["older"] is None
        for before in ("-1", "x", str(2**63)):
            answer = await client.get(f"{ONE}/messages?before={before}")
            assert await refused(answer) == (422, "invalid")


async def test_acts_are_handed_in_once_and_written_down(site: Site) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Tere!", ago_ms=25 * HOUR_MS)
    (draft,) = await talking.answer(USER, "Tere!", draft=True)
    drafts = f"{ONE}/drafts/{draft.turn}"
    async with program(site) as client:
        acts: list[dict[str, Any]] = []
        for path, body in (
            (f"{ONE}/take-over", None),
            (f"{ONE}/reply", {"text": "Tere, siin Mari."}),
            (f"{ONE}/reply", {"text": "Tere, siin Mari."}),
            (f"{drafts}/approve", {}),
            (f"{drafts}/approve", {"text": "Muu."}),
            (f"{drafts}/reject", None),
            (f"{ONE}/hand-back", None),
        ):
            answer = await client.post(path, json=body, headers={"idempotency-key": "7"})
            assert answer.status_code == 202, answer.text
            acts.append(answer.json())
        assert acts[1] == acts[2]
        assert acts[1]["way"] == "human_agent"
        listed = (await client.get("/api/v1/drafts")).json()["drafts"]
        assert [(one["turn"], one["text"]) for one in listed] == [(draft.turn, "Tere!")]
        read = (await client.post(f"{ONE}/read", json={})).json()
        assert read["unread"] is False
    events = await handed_in(site, USER, 7)
    assert [one.key for one in events] == [one["act"] for one in acts]
    assert [one.action for one in events] == [
        Act.TAKE_OVER,
        Act.REPLY,
        Act.REPLY,
        Act.APPROVE,
        Act.APPROVE,
        Act.REJECT,
        Act.HAND_BACK,
    ]
    entries = await site.store.audit_entries(target=ID, action="conversation.")
    assert [one.action for one in reversed(entries)] == [
        "conversation.take_over",
        "conversation.reply",
        "conversation.reply",
        "conversation.approve",
        "conversation.approve",
        "conversation.reject",
        "conversation.hand_back",
        "conversation.read",
    ]
    assert {one.way for one in entries} == {"api"}
    assert all("siin Mari" not in str(one) and USER not in str(one) for one in entries)


async def test_what_cannot_be_done_is_refused_and_written_down(site: Site) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Stopp", ago_ms=8 * 24 * HOUR_MS)
    stopped = Change(silence=Silence.STOPPED, silent_until_ms=2**62)
    await talking.change(USER, stopped)
    async with program(site) as client:
        for path, body, status, error in (
            (f"{ONE}/reply", {"text": "Tere!"}, 409, "not_sent"),
            (f"{ONE}/reply", {"text": " "}, 422, "invalid"),
            (f"{ONE}/reply", {"text": ""}, 422, "invalid"),
            (f"{ONE}/reply", {}, 422, "invalid"),
            (f"{ONE}/hand-back", None, 409, "user_stopped"),
            (f"{ONE}/drafts/1/approve", {}, 404, "no_such_draft"),
            (f"{ONE}/drafts/x/reject", None, 404, "no_such_draft"),
            (f"{ALL}/none/take-over", None, 404, "no_such_conversation"),
            (f"{ALL}/none/read", {}, 404, "no_such_conversation"),
        ):
            assert await refused(await client.post(path, json=body)) == (status, error), path
        shown = (await client.get(ONE)).json()
        assert (shown["way"], shown["silent_until"]) == ("closed", "for good")
    entries = await site.store.audit_entries(target=ID)
    assert {one.outcome for one in entries} == {
        "not_sent",
        "invalid",
        "user_stopped",
        "no_such_draft",
    }
    async with httpx.AsyncClient(base_url=site.address) as stranger:
        assert (await stranger.get(ALL)).status_code == 401
        assert (await stranger.post(f"{ONE}/take-over")).status_code == 401
