"""The comparison's generator against a server that refuses, cuts and answers in pieces."""

from __future__ import annotations

from collections import Counter

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks.comparison.hammer import Hammer, HammerPlan
from benchmarks.peers.given import is_signed, said_in


class Intake:
    """Takes webhooks in, but not the first ones of each kind of trouble."""

    def __init__(self) -> None:
        self.kept: Counter[str] = Counter()
        self.unsigned = 0
        self._troubles = ["refuse", "cut", "pieces"]

    async def webhook(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.unsigned += not is_signed(raw, request.headers["x-hub-signature-256"], b"secret")
        trouble = self._troubles.pop() if self._troubles else ""
        if trouble == "refuse":
            return web.Response(status=503, text="not now")
        if trouble == "cut":
            transport = request.transport
            assert transport is not None
            transport.abort()
            return web.Response()
        self.kept.update(said.mid for said in said_in(raw))
        response = web.StreamResponse()
        if trouble == "pieces":
            response.enable_chunked_encoding()
            await response.prepare(request)
            await response.write(b"taken ")
            await response.write(b"in")
            await response.write_eof()
            return response
        return web.Response(text="taken in")


@pytest.mark.parametrize("per_post", [1, 7])
async def test_every_event_that_was_answered_200_was_taken_in_once(per_post: int) -> None:
    intake = Intake()
    app = web.Application()
    app.router.add_post("/webhook", intake.webhook)
    async with TestServer(app) as server:
        plan = HammerPlan(
            run="9",
            url=str(server.make_url("/webhook")),
            app_secret="secret",
            accounts=["1784140001", "1784140002"],
            per_post=per_post,
            connections=3,
            settle=0,
            seconds=0.1,
        )
        hammer = Hammer(plan)
        await hammer.run()
    assert intake.unsigned == 0
    assert len(hammer.accepted) == len(set(hammer.accepted))
    assert len(intake.kept) == len(hammer.accepted) * per_post
    assert set(intake.kept.values()) == {1}
    assert hammer.statuses[503] == 1
    assert hammer.statuses[0] == 1
