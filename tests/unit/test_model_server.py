"""Who waits for the rate limit, how long, and that they wait outside the breaker."""

from __future__ import annotations

import asyncio

import pytest

from vestlus.assistant.model_server import LONGEST_WAIT_SECONDS, ModelServer, Say
from vestlus.assistant.open import open_connections, open_server
from vestlus.assistant.pace_line import Asker
from vestlus.assistant.pacer import Pacer
from vestlus.errors import AssistantUnavailable
from vestlus.settings import Settings
from vestlus.settings_account import Account

ACCOUNT = Account(id="17841400000000001", apology_after_seconds=6 * 60 * 60)


def told(remaining: int) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": str(remaining),
        "x-ratelimit-reset-requests": "1h" if not remaining else "1s",
    }


async def answered(pacer: Pacer, remaining: int) -> None:
    """A call is answered, and so many are left."""
    pacer.heard(pacer._pace.sent(asyncio.get_running_loop().time(), 1), told(remaining))
    pacer.done()


async def server_and_pacer() -> tuple[ModelServer, Pacer]:
    """With a key of which nothing is left."""
    values = {"openai_api_key": "sk-test", "encryption_key": "k" * 32}
    settings = Settings.model_validate(values)
    connections = open_connections(settings, clock=lambda: 0)
    server = open_server(settings, connections, monotonic=asyncio.get_running_loop().time)
    await server.ask(ACCOUNT, "u", answers)
    (pacer,) = server._pacers.values()
    await answered(pacer, 0)
    return server, pacer


async def answers(_: Say) -> str:
    return "Tere!"


async def settle() -> None:
    """Lets tasks run up to where they wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_waits_for_the_rate_limit_does_not_keep_a_half_open_breaker_from_the_others() -> (
    None
):
    server, pacer = await server_and_pacer()
    (breaker,) = server._breakers.values()
    breaker._open_until = 0.0  # it was open until long ago
    first = asyncio.create_task(server.ask(ACCOUNT, "u", answers))
    await settle()
    second = asyncio.create_task(server.ask(ACCOUNT, "v", answers))
    await settle()
    assert not second.done()
    assert len(pacer) == 2
    second.cancel()
    await asyncio.wait({second})
    await answered(pacer, 900)
    assert await asyncio.wait_for(first, 10) == "Tere!"
    assert breaker.closed
    assert pacer._pace.under_way == 0
    await server.aclose()


async def test_nobody_waits_for_the_rate_limit_of_a_server_that_is_away() -> None:
    server, pacer = await server_and_pacer()
    (breaker,) = server._breakers.values()
    breaker._open_until = asyncio.get_running_loop().time() + 60
    with pytest.raises(AssistantUnavailable, match="circuit_open"):
        await asyncio.wait_for(server.ask(ACCOUNT, "u", answers), 10)
    assert len(pacer) == 0
    await server.aclose()


@pytest.mark.parametrize(("patience", "seconds"), [(None, LONGEST_WAIT_SECONDS), (10.0, 10.0)])
async def test_no_call_waits_for_long_however_long_the_account_would(
    patience: float | None, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, pacer = await server_and_pacer()
    askers: list[Asker] = []
    turns = pacer.turns

    def noted(asker: Asker) -> object:
        askers.append(asker)
        return turns(asker)

    monkeypatch.setattr(pacer, "turns", noted)
    if patience is None:
        call = server.ask(ACCOUNT, "u", answers)
    else:
        call = server.ask(ACCOUNT, "u", answers, later=True, patience=patience)
    task = asyncio.create_task(call)
    await settle()
    (asker,) = askers
    now = asyncio.get_running_loop().time()
    assert now < asker.until <= now + seconds
    task.cancel()
    await asyncio.wait({task})
    await server.aclose()
