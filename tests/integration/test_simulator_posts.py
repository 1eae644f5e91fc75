"""The pretend Content Publishing: what Meta takes, refuses, counts, and shows on the grid."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from PIL import Image

from tests.integration.simulator_harness import (
    FIRST,
    SECOND,
    Client,
    RecordingService,
    configuration,
    running_service,
    running_simulator,
)
from vestlus.simulator import Simulator


def jpeg(width: int = 400, height: int = 400) -> bytes:
    """A JPEG of one colour, different for each size."""
    made = io.BytesIO()
    Image.new("RGB", (width, height), (width % 256, height % 256, 9)).save(made, "JPEG")
    return made.getvalue()


@dataclass
class Hall:
    """Where pictures are fetched from."""

    url: str = ""
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def put(self, name: str, body: bytes, content_type: str = "image/jpeg") -> str:
        self.files[name] = content_type, body
        return f"{self.url}/{name}"

    async def serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.files:
            raise web.HTTPNotFound
        self.fetched.append(name)
        content_type, body = self.files[name]
        return web.Response(body=body, content_type=content_type)


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    hall = Hall()
    app = web.Application()
    app.add_routes([web.get("/{name}", hall.serve)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hall.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield hall
    await runner.cleanup()


@pytest.fixture
async def service() -> AsyncIterator[RecordingService]:
    async with running_service() as running:
        yield running


@pytest.fixture
async def client(service: RecordingService, tmp_path: Path) -> AsyncIterator[Client]:
    async with running_simulator(service, tmp_path) as running:
        yield running


async def created(client: Client, account: str = FIRST, **fields: object) -> str:
    status, body = await client.graph("POST", f"{account}/media", **fields)
    assert status == 200, body
    return str(body["id"])


async def error_of(client: Client, path: str, **fields: object) -> tuple[int, int]:
    status, body = await client.graph("POST", path, **fields)
    assert status == 400, body
    return body["error"]["code"], body["error"].get("error_subcode", 0)


async def status_of(client: Client, container: str) -> str:
    status, body = await client.graph("GET", f"{container}?fields=status_code,status")
    assert status == 200, body
    return str(body["status_code"])


async def grid(client: Client, account: str = FIRST) -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = (await client.get("/control/grid", account=account))["posts"]
    return posts


async def test_a_picture_is_fetched_published_and_on_the_grid(client: Client, hall: Hall) -> None:
    url = hall.put("saal", jpeg(400, 300))
    container = await created(client, image_url=url, caption="Saal", alt_text="Lugemissaal")
    assert hall.fetched == ["saal"]
    assert await status_of(client, container) == "FINISHED"
    assert await grid(client) == []

    status, published = await client.graph("POST", "me/media_publish", creation_id=container)

    assert status == 200
    assert await status_of(client, container) == "PUBLISHED"
    (post,) = await grid(client)
    assert (post["id"], post["caption"], post["container"]) == (published["id"], "Saal", container)
    (picture,) = post["pictures"]
    assert picture["alt"] == "Lugemissaal"
    async with client.http.get(client.url + picture["media"]) as response:
        assert await response.read() == jpeg(400, 300)
    assert await grid(client, SECOND) == []
    _, listed = await client.graph("GET", f"{FIRST}/media?fields=id,caption,timestamp")
    assert [(one["id"], one["caption"]) for one in listed["data"]] == [(published["id"], "Saal")]


async def test_a_carousel_is_one_post_of_several_pictures(client: Client, hall: Hall) -> None:
    children = [
        await created(
            client,
            image_url=hall.put(f"p{n}", jpeg(400 + n, 400)),
            alt_text=f"Pilt {n}",
            is_carousel_item=True,
        )
        for n in range(3)
    ]
    carousel = await created(
        client, media_type="CAROUSEL", children=",".join(children), caption="Kolm"
    )
    await client.graph("POST", "me/media_publish", creation_id=carousel)

    (post,) = await grid(client)
    assert [each["alt"] for each in post["pictures"]] == ["Pilt 0", "Pilt 1", "Pilt 2"]
    seen = await client.get("/control/grid")
    assert (seen["published_today"], seen["containers_today"]) == (1, 4)
    assert await error_of(client, "me/media_publish", creation_id=children[0]) == (24, 2207006)


async def test_a_story_is_not_in_the_list_of_posts(client: Client, hall: Hall) -> None:
    story = await created(client, image_url=hall.put("s", jpeg(360, 640)), media_type="STORIES")
    await client.graph("POST", "me/media_publish", creation_id=story)

    assert [post["kind"] for post in await grid(client)] == ["STORIES"]
    assert (await client.graph("GET", f"{FIRST}/media"))[1]["data"] == []


async def test_pictures_that_meta_does_not_take_are_refused(client: Client, hall: Hall) -> None:
    png = io.BytesIO()
    Image.new("RGB", (400, 400)).save(png, "PNG")
    wrong = {
        hall.url + "/missing": (9004, 2207052),
        "nonsense": (9004, 2207052),
        hall.put("png", png.getvalue(), "image/png"): (36001, 2207005),
        hall.put("liar", png.getvalue()): (36001, 2207005),
        hall.put("high", jpeg(399, 500)): (36003, 2207009),
        hall.put("wide", jpeg(764, 399)): (36003, 2207009),
        hall.put("huge", b"\xff\xd8\xff" + bytes(8 * 1024 * 1024)): (36000, 2207004),
    }
    for url, code in wrong.items():
        assert await error_of(client, "me/media", image_url=url) == code, url
    for name, body in (("4:5", jpeg(400, 500)), ("1.91:1", jpeg(764, 400))):
        assert await created(client, image_url=hall.put(name, body))


async def test_words_and_shapes_that_meta_does_not_take_are_refused(
    client: Client, hall: Hall
) -> None:
    url = hall.put("p", jpeg())

    async def refused(**fields: object) -> tuple[int, int]:
        return await error_of(client, "me/media", **fields)

    for caption in ("õ" * 2201, "#a " * 31, "@b " * 21):
        assert await refused(image_url=url, caption=caption) == (36004, 2207010)
    for caption in ("õ" * 2200, "#a " * 30, "@b " * 20):
        assert await created(client, image_url=url, caption=caption)
    assert await refused(image_url=url, media_type="REELS") == (100, 2207023)
    assert await refused(image_url=url, is_carousel_item=True, caption="x") == (100, 0)
    assert await refused(image_url=url, is_carousel_item=True, is_ai_generated=True) == (100, 0)
    assert await refused(image_url=url, alt_text="x" * 1001) == (100, 0)
    assert await refused(caption="no picture") == (100, 0)
    item = await created(client, image_url=url, is_carousel_item=True)
    post = await created(client, image_url=url)
    for children in (item, ",".join([item] * 11)):
        assert await refused(media_type="CAROUSEL", children=children) == (100, 2207028)
    assert await refused(media_type="CAROUSEL", children=f"{item},{post}") == (24, 2207006)
    assert await error_of(client, "me/media_publish", creation_id="unheard") == (24, 2207006)
    assert await error_of(client, f"{SECOND}/media_publish", creation_id=post) == (24, 2207006)
    assert await grid(client) == []


async def test_containers_take_their_time_and_end(client: Client, hall: Hall) -> None:
    await client.control("publishing", {"processing_seconds": 1000})
    container = await created(client, image_url=hall.put("p", jpeg()))
    assert await status_of(client, container) == "IN_PROGRESS"
    assert await error_of(client, "me/media_publish", creation_id=container) == (9007, 2207027)
    await client.control("publishing", {"processing_seconds": 0, "expire_seconds": 0})
    assert await status_of(client, container) == "EXPIRED"
    assert await error_of(client, "me/media_publish", creation_id=container) == (-2, 2207020)


async def test_what_is_wrong_may_show_later(client: Client, hall: Hall) -> None:
    await client.control("publishing", {"check_later": True})
    container = await created(client, image_url=hall.put("high", jpeg(300, 500)))
    _, body = await client.graph("GET", f"{container}?fields=status_code,status")
    assert body["status_code"] == "ERROR"
    assert "2207009" in body["status"]
    assert await error_of(client, "me/media_publish", creation_id=container) == (-1, 2207032)


async def test_the_days_limits_are_counted_and_enforced(client: Client, hall: Hall) -> None:
    url = hall.put("p", jpeg())
    await client.control("publishing", {"posts_per_day": 1, "containers_per_day": 2})
    first, second = [await created(client, image_url=url) for _ in range(2)]
    assert await error_of(client, "me/media", image_url=url) == (9, 2207042)
    seconds = await created(client, SECOND, image_url=url)
    assert await status_of(client, seconds) == "FINISHED"
    await client.graph("POST", "me/media_publish", creation_id=first)
    assert await error_of(client, "me/media_publish", creation_id=second) == (9, 2207042)
    _, quota = await client.graph("GET", f"{FIRST}/content_publishing_limit?fields=quota_usage")
    config = {"quota_total": 1, "quota_duration": 86400}
    assert quota == {"data": [{"quota_usage": 1, "config": config}]}


@pytest.mark.parametrize("op", ["container", "publish"])
async def test_faults_of_posts_do_what_they_say(client: Client, hall: Hall, op: str) -> None:
    url = hall.put("p", jpeg())
    ready = await created(client, image_url=url)
    path, body = ("me/media", {"image_url": url})
    if op == "publish":
        path, body = ("me/media_publish", {"creation_id": ready})
    expected = 0

    async def count() -> int:
        seen = await client.get("/control/grid")
        return int(seen["published_today"] if op == "publish" else seen["containers_today"] - 1)

    for kind in ("apply", "server_error", "throttle"):
        await client.control("faults", {"rules": [{"kind": kind, "op": op, "next": 1}]})
        status, _ = await client.graph("POST", path, **body)
        assert status >= 400
        expected += kind == "apply"
        assert await count() == expected
    for kind in ("drop", "refuse", "hang", "late"):
        rule = {"kind": kind, "op": op, "next": 1, "seconds": 0.05}
        await client.control("faults", {"rules": [rule]})
        with pytest.raises(aiohttp.ClientError):
            await client.graph("POST", path, **body)
        expected += kind in {"drop", "late"}
        while kind == "late" and await count() < expected:
            pass
        assert await count() == expected


@pytest.mark.parametrize("op", ["status", "quota", "posts"])
async def test_reading_fails_as_told_and_changes_nothing(
    client: Client, hall: Hall, op: str
) -> None:
    container = await created(client, image_url=hall.put("p", jpeg()))
    path = {
        "status": container,
        "quota": f"{FIRST}/content_publishing_limit",
        "posts": f"{FIRST}/media",
    }[op]
    for kind in ("apply", "server_error", "throttle"):
        await client.control("faults", {"rules": [{"kind": kind, "op": op, "next": 1}]})
        assert (await client.graph("GET", path))[0] >= 400
    for kind in ("drop", "refuse"):
        # The HTTP client repeats a reading once by itself.
        rules = [{"kind": kind, "op": op, "next": 2}]
        await client.control("faults", {"clear": True, "rules": rules})
        with pytest.raises(aiohttp.ClientError):
            await client.graph("GET", path)
    await client.control("faults", {"clear": True, "rules": []})
    assert (await client.graph("GET", path))[0] == 200


async def test_containers_and_posts_outlive_a_restart(
    service: RecordingService, hall: Hall, tmp_path: Path
) -> None:
    async with running_simulator(service, tmp_path) as client:
        url = hall.put("p", jpeg())
        waiting = await created(client, image_url=url, caption="Ootab")
        done = await created(client, image_url=url, caption="Tehtud", is_ai_generated=True)
        await client.graph("POST", "me/media_publish", creation_id=done)
        before = await client.get("/control/grid")
    async with (
        Simulator(configuration(service, tmp_path)) as simulator,
        aiohttp.ClientSession() as http,
    ):
        again = Client(simulator.url, http)
        assert await again.get("/control/grid") == before
        assert await status_of(again, done) == "PUBLISHED"
        assert await status_of(again, waiting) == "FINISHED"
        await again.graph("POST", "me/media_publish", creation_id=waiting)
        assert [post["caption"] for post in await grid(again)] == ["Ootab", "Tehtud"]


async def test_settings_of_publishing_are_checked(client: Client) -> None:
    url = f"{client.url}/control/publishing"
    for body in ({"posts_per_hour": 1}, {"posts_per_day": -1}, {"check_later": 1}):
        async with client.http.post(url, json=body) as response:
            assert response.status == 400
