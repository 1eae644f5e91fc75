"""``/api/v1`` does as its description says, whatever it is asked: made-up requests by the thousand.

Schemathesis makes them of the description, and demands of each answer that its status and its body
are described, that nothing is a server error, and that nobody is let in without the token.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from tests.integration.console_support import Site, console_settings, served
from vestlus.console import guesses
from vestlus.console.api_all import OPERATIONS, described


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served replica in a thread of its own: Schemathesis asks and waits."""
    folder = tmp_path_factory.mktemp("fuzzed")
    found: Future[Site] = Future()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with served(console_settings(folder, operator_token=TOKEN)) as made:
            found.set_result(made)
            await over.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:
            if found.done():
                raise
            found.set_exception(error)
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="served")
    with pytest.MonkeyPatch.context() as patch:
        # Wrong tokens are among what it asks with, and right ones come from the same address.
        for limit in ("MOST_OF_ONE", "MOST_OF_ALL"):
            patch.setattr(guesses, limit, 1_000_000)
        thread.start()
        try:
            yield found.result(timeout=60)
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(over.set)
            thread.join(timeout=60)


TOKEN = "a token without letters that a header cannot have"

_CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"deterministic": True},
        "auth": {"openapi": {"operator": {"bearer": TOKEN}}},
        "checks": {
            # What the schema allows may still be refused for what it means: a time that is over.
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "401", "403", "404", "409", "422"]
            }
        },
    }
)
schema = schemathesis.openapi.from_dict(described(), config=_CONFIG)


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),  # the machine may be slow, and the site is shared
)
def test_every_operation_does_as_it_is_described(case: Case[Any], site: Site) -> None:
    case.call_and_validate(base_url=site.address)


def test_operations_are_told_apart_by_their_ids() -> None:
    ids = [one.id for one in OPERATIONS]
    assert sorted(set(ids)) == sorted(ids)
