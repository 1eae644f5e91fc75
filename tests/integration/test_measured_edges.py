"""What replicas tell of requests that are no messages: the console's, the API's, guesses."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.fakes.measures import total
from tests.integration.console_support import TOKEN, console_settings, served
from vestlus.console.guesses import MOST_OF_ONE


class Seen:
    """What ``/metrics`` says, and how much of it is new."""

    def __init__(self, client: httpx.AsyncClient, before: bytes) -> None:
        self._client = client
        self._before = before

    async def grown(self, name: str, **labels: str) -> float:
        now = (await self._client.get("/metrics")).content
        return total(now, name, **labels) - total(self._before, name, **labels)


async def test_requests_of_the_console_and_the_api_are_told_and_tokens_that_are_guessed(
    tmp_path: Path,
) -> None:
    async with (
        served(console_settings(tmp_path)) as site,
        httpx.AsyncClient(base_url=site.address, headers={"origin": site.address}) as client,
    ):
        seen = Seen(client, (await client.get("/metrics")).content)
        form = {"name": "Mari", "next": "/console"}
        bearer = {b"authorization": f"Bearer {TOKEN}".encode()}
        await client.post("/console/sign-in", data={**form, "token": TOKEN})
        for _ in range(MOST_OF_ONE + 1):
            async with httpx.AsyncClient(base_url=site.address) as stranger:
                headers = {"origin": site.address}
                guess = {**form, "token": "guessed"}
                await stranger.post("/console/sign-in", data=guess, headers=headers)
        await client.get("/console")
        await client.get("/api/v1/nowhere", headers=bearer)

        refused = "vestlus_sign_in_refusals_total"
        assert await seen.grown(refused, way="token", outcome="wrong") == MOST_OF_ONE
        assert await seen.grown(refused, way="token", outcome="locked") == 1
        requests = "vestlus_request_seconds_count"
        assert await seen.grown(requests, route="sign_in", status="303") == 1
        assert await seen.grown(requests, route="sign_in", status="403") == MOST_OF_ONE
        assert await seen.grown(requests, route="sign_in", status="429") == 1
        assert await seen.grown(requests, route="console", status="200") == 1
        assert await seen.grown(requests, route="api", status="404") == 1
        assert await seen.grown("vestlus_api_refusals_total", error="no_such_path") == 1
