"""All checks of a set-up, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vestlus.accounts.open import token_cipher, tokens_in
from vestlus.bus.port import Topology
from vestlus.doctor.accounts import Standing, account_check
from vestlus.doctor.checks import (
    MODEL_SECONDS,
    check_bus,
    check_clock,
    check_model,
    check_public_address,
    check_store_clock,
)
from vestlus.doctor.findings import CHECK_SECONDS, Check, Finding, Level, run_checks
from vestlus.doctor.safety import check_safety
from vestlus.doctor.sign_in import sign_in_checks
from vestlus.errors import StoreError, StoreUnavailable
from vestlus.instagram.token_api import TokenApi
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.port import Store


async def examine(settings: Settings) -> list[Finding]:
    """The findings of all checks but that of the settings. The service need not run."""
    async with opened_store(settings) as (store, found):
        standings = await _standings(settings, store)
        quick: list[tuple[str, Check]] = [
            ("bus", lambda: check_bus(settings)),
            ("clock", lambda: check_clock(settings)),
            ("public address", lambda: check_public_address(settings)),
            ("safety", lambda: check_safety(settings)),
        ]
        quick += sign_in_checks(settings)
        if store is not None:
            there = store
            quick.append(("clock of the database", lambda: check_store_clock(there)))
        async with TokenApi(settings.graph_url) as calls:
            quick += [
                (f"account {one.account}", account_check(one, calls, settings)) for one in standings
            ]
            findings, models = await asyncio.gather(
                run_checks(quick),
                run_checks(
                    # Without the key, of which the settings' own finding tells, nothing is asked.
                    [("model", lambda: check_model(settings))] if settings.encryption_key else [],
                    seconds=MODEL_SECONDS * max(1, len(settings.accounts)),
                ),
            )
    return [*found, *findings, *models]


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[tuple[Store | None, list[Finding]]]:
    """The store and what is to be said of it; None where it cannot be opened."""
    topology = Topology(inbox=settings.partitions)
    try:
        store = open_store(
            settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        )
        async with asyncio.timeout(CHECK_SECONDS):
            await store.__aenter__()
    except (StoreUnavailable, TimeoutError):
        mend = (
            "is the database of VESTLUS_DATABASE_URL running, and are address, user and password "
            "right? For SQLite: may this user write to VESTLUS_DATA_DIR?"
        )
        yield None, [Finding("store", Level.FAIL, "does not answer", mend)]
    except StoreError as error:
        yield None, [Finding("store", Level.FAIL, str(error))]
    except (ValueError, OSError) as error:
        said = f"cannot be used: {type(error).__name__}"
        yield None, [Finding("store", Level.FAIL, said, "is VESTLUS_DATABASE_URL right?")]
    else:
        kind = "embedded" if settings.database.startswith("sqlite:") else "PostgreSQL"
        try:
            yield store, [Finding("store", Level.OK, f"answers ({kind})")]
        finally:
            await store.__aexit__(None, None, None)


async def _standings(settings: Settings, store: Store | None) -> list[Standing]:
    if settings.encryption_key is None:
        return []
    try:
        kept = await store.tokens() if store is not None else ()
    except StoreUnavailable:
        kept = ()  # what is wrong with the store is said by its own check
    rows = {row.account: row for row in kept}
    values, cipher = tokens_in(settings), token_cipher(settings)
    known = sorted({*rows, *(one.id for one in settings.accounts)})
    return [Standing(one, rows.get(one), values.get(one, ""), cipher) for one in known]
