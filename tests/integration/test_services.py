"""The servers that the tests run on: fresh places for each test, and faults that lose nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg
import pytest

from tests.contract.store_support import ANNA, INBOX, LONG, another, message, recorded
from tests.services import AmqpSpace, PostgresServer, RabbitMQServer
from tests.services.kept import wait_until
from tests.services.postgres_copies import DatabaseCopies
from tests.services.provision import POSTGRES, RABBITMQ
from vestlus.store.rows import MemberKind

ROOT = Path(__file__).parents[2]


async def test_a_message_that_was_confirmed_is_there_after_rabbitmq_was_killed(
    rabbitmq_server: RabbitMQServer,
) -> None:
    space = rabbitmq_server.fresh_space()
    arguments: dict[str, Any] = {"x-queue-type": "quorum"}
    async with await aio_pika.connect(space.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("kept", durable=True, arguments=arguments)
        rabbitmq_server.settle()
        await channel.default_exchange.publish(aio_pika.Message(b"Tere"), queue.name)

        rabbitmq_server.kill9()
        assert not rabbitmq_server.answers()
        rabbitmq_server.start()

    async with await aio_pika.connect(space.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("kept", durable=True, arguments=arguments)
        message = await queue.get(timeout=10)
        assert message.body == b"Tere"
        await message.ack()
    rabbitmq_server.retire(space)


async def test_each_test_has_a_place_on_rabbitmq_of_its_own(
    amqp_space: AmqpSpace, rabbitmq_service: RabbitMQServer
) -> None:
    other = rabbitmq_service.fresh_space()
    assert (other.url, other.queue_prefix) != (amqp_space.url, amqp_space.queue_prefix)
    async with await aio_pika.connect(amqp_space.url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(f"{amqp_space.queue_prefix}q", auto_delete=True)
    async with await aio_pika.connect(other.url) as connection:
        channel = await connection.channel()
        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await channel.declare_queue(f"{other.queue_prefix}q", passive=True)
    rabbitmq_service.retire(other)


async def test_a_row_that_was_committed_is_there_after_postgresql_was_killed(
    postgres_server: PostgresServer,
) -> None:
    database = postgres_server.fresh_database()
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

    postgres_server.kill9()
    assert not postgres_server.answers()
    postgres_server.start()

    connection.terminate()
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT one FROM kept") == 1
    assert await connection.fetchval("SHOW fsync") == "on"
    await connection.close()
    postgres_server.drop_database(database)


async def test_each_test_has_an_empty_database_of_its_own(
    postgres_database: str, postgres_url: str
) -> None:
    assert postgres_database != postgres_url
    connection = await asyncpg.connect(postgres_database)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await connection.fetchval(tables) == 0
    await connection.close()


async def test_a_store_that_was_used_is_as_new_for_the_next_test(
    store_databases: DatabaseCopies,
) -> None:
    url = store_databases.take()
    async with another(url) as store:
        first = await store.acquire([INBOX], ANNA, LONG)
        await store.put_embeddings("a model", {"a picture": b"vector"})
        (one,) = await recorded(store, first[INBOX], message())
        await store.heartbeat(ANNA)

        # With its sessions still open.
        store_databases.give_back(url)
        assert store_databases.take() == url

    async with another(url) as store:
        assert await store.live(MemberKind.CONVERSATION, LONG) == ()
        assert await store.embeddings("a model", ["a picture"]) == {}
        assert (await store.counts()).events == {}
        assert await store.acquire([INBOX], ANNA, LONG) == first
        (again,) = await recorded(store, first[INBOX], message())
        assert again.seq == one.seq
    store_databases.give_back(url)


async def test_a_store_that_cannot_be_made_new_is_no_tests_again(
    store_databases: DatabaseCopies,
) -> None:
    url = store_databases.take()
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE meta SET value = value || '0'")
    await connection.close()

    store_databases.give_back(url)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)


# A test run of one test, which says where its servers are and waits to be ended.
WAITING = """
import pathlib, threading
def test_waiting(rabbitmq_service, postgres_service):
    where = [str(s._runner.directory) for s in (rabbitmq_service, postgres_service)]
    pathlib.Path({path!r}).write_text("\\n".join(where))
    threading.Event().wait()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_test_run_leaves_no_server_and_no_file_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "said").touch()
    (tmp_path / "test_waiting.py").write_text(WAITING.format(path=str(tmp_path / "said")))
    given = {RABBITMQ.variable, POSTGRES.variable}
    env = {name: value for name, value in os.environ.items() if name not in given}
    options = ["-q", "-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, str(tmp_path / "test_waiting.py")],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with run:
        wait_until(
            lambda: bool((tmp_path / "said").read_text()) or run.poll() is not None,
            timeout=120,
            what=lambda: "the run did not start its servers",
        )
        places = (tmp_path / "said").read_text().splitlines()
        assert len(places) == 2, run.stdout.read() if run.stdout else ""
        run.send_signal(number)
        run.communicate()

    wait_until(
        lambda: not any(mentioned(place) or Path(place).exists() for place in places),
        timeout=60,
        what=lambda: f"left behind: {[mentioned(place) for place in places]}",
    )


def mentioned(directory: str) -> list[str]:
    """Return the processes whose command or environment names `directory`."""
    everything = ["/bin/ps", "axeww", "-o", "pid=,stat=,args="]
    listing = subprocess.run(everything, capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if directory in line and " /bin/ps" not in line]
