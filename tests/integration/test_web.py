"""The HTTP surface of a replica, with bus and store there or away."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from image_bank.links import LinkSigner
from image_bank.open import open_storage
from image_bank.storage import file_name
from tests.fakes.measures import measured, total
from tests.services.kept import free_port
from tests.unit.webhook_front import Answer
from vestlus.bus.open import open_bus
from vestlus.bus.port import Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.instagram.signature import sign
from vestlus.keys import derived_key
from vestlus.messages import decode_outbox
from vestlus.privacy.signed_request import sign_request
from vestlus.settings import Settings
from vestlus.store.names import REGISTRY, inbox_lease, outbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import Member, MemberKind
from vestlus.web import Front

SECRET = "the app secret"
EMPTY = json.dumps({"object": "instagram", "entry": []}).encode()
MESSAGE = json.dumps(
    {
        "object": "instagram",
        "entry": [
            {
                "id": "1",
                "time": 1,
                "messaging": [
                    {
                        "sender": {"id": "2"},
                        "recipient": {"id": "1"},
                        "timestamp": 1,
                        "message": {"mid": "m", "text": "Tere!"},
                    }
                ],
            }
        ],
    }
).encode()


def settings(folder: Path, **changed: object) -> Settings:
    values: dict[str, Any] = {
        "data_dir": folder,
        "app_secrets": (SECRET,),
        "verify_token": "verify",
        **changed,
    }
    return Settings.model_validate(values)


async def call(
    front: Front,
    method: str,
    path: str,
    body: bytes = b"",
    secret: str = SECRET,
    *,
    kind: str = "application/json",
) -> Answer:
    """One request through the ASGI application."""
    answer = Answer()
    headers = [(b"x-hub-signature-256", sign(body, secret).encode())] if body else []
    headers.append((b"content-type", kind.encode()))
    incoming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:  # noqa: ANN401 - ASGI's message
        return incoming.pop() if incoming else await asyncio.Event().wait()

    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "http_version": "1.1",
        "scheme": "http",
    }
    await front(scope, receive, answer.send)
    return answer


async def until_status(front: Front, status: int, body: bytes) -> None:
    """Waits until the webhook answers so."""
    async with asyncio.timeout(15):
        while (await call(front, "POST", "/webhook", body)).status != status:
            await asyncio.sleep(0.05)


async def until_problems(front: Front, problems: set[str]) -> None:
    """Waits until just these stand between the replica and its readiness."""
    async with asyncio.timeout(15):
        while set(json.loads((await call(front, "GET", "/readyz")).body)["problems"]) != problems:
            await asyncio.sleep(0.05)


async def test_without_the_bus_a_webhook_gets_503_and_may_come_again(tmp_path: Path) -> None:
    port = free_port()
    front = Front(settings(tmp_path, bus_url=f"amqp://127.0.0.1:{port}/"))
    async with front._lifespan(front._rest):
        answer = await call(front, "POST", "/webhook", MESSAGE)
        assert answer.status == 503
        assert answer.headers["retry-after"]
        assert (await call(front, "GET", "/healthz")).status == 200
        ready = await call(front, "GET", "/readyz")
        assert ready.status == 503
        assert "bus" in json.loads(ready.body)["problems"]


async def test_who_was_refused_before_the_bus_was_reached_is_looked_after(tmp_path: Path) -> None:
    """Nobody read whose message it was: what was missed is looked for of every account."""
    own = settings(tmp_path, accounts=({"id": "1", "access_token": "t"},))
    topology = Topology(inbox=own.partitions)
    front = Front(own)
    assert (await call(front, "POST", "/webhook", MESSAGE)).status == 503
    async with front._lifespan(front._rest), open_bus(own.bus, topology) as bus:
        partition = outbox_partition_of("1", topology.outbox)
        bell = await bus.subscribe(Queue.OUTBOX, partition)
        async with asyncio.timeout(15):
            (delivery,) = await bell.receive(10)
        (request,) = decode_outbox(delivery.body).searches
        assert (request.account, request.sign) == ("1", "webhook_refused")
        await bell.close()


async def test_without_the_store_webhooks_are_taken_in_all_the_same(tmp_path: Path) -> None:
    port = free_port()
    front = Front(settings(tmp_path, database_url=f"postgresql://127.0.0.1:{port}/none"))
    before = measured("vestlus_webhook_total", what="event_message")
    async with front._lifespan(front._rest):
        await until_status(front, 200, MESSAGE)
        ready = await call(front, "GET", "/readyz")
        assert ready.status == 503
        assert "store" in json.loads(ready.body)["problems"]
        metrics = await call(front, "GET", "/metrics")
        assert total(metrics.body, "vestlus_store_up") == 0
        assert total(metrics.body, "vestlus_bus_up") == 1
        counted = total(metrics.body, "vestlus_webhook_total", what="event_message")
        assert counted == before + 1
        # Nobody is there to receive it.
        assert total(metrics.body, "vestlus_inbox_counted") == 1
        assert total(metrics.body, "vestlus_inbox_messages") == 1


async def test_it_is_ready_when_bus_and_store_answer_and_somebody_serves(tmp_path: Path) -> None:
    own = settings(tmp_path)
    front = Front(own)
    async with front._lifespan(front._rest):
        await until_status(front, 200, EMPTY)
        await until_problems(front, {"conversations", "publishers"})
        async with open_store(own.database, partitions=16, outbox_partitions=4) as store:
            root = Member("c/registry", MemberKind.REGISTRY, "1", "h", 1)
            talker = Member("c/conversation-0", MemberKind.CONVERSATION, "1", "h", 2)
            sender = Member("c/publisher-0", MemberKind.PUBLISHER, "1", "h", 3)
            lease = (await store.acquire([REGISTRY], root, 60))[REGISTRY]
            for member in (talker, sender):
                await store.heartbeat(member)
            await store.assign(lease, {inbox_lease(0): talker.id, outbox_lease(0): sender.id})
        ready = await call(front, "GET", "/readyz")
        assert ready.status == 200, ready.body
        metrics = await call(front, "GET", "/metrics")
        assert total(metrics.body, "vestlus_store_up") == 1


async def test_pictures_are_handed_out_without_bus_and_store(tmp_path: Path) -> None:
    port = free_port()
    own = settings(
        tmp_path,
        bus_url=f"amqp://127.0.0.1:{port}/",
        database_url=f"postgresql://127.0.0.1:{port}/none",
        encryption_key="k" * 32,
    )
    data = b"a picture"
    file = file_name(data, "image/png")
    async with open_storage(own) as storage:
        await storage.put(file, data)
    name = LinkSigner(derived_key("k" * 32, "vestlus media links")).sign(file, system_clock())
    front = Front(own)
    async with front._lifespan(front._rest):
        got = await call(front, "GET", f"/media/{name}")
        assert (got.status, got.body, got.headers["content-type"]) == (200, data, "image/png")
        assert (await call(front, "HEAD", f"/media/{name}")).body == b""
        for other in (file, f"{name}x", f"x/{name}", ""):
            assert (await call(front, "GET", f"/media/{other}")).status == 404
        assert (await call(front, "GET", f"/media{name}")).status == 404
    assert (await call(front, "GET", f"/media/{name}")).status == 404


async def test_a_bad_address_of_the_pictures_leaves_the_webhook_alone(tmp_path: Path) -> None:
    bad = "https://shop.blob.core.windows.net/"
    front = Front(settings(tmp_path, encryption_key="k" * 32, media_url=bad))
    with capture_logs() as logs:
        async with front._lifespan(front._rest):
            await until_status(front, 200, EMPTY)
            assert (await call(front, "GET", "/media/x")).status == 404
    said = [one["problems"] for one in logs if one["event"] == "media_not_served"]
    assert said == [("VESTLUS_MEDIA_URL: names no container: …/CONTAINER",)]


@pytest.mark.parametrize(("key", "status"), [("k" * 32, 200), (None, 503)])
async def test_metas_callbacks_are_answered_where_the_service_has_its_key(
    tmp_path: Path, key: str | None, status: int
) -> None:
    front = Front(settings(tmp_path, encryption_key=key))
    payload = {"algorithm": "HMAC-SHA256", "issued_at": system_clock() // 1000, "user_id": "2"}
    signed = sign_request(json.dumps(payload).encode(), SECRET)
    form = "application/x-www-form-urlencoded"
    body = urlencode({"signed_request": signed}).encode()
    async with front._lifespan(front._rest):
        async with asyncio.timeout(15):
            while (
                answer := await call(front, "POST", "/deauthorize", body, kind=form)
            ).status == 503:
                if (
                    key is None
                    and front.adapters.store is not None
                    and front.adapters.bus is not None
                ):
                    break
                await asyncio.sleep(0.02)
        assert answer.status == status
        answer = await call(front, "POST", "/data-deletion", body, kind=form)
        assert answer.status == status
        forged = await call(front, "POST", "/data-deletion", b"signed_request=x.y", kind=form)
        assert forged.status == 400


@pytest.mark.parametrize("path", ["/", "/webhook/", "/nowhere", "/media/none"])
async def test_other_paths_are_not_found(path: str, tmp_path: Path) -> None:
    front = Front(settings(tmp_path))
    async with front._lifespan(front._rest):
        assert (await call(front, "GET", path)).status == 404
