"""When a request to the Graph API is over for its caller, in virtual time."""

import asyncio

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.rules import GUARD_SECONDS, SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic
from vestlus.errors import NotSent
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.graph_http import TIMEOUT_SECONDS


async def never_connects(*_: object, **__: object) -> None:
    await asyncio.Event().wait()


async def gives_up_after(began: float, seconds: float) -> float:
    """How long a send takes that is begun then and never has a connection."""
    await asyncio.sleep(began)
    async with GraphClient("https://graph.example/v25.0", lambda _: "t", timeout=seconds) as client:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(aiohttp.TCPConnector, "connect", never_connects)
            with pytest.raises(NotSent, match="timeout"):
                await client.send_text("1", "2", "Tere!")
    return virtual_monotonic() - began


@given(
    began=st.floats(0, 2),
    seconds=st.floats(0.1, 60) | st.sampled_from([5.0, TIMEOUT_SECONDS]),
)
def test_a_request_is_given_up_on_time_whenever_it_was_begun(began: float, seconds: float) -> None:
    assert run_virtual(gives_up_after(began, seconds)) == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize("tenth", range(10))
def test_the_client_says_that_nothing_was_written_before_a_publishers_guard_ends_it(
    tenth: int,
) -> None:
    async def scenario() -> None:
        seconds = SendingRules().request_seconds
        async with asyncio.timeout(tenth / 10 + seconds + GUARD_SECONDS):
            await gives_up_after(tenth / 10, seconds)

    run_virtual(scenario())
