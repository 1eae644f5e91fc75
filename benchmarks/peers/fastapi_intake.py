"""FastAPI and uvicorn take webhooks in and publish each event to RabbitMQ with aio-pika.

``uvicorn benchmarks.peers.fastapi_intake:app``. As recommended by FastAPI, "Lifespan Events" and
"Server Workers - Uvicorn with Workers"; aio-pika, "Publisher confirms", where every publish is
awaited (a channel confirms by default); RabbitMQ, "Quorum Queues" and "Consumer Acknowledgements
and Publisher Confirms": a persistent message to a quorum queue is safe once it is confirmed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

import aio_pika
from fastapi import FastAPI, Request, Response

from benchmarks.peers.given import given, is_signed, said_in

QUEUE = "inbox"

_given = given()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One connection and one channel for the process."""
    async with await aio_pika.connect_robust(_given.broker_url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        app.state.exchange = channel.default_exchange
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    """Whether it takes webhooks."""
    return {"status": "ready"}


@app.post("/webhook")
async def webhook(request: Request) -> Response:
    """Answer 200 when the broker has confirmed every event."""
    raw = await request.body()
    if not is_signed(raw, request.headers.get("x-hub-signature-256"), _given.app_secret):
        return Response(status_code=401)
    exchange: aio_pika.abc.AbstractExchange = request.app.state.exchange
    await asyncio.gather(
        *(
            exchange.publish(
                aio_pika.Message(
                    json.dumps(asdict(said)).encode(),
                    content_type="application/json",
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                ),
                routing_key=QUEUE,
            )
            for said in said_in(raw)
        )
    )
    return Response()
