"""``vestlus serve``: the same code with endpoints from the settings, and its upgrade.

Behind HAProxy where there is; Ray's own ingress is what the demo uses.
"""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import aiohttp
import pytest

from tests.e2e.conftest import QUICK
from tests.e2e.fleet import INGRESS, Fleet
from tests.e2e.service import Service, running_simulator, wait_for
from tests.e2e.switch import Switch
from tests.e2e.traffic import Habits, Traffic
from tests.services import PostgresServer, RabbitMQServer
from vestlus.bus.port import Topology
from vestlus.store.open import open_store

CONFIG = """
VESTLUS_BURST_WAIT_SECONDS = 0.2

[[accounts]]
id = "17841400000000009"
access_token = "replaced by the environment"
persona = "ours.md"

[[event_rules]]
name = "uudis"
event = "news"
tags = ["news"]
caption = "{{ event.title }}"
"""

#: Few: what they cost, the services that start meanwhile do not have.
HABITS = Habits(seed=7, users=15)
MODEL_SECONDS = (0.5, 2.0)

#: For the last answers, after everybody stopped writing.
SETTLE_SECONDS = 180.0


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory,
    rabbitmq_service: RabbitMQServer,
    postgres_service: PostgresServer,
) -> Iterator[Fleet]:
    """Return what starts services on one empty RabbitMQ and one empty PostgreSQL."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "ours.md").write_text("Oleme avatud iga päev kell 8–20.", "utf-8")
    config = folder / "own.toml"
    config.write_text(CONFIG, "utf-8")
    space, database = rabbitmq_service.fresh_space(), postgres_service.fresh_database()
    own = {
        "VESTLUS_CONFIG": str(config),
        "VESTLUS_BUS_URL": space.url,
        "VESTLUS_DATABASE_URL": database,
        "VESTLUS_EVENT_TOKENS": "shop=the-event-token",
        "VESTLUS_LOG_LEVEL": "DEBUG",
    }
    # As the file says.
    quick = {name: value for name, value in QUICK.items() if name not in CONFIG}
    with (
        Switch() as switch,
        running_simulator(folder, switch.port) as (simulator, given),
        Fleet(folder, simulator, given | quick | own, switch) as fleet,
    ):
        yield fleet
    rabbitmq_service.retire(space)
    postgres_service.drop_database(database)


@pytest.fixture
def service(fleet: Fleet) -> Service:
    """Return the service of the moment."""
    return fleet.current


def test_messages_are_answered_from_settings_alone(service: Service) -> None:
    assert "8–20" in service.ask("somebody", "Mis kell te avate?")
    assert service.status("/readyz") == 200
    query = urllib.parse.urlencode(
        {
            "hub.mode": "subscribe",
            "hub.verify_token": "the verify token",
            "hub.challenge": "4711",
        }
    )
    with urllib.request.urlopen(  # noqa: S310 - our own server
        f"{service.address}/webhook?{query}", timeout=10
    ) as answer:
        assert answer.read() == b"4711"
    forged = service.control(
        "raw-webhook",
        {"payload": {"object": "instagram", "entry": []}, "signature": "wrong"},
    )
    assert [one["status"] for one in forged["responses"]] == [401]
    assert bool(service.processes("haproxy")) == (INGRESS == "haproxy")


def test_one_search_of_the_log_shows_a_message_s_way_through_all_processes(
    service: Service,
) -> None:
    before = service.log.stat().st_size
    for number in range(3):
        # Alike but for numbers: Ray would show one of them.
        service.ask(f"follower-{number}", "Mis kell te avate?")

    def ways() -> list[set[str]]:
        lines = re.findall(r"\{.*\}", service.printed(before))
        found: dict[str, set[str]] = {}
        for line in (json.loads(line) for line in lines):
            for message in str(line.get("message_id", "")).split():
                found.setdefault(message, set()).add(line["event"])
        return list(found.values())

    wanted = {"webhook_durable", "recorded", "turn_committed", "send_step"}
    wait_for("three ways", lambda: sum(wanted <= one for one in ways()) == 3, seconds=30)


def test_an_event_of_another_system_is_taken_once(service: Service, fleet: Fleet) -> None:
    def tell(name: str, token: str) -> tuple[int, bytes]:
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{service.address}/events/{name}",
            data=b'{"title":"Uus raamat"}',
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": "4711",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    status, body = tell("news", "the-event-token")
    assert status == 202
    assert tell("news", "the-event-token") == (202, body)
    assert tell("news", "another")[0] == 401
    assert tell("none", "the-event-token")[0] == 404
    unknown, known = fleet.vestlus(service, "events", "list")
    assert (unknown["event"], unknown["outcomes"][0]["reason"]) == ("none", "unknown_event")
    assert (known["id"], known["source"]) == (json.loads(body)["id"], "shop")


def test_a_revoked_token_is_replaced_in_the_same_processes(service: Service, fleet: Fleet) -> None:
    service.ask("another", "Mis kell te avate?")
    senders = service.processes("PublisherActor")
    service.control("revoke-token", {})
    asked = service.write("another", "Mis kell te suletate?")

    def noticed() -> bool:
        (account,) = fleet.vestlus(service, "accounts", "list")
        return bool(account["state"] == "rejected")

    wait_for("the rejected token is noted", noticed, seconds=60)
    token = service.control("tokens", {"account": service.account})["token"]
    words = ("accounts", "connect", "--token-env=NEW_TOKEN")
    done = fleet.vestlus(service, *words, besides={"NEW_TOKEN": token})

    assert done["account"] == service.account
    # A minute after the last try the token would be tried by itself.
    assert "8–20" in service.answers("another", int(asked["seq"]), seconds=30)[0]
    assert service.processes("PublisherActor") == senders
    assert "token_rejected" in service.printed(0)


def test_the_doctor_finds_all_well_but_the_certificate(service: Service, fleet: Fleet) -> None:
    here = {"VESTLUS_PUBLIC_URL": service.address}
    findings = fleet.vestlus(service, "doctor", besides=here, status=1)["findings"]

    (wrong,) = [one for one in findings if one["level"] == "fail"]
    assert "https" in wrong["said"]
    assert [one["level"] for one in findings if one["name"] == "public address"] == ["fail", "ok"]


async def test_an_upgrade_under_traffic_loses_and_doubles_nothing(
    fleet: Fleet, say: Callable[[str], None]
) -> None:
    first = await asyncio.to_thread(lambda: fleet.current)
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=120), connector=aiohttp.TCPConnector(limit=0)
    ) as session:
        traffic = Traffic(fleet.simulator, session, HABITS, accounts=[first.account])
        await traffic.call("model", {"latency_seconds": list(MODEL_SECONDS)})
        start = (await traffic.call("info"))["seq"]
        running = asyncio.create_task(traffic.run(), name="traffic")
        try:
            await more_answers(traffic, running)
            second = await asyncio.to_thread(fleet.start, "default")
            await shared(fleet.database)
            await more_answers(traffic, running)
            fleet.direct(second)
            took = await asyncio.to_thread(fleet.stop, first)
            await more_answers(traffic, running)
            traffic.stopped.set()
            async with asyncio.timeout(SETTLE_SECONDS):
                await running
            verdict = await traffic.call(f"check?after={start}&user_prefix=u&wait=20")
        finally:
            running.cancel()
            await asyncio.wait({running})
            await traffic.call("model", {"latency_seconds": 0})
    say(f"{traffic.written} messages over two services; the first one drained in {took:.1f} s")
    assert verdict["ok"], verdict
    assert verdict["not_accepted"] == 0
    assert verdict["answered"] == traffic.written


def test_who_is_told_to_stop_alone_first_answers_those_whom_the_model_is_about_to_answer(
    service: Service, fleet: Fleet, say: Callable[[str], None]
) -> None:
    users = [f"last-{number}" for number in range(20)]
    service.control("model", {"latency_seconds": 4})
    try:
        sent = {user: service.write(user, "Mis kell te avate?")["seq"] for user in users}
        wait_for(
            "the model is asked for all",
            lambda: service.control("stats")["model_under_way"] == len(users),
            seconds=30,
        )
        took = fleet.stop(service)
    finally:
        service.control("model", {"latency_seconds": 0})
    answers = {user: service.answers(user, int(seq), seconds=1) for user, seq in sent.items()}
    assert [len(found) for found in answers.values()] == [1] * len(users)
    say(f"with {len(users)} turns under way it drained in {took:.1f} s")


async def more_answers(traffic: Traffic, running: asyncio.Task[None]) -> None:
    """Waits until each user, on the average, has been answered twice more."""
    wanted = traffic.answers + 2 * HABITS.users
    async with asyncio.timeout(120):
        while traffic.answers < wanted:
            assert not running.done(), running.result()
            await asyncio.sleep(0.05)


async def shared(database: str) -> None:
    """Waits until two clusters serve, each some partitions of either kind."""
    topology = Topology()
    store = open_store(database, partitions=topology.inbox, outbox_partitions=topology.outbox)
    async with asyncio.timeout(60), store:
        for prefix in ("inbox.", "outbox."):
            while True:
                assigned = await store.assignment(prefix)
                if len({member.partition("/")[0] for member in assigned.values()}) > 1:
                    break
                await asyncio.sleep(0.2)
