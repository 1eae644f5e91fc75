"""FastAPI takes webhooks in and hands each message to the Celery task.

``uvicorn benchmarks.peers.celery_webhook:app``. As recommended by FastAPI, "Concurrency and async /
await": what blocks (`delay` waits for the broker's confirmation) runs in the thread pool; Celery,
"Calling Tasks" and "Using RabbitMQ" (`confirm_publish`).
"""

from __future__ import annotations

from dataclasses import asdict

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from benchmarks.peers.celery_app import answer
from benchmarks.peers.given import Said, given, is_signed, said_in

_given = given()

app = FastAPI()


@app.get("/readyz")
async def ready() -> dict[str, str]:
    """Whether it takes webhooks."""
    return {"status": "ready"}


@app.post("/webhook")
async def webhook(request: Request) -> Response:
    """Answer 200 when the broker has confirmed every task."""
    raw = await request.body()
    if not is_signed(raw, request.headers.get("x-hub-signature-256"), _given.app_secret):
        return Response(status_code=401)
    if texts := said_in(raw):
        await run_in_threadpool(_hand_over, texts)
    return Response()


def _hand_over(texts: list[Said]) -> None:
    for said in texts:
        answer.delay(**asdict(said))
