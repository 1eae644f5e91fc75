"""The checks of how people get into the console."""

from __future__ import annotations

from typing import Final

from vestlus.clock import Clock, system_clock
from vestlus.console.oidc.directory import Directory
from vestlus.console.oidc.errors import ProviderAway, ProviderUnfit
from vestlus.doctor.findings import Check, Finding, Level
from vestlus.settings import Settings
from vestlus.settings_sign_in import Provider

_UNFIT: Final = {
    "metadata": "what it publishes at /.well-known/openid-configuration lacks something, or names "
    "addresses without https",
    "other_issuer": "it calls itself by another name: write `issuer` exactly as it does there. "
    "With Microsoft Entra ID that has the tenant's id and ends in /v2.0",
    "no_signature_that_we_take": "it signs with nothing but its clients' secrets: choose RS256 or "
    "ES256 there",
}


def sign_in_checks(settings: Settings) -> list[tuple[str, Check]]:
    """All checks of signing in; none where only the token opens the console."""

    def of(provider: Provider) -> tuple[str, Check]:
        return f"sign-in {provider.name}", lambda: check_provider(provider)

    checks = [of(provider) for provider in settings.sign_in.oidc]
    return [("sign-in", lambda: check_console(settings)), *checks] if checks else []


async def check_provider(provider: Provider, clock: Clock = system_clock) -> list[Finding]:
    """Whether people could sign in at a provider: its addresses and its keys."""
    name = f"sign-in {provider.name}"
    directory = Directory(provider, clock)
    try:
        await directory.metadata()
        await directory.keys()
    except ProviderAway:
        mend = f"is `issuer` right, and can this machine reach {provider.issuer}?"
        return [Finding(name, Level.FAIL, "does not answer with what can be used", mend)]
    except ProviderUnfit as error:
        mend = _UNFIT.get(error.reason, "")
        return [Finding(name, Level.FAIL, "does not fit [sign_in.oidc]", mend)]
    if provider.client_secret is None:
        mend = "write client_secret, unless it is registered there as a public client"
        return [Finding(name, Level.WARN, "answers; there is no client_secret", mend)]
    return [Finding(name, Level.OK, "answers, and its keys can be read")]


async def check_console(settings: Settings) -> list[Finding]:
    """Whether providers are told an address of ours to send people back to."""
    there = settings.sign_in
    if not there.oidc or there.console_url or settings.public_url:
        return []
    said = "the console's address is taken from each request"
    mend = "set console_url in [sign_in], or VESTLUS_PUBLIC_URL"
    return [Finding("sign-in", Level.WARN, said, mend)]
