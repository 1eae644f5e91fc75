"""``vestlus doctor`` says what works, what does not, and what to mend."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.integration.simulator_harness import (
    FIRST,
    SECRET,
    TOKEN,
    Client,
    RecordingService,
    running_service,
    running_simulator,
)
from vestlus.cli.doctor import doctor
from vestlus.clock import system_clock
from vestlus.doctor.checks import check_clock, check_public_address, check_store_clock
from vestlus.doctor.examining import examine, opened_store
from vestlus.doctor.findings import Finding, Level, run_checks
from vestlus.doctor.probes import PROBES, Live, run_probes
from vestlus.instagram.graph_http import GraphHttp
from vestlus.settings import Settings

VERIFY = "a word"


async def handshake(request: web.Request) -> web.Response:
    if request.query.get("hub.verify_token") != VERIFY:
        return web.Response(status=403)
    return web.Response(text=request.query["hub.challenge"])


@asynccontextmanager
async def public() -> AsyncIterator[str]:
    """Something that answers Meta's handshake."""
    app = web.Application()
    app.add_routes([web.get("/webhook", handshake)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass
class Scene:
    client: Client
    service: RecordingService
    settings: Settings
    token: str


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(running_service())
        client = await stack.enter_async_context(running_simulator(service, tmp_path))
        address = await stack.enter_async_context(public())
        token = (await client.control("tokens", {"account": FIRST}))["token"]
        values: dict[str, Any] = {
            "data_dir": tmp_path,
            "public_url": address,
            "app_secrets": (SECRET,),
            "verify_token": VERIFY,
            "encryption_key": "a key for tests, as long as it has to be",
            "graph_url": f"{client.url}/graph/v25.0",
            "openai_base_url": f"{client.url}/openai/v1",
            "openai_api_key": "k",
            "model": "simulator",
            "accounts": ({"id": FIRST, "access_token": token, "moderation": "off"},),
        }
        yield Scene(client, service, Settings.model_validate(values), token)


def by_name(findings: Sequence[Finding]) -> dict[str, Finding]:
    """The worst finding of each name."""
    worst = sorted(findings, key=lambda one: list(Level).index(one.level))
    return {one.name: one for one in worst}


async def test_what_works_is_found_to_work(scene: Scene) -> None:
    await scene.client.graph(
        "POST",
        f"{FIRST}/subscribed_apps",
        subscribed_fields="messages,message_echoes,message_reactions,messaging_handover,"
        "messaging_optins,messaging_postbacks,messaging_referral,messaging_seen,standby",
    )

    found = by_name(await examine(scene.settings))

    # What else listens on this machine is not ours to say.
    found.pop("safety")
    # Of all the set-up a test can only not have a certificate.
    assert found.pop("public address").said == "is not https: Meta sends webhooks to no other"
    assert {name: one.level for name, one in found.items()} == dict.fromkeys(
        [
            *("store", "bus", "clock", "clock of the database", "model simulator"),
            *(f"token {FIRST}", f"subscription {FIRST}"),
        ],
        Level.OK,
    )


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("bus", {"bus_url": "amqp://guest:hush@127.0.0.1:1/"}),
        ("store", {"database_url": "postgresql://user:hush@127.0.0.1:1/x"}),
        ("store", {"partitions": 5}),
        (f"token {FIRST}", {"graph_url": "http://127.0.0.1:1/v25.0"}),
        ("model simulator", {"openai_base_url": "http://127.0.0.1:1/v1"}),
        ("public address", {"public_url": "http://127.0.0.1:1"}),
    ],
)
async def test_what_does_not_work_is_named_with_what_to_mend_and_hides_nothing_else(
    scene: Scene, name: str, changed: dict[str, Any]
) -> None:
    async with opened_store(scene.settings):
        pass  # made for its partitions

    found = by_name(await examine(scene.settings.model_copy(update=changed)))

    assert found[name].level is Level.FAIL
    assert found[name].mend or "set it back to 16" in found[name].said
    others = {"bus", "store", f"token {FIRST}", "model simulator"} - {name}
    assert {found[one].level for one in others} == {Level.OK}
    told = json.dumps([asdict(one) for one in found.values()])
    for secret in ("hush", scene.token, VERIFY, SECRET):
        assert secret not in told


async def test_a_revoked_token_is_a_finding_and_its_subscription_is_not_asked_for(
    scene: Scene,
) -> None:
    await scene.client.control("revoke-token", {"token": scene.token, "subcode": 459})

    found = by_name(await examine(scene.settings))

    assert found[f"token {FIRST}"].level is Level.FAIL
    assert "log in to Instagram" in found[f"token {FIRST}"].mend
    assert f"subscription {FIRST}" not in found


async def test_another_verify_token_at_the_public_address_is_told(scene: Scene) -> None:
    other = Settings.model_validate(
        {"public_url": scene.settings.public_url, "verify_token": "another"}
    )

    found = await check_public_address(other)

    assert "another VESTLUS_VERIFY_TOKEN" in found[-1].said
    wrong_path = other.model_copy(update={"public_url": f"{other.public_url}/elsewhere"})
    assert "answers with 404" in (await check_public_address(wrong_path))[-1].said
    unset = other.model_copy(update={"public_url": None})
    assert [one.level for one in await check_public_address(unset)] == [Level.WARN]


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, Level.OK), (30, Level.WARN), (-30, Level.WARN), (90, Level.FAIL), (-90, Level.FAIL)],
)
async def test_a_clock_that_is_wrong_is_found_by_metas_and_by_the_databases(
    scene: Scene, seconds: int, level: Level
) -> None:
    def clock() -> int:
        return system_clock() + seconds * 1000

    (meta,) = await check_clock(scene.settings, clock)
    async with opened_store(scene.settings) as (store, _):
        assert store is not None
        (database,) = await check_store_clock(store, clock)

    assert (meta.level, database.level) == (level, level)


async def test_a_check_that_hangs_or_breaks_hides_no_other() -> None:
    async def hangs() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    async def breaks() -> list[Finding]:
        raise RuntimeError("amqp://user:hush@host")

    async def works() -> list[Finding]:
        return [Finding("c", Level.OK, "works")]

    found = await run_checks([("a", hangs), ("b", breaks), ("c", works)], seconds=0.05)

    assert [(one.name, one.level) for one in found] == [
        ("a", Level.FAIL),
        ("b", Level.FAIL),
        ("c", Level.OK),
    ]
    assert "hush" not in found[1].said


async def test_probes_try_what_harms_nobody_and_say_how_the_rest_is_found_out(
    scene: Scene,
) -> None:
    async with GraphHttp(scene.settings.graph_url) as http:
        seen = {one.name: one for one in await run_probes(Live(FIRST, scene.token, http))}

    assert len(seen) == len(PROBES)
    assert {name for name, one in seen.items() if one.tried} == {
        *("conversations", "message_edit", "usage_headers", "send_error", "bad_token"),
        "publishing_quota",
    }
    assert seen["send_error"].seen == "HTTP 400, code 100, subcode 2534014"
    assert seen["bad_token"].seen == "HTTP 401, code 190, subcode none"
    assert "--user IGSID" in seen["echo_mid"].seen
    assert (await scene.client.get("/control/feed", direction="out"))["messages"] == []


async def test_with_a_user_probes_write_to_nobody_else_and_name_nobody(scene: Scene) -> None:
    await scene.client.control("messages", {"user": "igsid-7", "text": "Tere"})
    async with GraphHttp(scene.settings.graph_url) as http:
        live = Live(FIRST, scene.token, http, user="igsid-7")
        seen = {one.name: one.seen for one in await run_probes(live)}

    assert seen["standard_access"] == seen["messaging_type"] == "HTTP 200"
    assert seen["long_text"] == "HTTP 400, code 100, subcode 2534015"
    assert len(await scene.client.sent("igsid-7")) == 3
    assert "igsid-7" not in json.dumps(seen)


def test_without_settings_the_command_names_them_all_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("VESTLUS_CONFIG", "VESTLUS_ACCOUNT_ID", "OPENAI_BASE_URL", "VESTLUS_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VESTLUS_PARTITIONS", "none")

    with pytest.raises(SystemExit) as ended:
        doctor(as_json=True)

    report = json.loads(capsys.readouterr().out)
    said = " ".join(one["said"] for one in report["findings"])
    assert ended.value.code == 1
    assert {one["name"] for one in report["findings"]} == {"settings"}
    for name in ("VESTLUS_APP_SECRETS", "VESTLUS_ENCRYPTION_KEY", "VESTLUS_PARTITIONS"):
        assert name in said


def test_the_command_goes_on_to_the_other_checks_when_settings_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("VESTLUS_CONFIG", "VESTLUS_ACCOUNT_ID", "VESTLUS_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VESTLUS_GRAPH_URL", "http://127.0.0.1:1/v25.0")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")

    with pytest.raises(SystemExit):
        doctor()

    printed = capsys.readouterr().out
    assert "fail  settings: VESTLUS_APP_SECRETS: is missing" in printed
    assert "ok    bus: answers (embedded)" in printed
    assert "ok    store: answers (embedded)" in printed
    assert "warn  clock: neither" in printed
    assert f"{TOKEN}" not in printed
