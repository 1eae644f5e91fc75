"""What the doctor says of signing in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.oidc_provider import CLIENT, SECRET, OidcProvider, provided
from tests.integration.console_support import console_settings
from vestlus.clock import system_clock
from vestlus.doctor.findings import Finding, Level, run_checks
from vestlus.doctor.sign_in import sign_in_checks


@pytest.fixture
async def provider() -> AsyncIterator[OidcProvider]:
    async with provided(system_clock) as made:
        yield made


async def found(folder: Path, provider: OidcProvider, **changed: object) -> list[Finding]:
    table = {
        "name": "entra",
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "agent": "A",
        **changed,
    }
    settings = console_settings(
        folder, sign_in={"oidc": table, "console_url": "https://console.example"}
    )
    return await run_checks(sign_in_checks(settings))


async def test_a_provider_that_people_can_sign_in_at_is_fine(
    tmp_path: Path, provider: OidcProvider
) -> None:
    [finding] = await found(tmp_path, provider)
    assert (finding.name, finding.level) == ("sign-in entra", Level.OK)


async def test_a_provider_that_does_not_fit_is_told_with_what_to_mend(
    tmp_path: Path, provider: OidcProvider
) -> None:
    [slash] = await found(tmp_path, provider, issuer=f"{provider.issuer}/")
    assert slash.level is Level.FAIL
    assert "write `issuer` exactly" in slash.mend
    provider.metadata = {"id_token_signing_alg_values_supported": ["HS256"]}
    [weak] = await found(tmp_path, provider)
    assert "RS256" in weak.mend
    provider.is_away = True
    [away] = await found(tmp_path, provider)
    assert away.said == "does not answer with what can be used"
    assert SECRET not in f"{slash}{weak}{away}"


async def test_a_secret_or_an_address_that_is_missing_is_worth_a_look(
    tmp_path: Path, provider: OidcProvider
) -> None:
    [finding] = await found(tmp_path, provider, client_secret=None)
    assert finding.level is Level.WARN
    table = {"issuer": provider.issuer, "client_id": CLIENT, "admin": "A"}
    settings = console_settings(tmp_path, sign_in={"oidc": table})
    names = [one.said for one in await run_checks(sign_in_checks(settings))]
    assert names[0] == "the console's address is taken from each request"
    assert sign_in_checks(console_settings(tmp_path)) == []
