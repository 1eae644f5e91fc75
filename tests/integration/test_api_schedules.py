"""Schedules over HTTP, as operators' programs see them, with the store there or away."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from image_bank.catalogue import Picture, encode
from tests.contract.store_support import whose_entries
from tests.contract.test_store_opening import in_database
from tests.services.kept import free_port
from tests.unit.webhook_front import Answer
from vestlus.bus.port import Topology
from vestlus.console.api import LARGEST_BODY
from vestlus.planning.definitions import row_of
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.settings_schedules import Schedule
from vestlus.store.open import open_store
from vestlus.store.plan_rows import Keeper
from vestlus.web import Front

ACCOUNT = "17841400000000001"
TOKEN = "sõna operaatorile"
FIELDS = "must have five fields: minute, hour, day of month, month, day of week"
MAP = Picture(
    id="map",
    file="map.png",
    media_type="image/png",
    size=1,
    width=400,
    height=400,
    shows="Where we are",
    in_posts=True,
    post_file="map.jpg",
    tags=("sea",),
)
NEWS = {"name": "news", "cron": "0 9 * * *", "tags": ["sea"], "caption": "Tere!"}


def settings(folder: Path, **changed: str) -> Settings:
    values: dict[str, Any] = {
        "data_dir": folder,
        "app_secrets": ("the app secret",),
        "verify_token": "verify",
        "operator_token": TOKEN,
        "accounts": ({"id": ACCOUNT, "timezone": "Europe/Tallinn"},),
        **changed,
    }
    return Settings.model_validate(values)


async def call(
    front: Front, method: str, path: str, body: object = None, *, token: str | None = TOKEN
) -> tuple[int, Any]:
    """One request through the ASGI application; the status, and what the JSON says."""
    answer = await raw(
        front, method, path, b"" if body is None else json.dumps(body).encode(), token
    )
    return answer.status, json.loads(answer.body)


async def raw(front: Front, method: str, path: str, body: bytes, token: str | None) -> Answer:
    answer = Answer()
    incoming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:  # noqa: ANN401 - ASGI's message
        return incoming.pop() if incoming else await asyncio.Event().wait()

    where, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": where,
        "raw_path": where.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"authorization", f"Bearer {token}".encode())] if token else [],
        "http_version": "1.1",
        "scheme": "http",
    }
    await front(scope, receive, answer.send)
    return answer


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with a picture for posts."""
    made = settings(tmp_path_factory.mktemp("filled"))

    async def fill() -> None:
        topology = Topology(inbox=made.partitions)
        async with open_store(
            made.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        ) as store:
            await store.put_pictures({"map": encode(MAP)}, 1)

    asyncio.run(fill())
    return made.data_dir / "store.sqlite"


@pytest.fixture
async def front(tmp_path: Path, filled: Path) -> AsyncIterator[Front]:
    """A replica whose store is open."""
    shutil.copy(filled, tmp_path / "store.sqlite")
    made = Front(settings(tmp_path))
    async with made._lifespan(made._rest):
        async with asyncio.timeout(15):
            while made.adapters.store is None:
                await asyncio.sleep(0.05)
        yield made


async def test_a_schedule_is_added_shown_paused_and_removed(front: Front) -> None:
    status, added = await call(front, "POST", "/api/v1/schedules", NEWS)
    assert status == 201
    assert added["definition"] == NEWS | {"account": ACCOUNT, "timezone": "Europe/Tallinn"}
    assert (added["kept_by"], added["paused"], added["problem"]) == ("hand", False, "")
    assert await call(front, "GET", "/api/v1/schedules/news") == (200, added)
    assert await call(front, "GET", "/api/v1/schedules") == (200, {"schedules": [added]})
    assert await call(front, "GET", "/api/v1/schedules?account=") == (200, {"schedules": [added]})
    assert await call(front, "GET", "/api/v1/schedules?account=1") == (200, {"schedules": []})
    status, paused = await call(front, "POST", "/api/v1/schedules/news/pause")
    assert (status, paused) == (200, added | {"paused": True})
    assert (await call(front, "POST", "/api/v1/schedules/news/resume"))[1] == added
    assert (await call(front, "DELETE", "/api/v1/schedules/news"))[0] == 200
    assert (await call(front, "GET", "/api/v1/schedules/news"))[0] == 404
    store = front.adapters.store
    assert store is not None
    assert await in_database(store, whose_entries) == [ACCOUNT] * 4, "the removed one's too"


async def test_what_was_given_out_can_be_given_back(front: Front) -> None:
    _, added = await call(front, "POST", "/api/v1/schedules", NEWS)
    again = added["definition"] | {"name": "other"}
    status, other = await call(front, "POST", "/api/v1/schedules", again)
    assert (status, other["definition"]) == (201, again)


async def test_what_goes_out_next_is_told_for_as_far_as_is_asked(front: Front) -> None:
    await call(front, "POST", "/api/v1/schedules", NEWS)
    status, found = await call(front, "GET", "/api/v1/posts/next?days=3")
    assert status == 200
    assert [one["name"] for one in found["posts"]] == ["news"] * 3
    assert all("T09:00:00+" in one["at"] and one["utc"].endswith("Z") for one in found["posts"])
    assert len((await call(front, "GET", "/api/v1/posts/next?limit=2"))[1]["posts"]) == 2
    for query in ("days=0", "days=soon", "days=nan", "days=1e9", "limit=0", "limit=1.5", "limit=x"):
        status, refusal = await call(front, "GET", f"/api/v1/posts/next?{query}")
        assert (status, refusal["error"]) == (422, "invalid")
        assert refusal["problems"][0].startswith(query.partition("=")[0])


async def test_all_that_is_wrong_is_told_at_once(front: Front) -> None:
    bad = {"name": "News", "cron": "0 9 * *", "tags": ["sea"], "mood": 1, "count": 99}
    assert await call(front, "POST", "/api/v1/schedules", bad) == (
        422,
        {
            "error": "invalid",
            "problems": [
                "name: must be 1 to 64 small letters, digits, - and _",
                "count: must be at most 10",
                f"cron: '0 9 * *' {FIELDS}",
                "mood: is not a setting of a schedule",
            ],
        },
    )
    late = {"name": "late", "at": "2020-01-01T09:00", "pictures": ["unheard"], "account": "9"}
    status, refusal = await call(front, "POST", "/api/v1/schedules", late)
    assert status == 422
    assert [one.partition(":")[0] for one in refusal["problems"]] == ["account", "at", "unheard"]


async def test_a_taken_name_and_one_of_the_file_are_conflicts(front: Front) -> None:
    await call(front, "POST", "/api/v1/schedules", NEWS)
    status, refusal = await call(front, "POST", "/api/v1/schedules", NEWS)
    assert (status, refusal["error"]) == (409, "name_taken")
    assert front.adapters.store
    filed = Schedule(name="filed", cron="0 9 * * *", tags=("sea",))
    await front.adapters.store.add_schedule(row_of(filed, Account(id=ACCOUNT), Keeper.FILE, 1))
    status, refusal = await call(front, "DELETE", "/api/v1/schedules/filed")
    assert (status, refusal["error"]) == (409, "kept_by_file")


async def test_only_who_has_the_operators_token_is_let_in(front: Front) -> None:
    for token in (None, "", "another", TOKEN + "x", TOKEN[:-1]):
        answer = await raw(front, "GET", "/api/v1/schedules", b"", token)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert json.loads(answer.body)["error"] == "unauthorized"
    assert (await call(front, "POST", "/api/v1/schedules", NEWS, token="another"))[0] == 401
    assert (await call(front, "GET", "/api/v1/schedules"))[1] == {"schedules": []}


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/"])
async def test_the_address_of_the_api_itself_tells_strangers_nothing(
    front: Front, path: str
) -> None:
    answer = await raw(front, "GET", path, b"", None)
    assert (answer.status, json.loads(answer.body)["error"]) == (401, "unauthorized")
    assert (await call(front, "GET", path))[0] == 404


@pytest.mark.parametrize("path", ["/metrics/", "/healthz/", "/data-deletion/"])
async def test_nobody_is_led_to_the_host_that_a_request_names(front: Front, path: str) -> None:
    answer = await raw(front, "GET", path, b"", None)
    assert (answer.status, answer.headers.get("location")) == (404, None)


async def test_without_a_token_set_there_is_no_api(tmp_path: Path) -> None:
    front = Front(settings(tmp_path).model_copy(update={"operator_token": None}))
    assert (await call(front, "GET", "/api/v1/schedules", token=""))[0] == 404


async def test_bodies_that_are_no_json_objects_or_too_large_are_refused(front: Front) -> None:
    path = "/api/v1/schedules"
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"9" * 10_000):
        answer = await raw(front, "POST", path, body, TOKEN)
        assert (answer.status, json.loads(answer.body)["error"]) == (400, "not_json")
    answer = await raw(front, "POST", path, b" " * (LARGEST_BODY + 1), TOKEN)
    assert (answer.status, json.loads(answer.body)["error"]) == (413, "too_large")


async def test_while_the_store_is_away_it_is_asked_for_later(tmp_path: Path) -> None:
    port = free_port()
    front = Front(settings(tmp_path, database_url=f"postgresql://127.0.0.1:{port}/none"))
    async with front._lifespan(front._rest):
        for method, path in (("GET", "/api/v1/schedules"), ("POST", "/api/v1/schedules")):
            answer = await raw(front, method, path, json.dumps(NEWS).encode(), TOKEN)
            assert answer.status == 503
            assert answer.headers["retry-after"]
            assert json.loads(answer.body)["error"] == "store_away"
