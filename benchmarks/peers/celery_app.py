"""A Celery task answers each message, with the openai SDK, psycopg and httpx2.

``celery -A benchmarks.peers.celery_app worker --pool … --concurrency …``. As recommended by Celery,
"Using RabbitMQ" (quorum queues, `confirm_publish`), "Tasks" (`acks_late` with an idempotent task,
`ignore_result`, `autoretry_for`) and "Optimizing"; psycopg, "Connection pools"; the openai SDK's
README (`client.responses.create`, one client for the process); Meta, "Send messages".

What a message needs is done by one task, and tasks of one user may run at the same time: Celery
keeps no order. A task that is given again after a crash between sending and noting it sends twice.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx2
import openai
from celery import Celery
from psycopg_pool import ConnectionPool

from benchmarks.peers.given import HISTORY_MESSAGES, MAX_OUTPUT_TOKENS, MODEL, given

_given = given()

app = Celery("answers", broker=_given.broker_url)
app.conf.update(
    broker_transport_options={"confirm_publish": True},
    task_default_queue="answers",
    task_default_queue_type="quorum",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)

RECORD = """
INSERT INTO message (conversation, role, content, mid) VALUES (%s, 'user', %s, %s)
ON CONFLICT (mid) DO UPDATE SET mid = excluded.mid RETURNING answered
"""
HISTORY = """
SELECT role, content FROM message WHERE conversation = %s ORDER BY id DESC LIMIT %s
"""
NOTE = "INSERT INTO message (conversation, role, content) VALUES (%s, 'assistant', %s)"
ANSWERED = "UPDATE message SET answered = true WHERE mid = %s"


# Made by the first task of each process: neither may be shared over a fork.
@cache
def database() -> ConnectionPool[Any]:
    """PostgreSQL."""
    return ConnectionPool(
        _given.database_url, min_size=1, max_size=_given.connections, timeout=60, open=True
    )


@cache
def model() -> openai.OpenAI:
    """The model."""
    return openai.OpenAI()


@cache
def graph() -> httpx2.Client:
    """The Graph API."""
    return httpx2.Client(
        headers={"Authorization": f"Bearer {_given.access_token}"},
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
        timeout=30,
    )


@app.task(autoretry_for=(openai.APIError, httpx2.HTTPError), retry_backoff=True, max_retries=5)
def answer(account: str, user: str, mid: str, text: str) -> None:
    """Answer one message."""
    conversation = f"{account}:{user}"
    with database().connection() as connection:
        known = connection.execute(RECORD, (conversation, text, mid)).fetchone()
        rows = connection.execute(HISTORY, (conversation, HISTORY_MESSAGES)).fetchall()
    if known is not None and known[0]:
        return
    response = model().responses.create(
        model=MODEL,
        instructions=_given.persona,
        input=[{"role": role, "content": content} for role, content in reversed(rows)],
        max_output_tokens=MAX_OUTPUT_TOKENS,
        store=False,
    )
    said = response.output_text
    graph().post(
        f"{_given.graph_url}/{account}/messages",
        json={"recipient": {"id": user}, "message": {"text": said}},
    ).raise_for_status()
    with database().connection() as connection:
        connection.execute(NOTE, (conversation, said))
        connection.execute(ANSWERED, (mid,))
